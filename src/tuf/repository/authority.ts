import { fail } from '../../base/errors.js';
import type { ExactJsonObject } from '../../base/json.js';
import type { PublicKey } from '../../crypto/keys.js';
import type { Envelope } from '../envelope.js';
import { openKey, type TufKey } from '../keys.js';
import { type RoleKeys, type Root, TOP_LEVEL_ROLES, type TopLevelRole } from '../metadata.js';
import { countSignatures } from '../threshold.js';
import { roleOf } from '../trust-checks.js';
import { type FoundDelegation, findDelegation, type LoadRole } from './delegation-graph.js';
import { labelOf } from './edit-payload.js';
import type { Repository } from './repository.js';

/** Whose signatures a role needs, on whose word. A new root needs those of two roots. */
export interface Authority {
  /** Who says so: `root`, `the root before it`, the name of a delegating role. */
  readonly by: string;
  readonly keys: ReadonlyMap<string, TufKey>;
  readonly role: RoleKeys;
  /** The payload in which keys have their labels. */
  readonly payload: ExactJsonObject;
}

/** How far an authority is satisfied. */
export interface Signed {
  readonly by: string;
  readonly threshold: number;
  readonly signed: readonly KeyHolder[];
  readonly missing: readonly KeyHolder[];
  /** Enough distinct public keys have signed. */
  readonly enough: boolean;
}

export interface KeyHolder {
  readonly keyid: string;
  /** What the key is called, where somebody said. */
  readonly label?: string;
}

/**
 * Whose signatures the next version of a role needs.
 * @param next how metadata of delegating roles is read: for many roles at once, give {@link readOnce}
 * @throws TouchmarkError `tuf-path-not-delegated` for a role of nobody's
 */
export async function authoritiesOf(
  repository: Repository,
  role: string,
  next: LoadRole = name => repository.next(name),
): Promise<readonly Authority[]> {
  if (role === 'root') {
    const root = await repository.nextRoot();
    const before = repository.root;
    const own = rootAuthority(root, 'root', 'root');
    return before && before.version < root.version
      ? [rootAuthority(before, 'root', 'the root before it'), own]
      : [own];
  }
  if (isTopLevel(role)) return [rootAuthority(await repository.nextRoot(), role, 'root')];
  const found = await findDelegation(role, next);
  if (!found)
    fail('tuf-path-not-delegated', `nothing is delegated to ${JSON.stringify(role.slice(0, 140))}`, {
      hint: `touchmark tuf role delegate makes the role; where it is only staged, touchmark tuf reset ${role} drops it`,
    });
  return [delegatedAuthority(found, (await next(found.delegator))?.raw)];
}

/** What roles will say, each read once: for a time in which nothing is staged. */
export function readOnce(repository: Repository): LoadRole {
  const read = new Map<string, ReturnType<LoadRole>>();
  return role => {
    const known = read.get(role) ?? repository.next(role);
    read.set(role, known);
    return known;
  };
}

export function isTopLevel(role: string): role is TopLevelRole {
  return TOP_LEVEL_ROLES.some(name => name === role);
}

export function rootAuthority(root: Root, role: TopLevelRole, by: string): Authority {
  return { by, keys: root.keys, role: roleOf(root, role), payload: root.raw };
}

export function delegatedAuthority(
  { delegator, delegations, role }: FoundDelegation,
  payload: ExactJsonObject | undefined,
): Authority {
  return { by: delegator, keys: delegations.keys, role, payload: payload ?? Object.create(null) };
}

/** Who of an authority has signed a file, and who has not. */
export function readSignatures(authority: Authority, envelope: Envelope): Signed {
  const { by, keys, role, payload } = authority;
  const { valid } = countSignatures(envelope, keys, role, 'refuse');
  const holder = (keyid: string): KeyHolder => {
    const label = labelOf(payload, keyid);
    return { keyid, ...(label !== undefined && { label }) };
  };
  const hasSigned = (keyid: string) => {
    const key = keys.get(keyid);
    const verifier = key && openKey(key);
    return verifier?.usable === true && valid.has(verifier.identity);
  };
  return {
    by,
    threshold: role.threshold,
    signed: role.keyids.filter(hasSigned).map(holder),
    missing: role.keyids.filter(keyid => !hasSigned(keyid)).map(holder),
    enough: valid.size >= role.threshold,
  };
}

/** The key of an authority that is this public key, under whatever keyid. */
export function keyOf({ keys, role }: Authority, publicKey: PublicKey): TufKey | undefined {
  for (const keyid of role.keyids) {
    const key = keys.get(keyid);
    const verifier = key && openKey(key);
    if (verifier?.usable && verifier.identity === publicKey.keyid) return key;
  }
  return undefined;
}

/** `ada (1f2c3d4e5f60)`, or the keyid alone. */
export function formatHolder({ keyid, label }: KeyHolder): string {
  const short = keyid.slice(0, 12);
  return label === undefined ? short : `${label} (${short})`;
}
