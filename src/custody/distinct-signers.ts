import { type Finding, failure } from './finding.js';
import type { ClaimRecord } from './ledger.js';

/** A claim that counts, and how many signers it needs. */
export interface Requirement {
  readonly record: {
    readonly claim: Pick<ClaimRecord['claim'], 'team'>;
    readonly signers: ReadonlyMap<string, { readonly signer: string }>;
  };
  readonly threshold: number;
}

/** Ways of dividing the shared signers that are tried before giving up, which is a no. */
const MAX_TRIES = 10_000;

/**
 * No signer satisfies two teams: there must be a way of giving every signer to one team so that each claim still has its
 * signers. Someone who signed for two teams does no harm where a claim has enough signers without them.
 */
export function checkDistinctSigners(requirements: readonly Requirement[]): readonly Finding[] {
  const teamsOf = new Map<string, Set<string>>();
  const names = new Map<string, string>();
  for (const { record } of requirements) {
    for (const [identity, owner] of record.signers) {
      teamsOf.set(identity, (teamsOf.get(identity) ?? new Set()).add(record.claim.team));
      names.set(identity, owner.signer);
    }
  }
  const shared = [...teamsOf].filter(([, teams]) => teams.size > 1);
  if (shared.length === 0) return [];
  const given = new Map<string, string>();
  let tries = 0;
  const holds = (): boolean =>
    requirements.every(({ record, threshold }) => {
      const own = [...record.signers.keys()].filter(identity => {
        const team = given.get(identity);
        return team === undefined || team === record.claim.team;
      });
      return own.length >= threshold;
    });
  const divide = (at: number): boolean => {
    // A signer not yet given away counts everywhere, so what fails now fails below as well.
    if (++tries > MAX_TRIES || !holds()) return false;
    const entry = shared[at];
    if (entry === undefined) return true;
    const [identity, teams] = entry;
    for (const team of teams) {
      given.set(identity, team);
      if (divide(at + 1)) return true;
    }
    given.delete(identity);
    return false;
  };
  if (divide(0)) return [];
  return shared.map(([identity, teams]) => {
    const message = `signed for ${[...teams].join(' and ')}; one person cannot stand for two teams`;
    return failure('signer-reuse', `signer ${names.get(identity)}`, message);
  });
}
