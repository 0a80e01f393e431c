import { createHash } from 'node:crypto';
import type { DelegatedRole, Delegations, SuccinctRoles, Targets } from '../metadata.js';
import { isDelegated } from '../search.js';
import { binNameFor } from '../succinct.js';
import { type Findings, someOf } from './finding.js';
import { coversPattern, isPortablePattern, mayMeet } from './patterns.js';

/** Terminating roles of one file that later ones are compared with. */
const COMPARED = 256;

/**
 * Delegations that do not do what they seem to. `reach` are the patterns under which the delegator itself is asked; undefined
 * where that is every path, or hashes.
 */
export function auditDelegations(
  delegator: string,
  delegations: Delegations,
  reach: readonly string[] | undefined,
  file: string,
  findings: Findings,
): void {
  const before: DelegatedRole[] = [];
  const odd = new Set<string>();
  for (const role of delegations.roles) {
    const where = { role: role.name, file };
    const shadow = before.filter(({ terminating }) => terminating);
    if (shadow.length > 0 && isShadowed(role, shadow)) {
      findings.add(
        'warning',
        'delegation-shadowed',
        `${delegator} never asks ${role.name}: terminating roles before it take all of its paths`,
        'put it before them, or narrow their paths',
        where,
      );
    }
    const { paths } = role;
    if (paths && reach && !paths.some(path => reach.some(outer => mayMeet(outer, path)))) {
      findings.add(
        'warning',
        'delegation-unreachable',
        `${delegator} delegates ${someOf(paths)} to ${role.name}, and is itself asked for none of that`,
        `delegate paths that ${delegator} has: ${someOf(reach)}`,
        where,
      );
    }
    for (const path of paths ?? []) if (!isPortablePattern(path)) odd.add(path);
    if ((paths ?? role.pathHashPrefixes ?? []).length === 0) {
      findings.add(
        'warning',
        'delegation-empty',
        `${delegator} delegates nothing to ${role.name}`,
        'give it paths',
        where,
      );
    }
    // Only what ends a search can hide others; bins by the thousand need not be compared with each other.
    if (role.terminating && paths && before.length < COMPARED) before.push(role);
  }
  if (odd.size > 0) {
    findings.add(
      'warning',
      'pattern-not-portable',
      `clients do not agree on what ${someOf([...odd])} matches`,
      'use letters, digits, * and ? in patterns',
      { role: delegator, file },
    );
  }
  if (delegations.succinct) {
    findings.add(
      'note',
      'succinct-roles',
      `${delegator} has succinct bins, which clients without TAP 15 pass over (tough, rust-tuf, tuf-on-ci)`,
      'use bins by path_hash_prefixes where such clients are to read it',
      { role: delegator, file },
    );
  }
}

function isShadowed({ paths }: DelegatedRole, shadow: readonly DelegatedRole[]): boolean {
  if (!paths || paths.length === 0) return false;
  const outer = shadow.flatMap(role => role.paths ?? []);
  return paths.every(path => outer.some(pattern => coversPattern(pattern, path)));
}

/** A delegation to one role. */
export interface Asked {
  readonly entry: DelegatedRole | undefined;
  readonly succinct: SuccinctRoles | undefined;
}

/** Targets of a role that none of its delegators would ask it for. */
export function unreachableTargets(
  role: string,
  { targets }: Targets,
  entries: readonly Asked[],
): readonly string[] {
  return [...targets.keys()].filter(path => {
    let hash: string | undefined;
    return !entries.some(({ entry, succinct }) => {
      if (succinct) return binNameFor(succinct, path) === role;
      if (entry?.pathHashPrefixes) hash ??= createHash('sha256').update(path, 'utf8').digest('hex');
      return entry !== undefined && isDelegated(entry, path, hash ?? '');
    });
  });
}
