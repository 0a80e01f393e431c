import type { ExactJsonObject } from '../../base/json.js';
import { hasOwnKeyid, openKey, type TufKey } from '../keys.js';
import type { RoleKeys } from '../metadata.js';
import { labelOf } from '../repository/edit-payload.js';
import type { Findings } from './finding.js';

/** A role as one file delegates to it. */
export interface KeyedRole {
  readonly name: string;
  readonly delegator: string;
  readonly keys: RoleKeys;
  /** Bins share their keys by nature. */
  readonly isBin: boolean;
}

/** A file that names keys, and what it calls them. */
export interface KeyHolder {
  readonly keys: ReadonlyMap<string, TufKey>;
  readonly raw: ExactJsonObject;
}

function nameKey({ raw }: KeyHolder, keyid: string): string {
  const label = labelOf(raw, keyid);
  return label === undefined ? keyid.slice(0, 12) : `${label} (${keyid.slice(0, 12)})`;
}

/** Keys that verify nothing, count twice, or whose number can never be enough. `file` holds them. */
export function auditKeys(
  roles: readonly KeyedRole[],
  holder: KeyHolder,
  file: string,
  findings: Findings,
): void {
  const { keys } = holder;
  const used = new Set(roles.flatMap(({ keys: { keyids } }) => keyids));
  for (const keyid of used) {
    const short = nameKey(holder, keyid);
    const key = keys.get(keyid);
    const verifier = key && openKey(key);
    if (!key || !verifier) {
      findings.add(
        'warning',
        'key-missing',
        `the key ${short} is named, and not there`,
        'add it or take its name away',
        { file },
      );
    } else if (!verifier.usable) {
      findings.add(
        'warning',
        'key-unusable',
        `the key ${short} verifies nothing: ${verifier.problem}`,
        'replace it by a key of a common kind (ECDSA P-256, Ed25519)',
        { file },
      );
    } else if (!hasOwnKeyid(key)) {
      findings.add(
        'warning',
        'keyid-foreign',
        `the keyid ${short} is not made from its key: clients that hold to the specification take no signature of it`,
        'put the key in under the keyid that belongs to it',
        { file },
      );
    }
  }
  const bins = new Set<string>();
  for (const { name, delegator, keys: role, isBin } of roles) {
    // Bins of one delegator have one set of keys: said once.
    const what = isBin ? `the bins of ${delegator}` : name;
    const where = { role: isBin ? delegator : name, file };
    const group = `${what} ${role.threshold} ${role.keyids.join()}`;
    if (isBin && bins.has(group)) continue;
    bins.add(group);
    const identities = role.keyids.flatMap(keyid => identityOf(keys.get(keyid)) ?? []);
    const distinct = new Set(identities).size;
    if (distinct < identities.length) {
      findings.add(
        'warning',
        'key-twice',
        `${what} has one key under two keyids: it counts once`,
        'take one of the two away',
        where,
      );
    }
    if (distinct < role.threshold && role.keyids.length > 0) {
      findings.add(
        'error',
        'threshold-unreachable',
        `${what} needs ${role.threshold} signatures and has ${distinct} keys that can give them`,
        'lower the threshold or add keys',
        where,
      );
    }
    if (role.threshold === 1 && name !== 'root' && name !== 'snapshot' && name !== 'timestamp') {
      findings.add(
        'note',
        'threshold-one',
        `one key alone can sign for ${what}`,
        'two of three keys would outlive the loss and the theft of one',
        where,
      );
    }
  }
}

function identityOf(key: TufKey | undefined): string | undefined {
  const verifier = key && openKey(key);
  return verifier?.usable ? verifier.identity : undefined;
}

/** Which roles one key speaks for, over all files. */
export class KeyUse {
  /** By public key: what it is called, and its roles. */
  readonly #keys = new Map<string, { readonly key: string; readonly roles: Set<string> }>();

  add({ name, delegator, keys: { keyids }, isBin }: KeyedRole, holder: KeyHolder): void {
    for (const keyid of keyids) {
      const identity = identityOf(holder.keys.get(keyid));
      if (identity === undefined) continue;
      const known = this.#keys.get(identity) ?? { key: nameKey(holder, keyid), roles: new Set() };
      known.roles.add(isBin ? `the bins of ${delegator}` : name);
      this.#keys.set(identity, known);
    }
  }

  /** Keys that speak for several roles: who has one of them has all of these roles. */
  report(findings: Findings): void {
    for (const { key, roles } of this.#keys.values()) {
      const names = [...roles].filter(name => !(roles.has('snapshot') && name === 'timestamp'));
      if (names.length < 2) continue;
      const isOnline = roles.has('snapshot') || roles.has('timestamp');
      const isOffline = roles.has('root') || roles.has('targets');
      const message = `the key ${key} speaks for ${[...roles].join(', ')}`;
      if (roles.has('root') || (isOnline && isOffline)) {
        findings.add(
          'warning',
          roles.has('root') ? 'root-key-shared' : 'online-key-shared',
          message,
          'give root keys that nothing else is signed with, and keep online keys to snapshot and timestamp',
        );
      } else {
        findings.add('note', 'key-shared', message, 'roles of different teams need keys of their own');
      }
    }
  }
}
