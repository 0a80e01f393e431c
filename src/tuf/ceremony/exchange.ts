import { fail } from '../../base/errors.js';
import type { Signer } from '../../crypto/keys.js';
import { openKey } from '../keys.js';
import type { Root, Targets } from '../metadata.js';
import { keyOf } from '../repository/authority.js';
import type { SignatureEntry } from '../repository/json-text.js';
import type { Repository } from '../repository/repository.js';
import { signPayload } from '../repository/sign-payload.js';
import { mergeSignatures, openStaged, type SignedRole } from '../repository/sign-staged.js';
import type { RoleChanges } from './change.js';
import { compareRoots, compareTargets } from './compare-payloads.js';
import { digestOf, type OpenedPayload, type RolePayload } from './payload-file.js';
import type { RoleSignatures } from './signature-file.js';

/** What a staged role changes against what is published. @throws TouchmarkError `usage-argument` when it is not staged */
export async function readChanges(repository: Repository, role: string): Promise<RoleChanges> {
  if (role === 'root') {
    const next = (await repository.stagedRoot())?.payload;
    if (next) return rootChanges(repository.root, next);
  }
  const next = (await repository.staged(role))?.payload;
  if (next) return targetsChanges(role, await repository.published(role), next);
  return fail('usage-argument', `nothing is staged for ${JSON.stringify(role.slice(0, 140))}`);
}

function rootChanges(before: Root | undefined, next: Root): RoleChanges {
  return {
    role: 'root',
    version: next.version,
    before: before?.version,
    changes: compareRoots(before, next),
  };
}

function targetsChanges(role: string, before: Targets | undefined, next: Targets): RoleChanges {
  return { role, version: next.version, before: before?.version, changes: compareTargets(before, next) };
}

/** What the bytes in a payload file change, as the bytes themselves say it. */
export function changesOf({ role, next, before }: OpenedPayload): RoleChanges {
  return role === 'root'
    ? rootChanges(before?.payload as Root | undefined, next.payload as Root)
    : targetsChanges(role, before?.payload as Targets | undefined, next.payload as Targets);
}

/**
 * Has the key signed the version that this one is compared with? Then the comparison is with something its holder has seen;
 * else whoever made the file may have made that up.
 */
export function hasSignedBefore({ before, authorities }: OpenedPayload, signer: Signer): boolean {
  return authorities.some(authority => {
    const key = keyOf(authority, signer.publicKey);
    const signature = key && before?.envelope.signatures.get(key.keyid);
    const verifier = key && openKey(key);
    return (
      signature !== undefined &&
      verifier?.usable === true &&
      before !== undefined &&
      verifier.verify(before.envelope.signedBytes, signature)
    );
  });
}

/** Puts together what holders of keys elsewhere need to sign a staged role; `summary` says in words what changes. */
export async function makeRolePayload(
  repository: Repository,
  role: string,
  summary: readonly string[],
): Promise<RolePayload> {
  const { envelope, version, authorities } = await openStaged(repository, role);
  const published = repository.publishedVersion(role);
  const name = repository.folder.published(role, published);
  const previous = published === 0 ? undefined : await repository.folder.read(name);
  if (published > 0 && !previous)
    fail('tuf-unavailable', `${repository.folder.at(name)} is missing, with which this is to be compared`, {
      hint: 'put it back, or fetch the repository anew: touchmark tuf checkout',
    });
  return { role, version, payload: envelope.signedBytes, previous, authorities, summary };
}

/**
 * Signs payloads away from their repository, each by those of the keys that are asked. Every signature is verified at once.
 * @throws TouchmarkError `key-not-authorised` when a key is asked for none of them
 */
export function signPayloads(
  payloads: readonly OpenedPayload[],
  signers: readonly Signer[],
): readonly RoleSignatures[] {
  for (const signer of signers) {
    if (payloads.some(payload => isAsked(payload, signer))) continue;
    const { keyid } = signer.publicKey;
    fail('key-not-authorised', `the key ${keyid.slice(0, 12)} is not asked to sign any of these`, {
      hint: 'the keys that are asked stand in the file, under "asked"',
      details: { keyid, roles: payloads.slice(0, 10).map(({ role }) => role) },
    });
  }
  return payloads.flatMap(({ role, version, payload, authorities }) => {
    const signatures = signPayload(payload, authorities, signers);
    return signatures.length === 0 ? [] : [{ role, version, digest: digestOf(payload), signatures }];
  });
}

/** Is one of those whose signature the role needs? */
export function isAsked({ authorities }: OpenedPayload, signer: Signer): boolean {
  return authorities.some(authority => keyOf(authority, signer.publicKey));
}

/**
 * Takes signatures in that were made elsewhere, whatever the order, and as often as they come. Versions and digests are all
 * checked before anything is written, and the signatures of a role before any of that role is.
 * @throws TouchmarkError `tuf-version-mismatch` for another version than is staged, `tuf-payload-other` for other bytes;
 *   `key-not-authorised`, `tuf-threshold` as `mergeSignatures`
 */
export async function importSignatures(
  repository: Repository,
  signed: readonly RoleSignatures[],
): Promise<readonly SignedRole[]> {
  const byRole = new Map<string, SignatureEntry[]>();
  for (const entry of signed) {
    await requireStaged(repository, entry);
    const known = byRole.get(entry.role) ?? [];
    const added = entry.signatures.filter(
      ({ keyid, sig }) => !known.some(other => other.keyid === keyid && other.sig === sig),
    );
    byRole.set(entry.role, [...known, ...added]);
  }
  const done: SignedRole[] = [];
  for (const [role, signatures] of byRole) done.push(await mergeSignatures(repository, role, signatures));
  return done;
}

async function requireStaged(repository: Repository, signed: RoleSignatures): Promise<void> {
  const { role, version, digest } = signed;
  const staged = await openStaged(repository, role);
  if (staged.version !== version)
    fail(
      'tuf-version-mismatch',
      `the signatures are for version ${version} of ${role}; version ${staged.version} is staged`,
      {
        hint: 'export what is staged now, and have that signed',
        details: { role, signed: version, staged: staged.version },
      },
    );
  const expected = digestOf(staged.envelope.signedBytes);
  if (digest === expected) return;
  fail('tuf-payload-other', `the signatures are over another version ${version} of ${role} than is staged`, {
    hint: 'it was edited after it was exported: export it again, and have that signed',
    details: { role, signed: digest, staged: expected },
  });
}
