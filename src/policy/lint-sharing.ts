import { checkDistinctSigners } from '../custody/distinct-signers.js';
import type { CustodyPolicy } from '../custody/policy.js';
import { gatherKeys } from '../custody/signers.js';
import type { Found } from './lint-finding.js';

/** The check of an image gives up dividing more signers than these between teams; here that would be a false alarm. */
const MOST_SHARED = 12;

/** Looks for signers and keys in more than one team. */
export function lintSharing(policy: CustodyPolicy): Found[] {
  const { teams, distinctSigners } = policy;
  const found: Found[] = [];
  const teamOfKey = new Map<string, string>();
  const teamOfSigner = new Map<string, string>();
  for (const { name: team, signers } of teams) {
    for (const { name: signer, keys } of signers) {
      const path = ['teams', team, 'signers', signer];
      const other = teamOfSigner.get(signer);
      if (other === undefined) teamOfSigner.set(signer, team);
      else
        found.push({
          code: 'signer-in-two-teams',
          severity: 'note',
          path,
          message: `${JSON.stringify(signer)} is in team ${JSON.stringify(team)} and in team ${JSON.stringify(other)}`,
          hint: distinctSigners
            ? 'one signer satisfies only one of two teams: see that both have enough others'
            : 'give the two teams different signers',
        });
      for (const [i, { keyid }] of keys.entries()) {
        const owner = teamOfKey.get(keyid);
        if (owner === undefined) teamOfKey.set(keyid, team);
        else if (owner !== team)
          found.push({
            code: 'key-in-two-teams',
            severity: 'warning',
            path: [...path, 'keys', i],
            message: `the key ${keyid.slice(0, 12)}… of team ${JSON.stringify(team)} is in team ${JSON.stringify(owner)} too: whoever holds it can do the work of both`,
            hint: 'give each team keys of its own',
          });
      }
    }
  }
  if (!distinctSigners)
    found.push({
      code: 'signers-not-distinct',
      severity: 'warning',
      path: ['distinctSigners'],
      message: 'one person may sign for two teams, so that nobody else need have looked',
      hint: 'remove the line: true is the default',
    });
  else found.push(...lintDivision(policy));
  return found;
}

/**
 * Whether every signer can be given to one team so that all required rules still have their signers: asked of the check
 * of an image itself, for an image that everybody has signed. Rules for a pattern of teams are left out.
 */
function lintDivision(policy: CustodyPolicy): Found[] {
  const owners = [...gatherKeys(policy).ownersOf.values()].flat();
  const required = [...policy.flow.filter(({ count }) => count[0] > 0), ...policy.approvals];
  const requirements = required
    .filter(({ team }) => policy.teams.some(({ name }) => name === team))
    .map(({ team, threshold }) => ({
      record: {
        claim: { team },
        signers: new Map(
          owners.filter(owner => owner.team === team).map(owner => [owner.identity, owner] as const),
        ),
      },
      threshold,
    }));
  const shared = checkDistinctSigners(requirements);
  if (shared.length === 0 || shared.length > MOST_SHARED) return [];
  const names = shared.map(({ where }) => where).join(', ');
  return [
    {
      code: 'policy-unsatisfiable',
      severity: 'error',
      path: ['teams'],
      message: `teams share signers that each of them needs (${names}); as one signer satisfies one team, no image can pass`,
      hint: 'give each team as many signers of its own as its threshold asks for',
    },
  ];
}
