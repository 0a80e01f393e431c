import type { Digest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import type { DelegatedKey, ListedClaim, TeamTrust } from '../custody/index.js';
import { type MarkPlace, parseMarkTarget, teamRole } from '../trust/layout.js';
import type { TufClient } from '../tuf/client.js';
import { openKey } from '../tuf/keys.js';
import type { DelegatedRole, TargetInfo, Targets } from '../tuf/metadata.js';
import { labelOf } from '../tuf/repository/edit-payload.js';
import { isDelegated } from '../tuf/search.js';

/**
 * What TUF says of a team: the keys of its delegation, and the claims in its current metadata. Undefined when `targets`
 * delegates to no such role. The whole list is read: what a team spreads over bins of its own cannot be, and is refused.
 * @throws TouchmarkError `tuf-…`, `limit-exceeded`
 */
export async function readTeam(client: TufClient, team: string): Promise<TeamTrust | undefined> {
  const role = teamRole(team);
  const targets = await client.readRole('targets');
  const delegation = targets.delegations?.roles.find(({ name }) => name === role);
  if (!delegation) return undefined;
  const listing = await client.readRole(role);
  if (listing.delegations?.succinct || (listing.delegations?.roles.length ?? 0) > 0)
    fail(
      'limit-exceeded',
      `the role ${role} delegates further, so that its list of marks cannot be read whole`,
      {
        hint: `list the marks of team ${team} in ${role} itself`,
      },
    );
  return { keys: keysOf(targets, delegation), ...sortClaims(team, listing, targets, delegation) };
}

/** A key that cannot be used here signs nothing that counts. */
function keysOf({ delegations, raw }: Targets, { keyids }: DelegatedRole): readonly DelegatedKey[] {
  return keyids.flatMap(keyid => {
    const key = delegations?.keys.get(keyid);
    const opened = key && openKey(key);
    return opened?.usable ? [{ key: opened.publicKey, label: labelOf(raw, keyid) }] : [];
  });
}

function sortClaims(
  team: string,
  listing: Targets,
  targets: Targets,
  delegation: DelegatedRole,
): Pick<TeamTrust, 'claims' | 'strays'> {
  const claims = new Map<Digest, ListedClaim[]>();
  const strays = new Set<Digest>();
  const mayList = authorityOver(targets, delegation);
  for (const [path, info] of listing.targets) {
    const place = parseMarkTarget(path);
    if (!place) continue;
    if (place.team !== team || !mayList(path)) {
      strays.add(place.claim);
      continue;
    }
    const known = claims.get(place.manifest);
    const listed = readListed(place, info);
    if (known) known.push(listed);
    else claims.set(place.manifest, [listed]);
  }
  return { claims, strays };
}

/** As clients search: the path must be delegated to the role, and to no terminating one that comes before it. */
function authorityOver({ delegations }: Targets, delegation: DelegatedRole): (path: string) => boolean {
  const roles = delegations?.roles ?? [];
  const before = roles.slice(0, roles.indexOf(delegation)).filter(({ terminating }) => terminating);
  // Marks are found by name: a role that has hash prefixes instead is no team.
  const covers = (role: DelegatedRole, path: string) =>
    role.paths !== undefined && isDelegated(role, path, '');
  return path => covers(delegation, path) && !before.some(role => covers(role, path));
}

/** What is not plainly said to stand, does not. */
function readListed({ claim }: MarkPlace, { hashes, custom }: TargetInfo): ListedClaim {
  const withdrawn = (reason: string | undefined): ListedClaim => ({ claim, status: 'withdrawn', reason });
  const said = custom?.['reason'];
  const reason = typeof said === 'string' ? said.slice(0, 200) : undefined;
  if (hashes['sha256'] !== claim.slice('sha256:'.length))
    return withdrawn('it is listed under another hash than its name');
  if (custom?.['status'] === 'withdrawn') return withdrawn(reason);
  if (custom?.['status'] !== 'active') return withdrawn('its status is not known here');
  return { claim, status: 'active', reason };
}
