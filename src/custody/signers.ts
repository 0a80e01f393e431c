import type { CustodyPolicy, Team, TeamSigner } from './policy.js';

/** A key's owner in one team. */
export interface KeyOwner {
  readonly team: string;
  readonly signer: string;
  /** Stands for the person or robot: names and keys that belong together have one identity, in whatever team. */
  readonly identity: string;
  readonly standing: KeyStanding;
}

/** `retired` and `revoked` keys made marks in the past; what they make today says nothing. */
export type KeyStanding = 'current' | 'retired' | 'revoked';

/** Who owns which key. */
export interface KeyRing {
  /** Owners of a key, at most one per team: a key counts for one signer. */
  readonly ownersOf: ReadonlyMap<string, readonly KeyOwner[]>;
  readonly keys: readonly TeamSigner['keys'][number][];
}

/**
 * Gathers the keys of all teams. A signer's name means the same person in every team, and a key that two signers share
 * makes them one: thresholds and `distinctSigners` count persons.
 */
export function gatherKeys(policy: Pick<CustodyPolicy, 'teams'>): KeyRing {
  const identities = joinIdentities(policy.teams);
  const owners = new Map<string, KeyOwner[]>();
  const keys = new Map<string, TeamSigner['keys'][number]>();
  for (const team of policy.teams) {
    // A key that stands there twice is what is worst for it.
    for (const standing of ['revoked', 'retired', 'current'] as const) {
      for (const signer of team.signers) {
        for (const key of keysOf(signer, standing)) {
          const list = owners.get(key.keyid) ?? [];
          owners.set(key.keyid, list);
          keys.set(key.keyid, key);
          if (list.some(owner => owner.team === team.name)) continue;
          list.push({
            team: team.name,
            signer: signer.name,
            identity: identities(signer.name),
            standing,
          });
        }
      }
    }
  }
  return { ownersOf: owners, keys: [...keys.values()] };
}

const STANDINGS = ['current', 'retired', 'revoked'] as const;

function keysOf(signer: TeamSigner, standing: KeyStanding): TeamSigner['keys'] {
  return (standing === 'current' ? signer.keys : signer[standing]) ?? [];
}

function joinIdentities(teams: readonly Team[]): (signer: string) => string {
  const parents = new Map<string, string>();
  const find = (item: string): string => {
    let root = item;
    for (let up = parents.get(root); up !== undefined; up = parents.get(root)) root = up;
    return root;
  };
  for (const { signers } of teams) {
    for (const signer of signers) {
      for (const { keyid } of STANDINGS.flatMap(standing => keysOf(signer, standing))) {
        const [a, b] = [find(`name ${signer.name}`), find(`key ${keyid}`)];
        if (a !== b) parents.set(b, a);
      }
    }
  }
  return signer => find(`name ${signer}`);
}
