import { equalBytes, toHex } from '../../base/bytes.js';
import { fail } from '../../base/errors.js';
import type { ExactJsonObject } from '../../base/json.js';
import type { Signer } from '../../crypto/keys.js';
import { encodeCanonical } from '../canonical-json.js';
import type { Envelope } from '../envelope.js';
import { readableSize } from '../readable-size.js';
import { type Authority, authoritiesOf } from './authority.js';
import { renew } from './edit-payload.js';
import { type SignatureEntry, serializeMetadata } from './json-text.js';
import type { Repository } from './repository.js';
import { signPayload } from './sign-payload.js';
import { requireSound } from './sound.js';

/** A change of one role, as a function from what it says to what it shall say. */
export type Edit = (payload: ExactJsonObject) => ExactJsonObject;

export interface Signing {
  readonly authorities: readonly Authority[];
  readonly signers: readonly Signer[];
}

export interface StagedRole {
  readonly role: string;
  readonly version: number;
  /** False when the role said so already. */
  readonly changed: boolean;
  /** Signatures that were over what was staged before, and do not count any more. */
  readonly droppedSignatures: number;
}

/**
 * Applies an edit to the next version of a role, which is the published one plus one however often it is edited. To be
 * called with the lock held.
 * @throws TouchmarkError `tuf-conflict` when that version has been published meanwhile; whatever the edit throws
 */
export async function stageRole(
  repository: Repository,
  role: string,
  edit: Edit,
  options: {
    /** What the role says before its first version. */
    readonly first?: () => ExactJsonObject;
    /** Stage it also when the edit changes nothing. */
    readonly again?: boolean;
    /** Who must sign it, and who does so at once; without, nobody is asked yet. */
    readonly signing?: Signing;
  } = {},
): Promise<StagedRole> {
  const staged = await repository.stagedFile(role);
  const version = repository.publishedVersion(role) + 1;
  if (staged) requireNextVersion(repository, role, staged.payload.version);
  const known = staged?.payload.raw ?? (await publishedPayload(repository, role));
  const current = known ?? options.first?.();
  if (current === undefined)
    return fail('usage-argument', `there is no role ${JSON.stringify(role.slice(0, 140))} here`, {
      hint: 'touchmark tuf role list shows the roles; touchmark tuf role delegate makes one',
    });
  const edited = edit(current);
  const isSame = equalBytes(encodeCanonical(edited), encodeCanonical(current));
  const isWanted = known === undefined || (staged === undefined && options.again === true);
  if (isSame && !isWanted) {
    return { role, version, changed: false, droppedSignatures: 0 };
  }
  const payload = renew(edited, version, repository.now);
  const dropped = staged ? [...staged.envelope.signatures.values()].filter(Boolean).length : 0;
  const { authorities, signers } = options.signing ?? { authorities: [], signers: [] };
  const signatures = signPayload(encodeCanonical(payload), authorities, signers);
  await writeStaged(repository, role, payload, signatures, authorities);
  return { role, version, changed: true, droppedSignatures: dropped };
}

/** A new version of a role that says the same, to be signed by whoever speaks for it now. */
export function stageAgain(repository: Repository, role: string): Promise<StagedRole> {
  return stageRole(repository, role, payload => payload, { again: true });
}

/** @throws TouchmarkError `tuf-conflict` */
export function requireNextVersion(repository: Repository, role: string, version: number): void {
  const published = repository.publishedVersion(role);
  if (version === published + 1) return;
  fail('tuf-conflict', `${role} is staged as version ${version}, and version ${published} is published`, {
    hint: `somebody else was first: see touchmark tuf diff, then drop it with touchmark tuf reset ${role} and make the change anew`,
    details: { role, staged: version, published },
  });
}

async function publishedPayload(repository: Repository, role: string): Promise<ExactJsonObject | undefined> {
  return role === 'root' ? repository.root?.raw : (await repository.published(role))?.raw;
}

/** Writes a staged file with these signatures, and placeholders for whoever is still asked. */
export async function writeStaged(
  repository: Repository,
  role: string,
  payload: ExactJsonObject,
  signatures: readonly SignatureEntry[],
  authorities?: readonly Authority[],
): Promise<void> {
  const given = new Set(signatures.map(({ keyid }) => keyid));
  const asked = authorities ? authorities.flatMap(({ role: { keyids } }) => keyids) : [];
  const placeholders = [...new Set(asked)]
    .filter(keyid => !given.has(keyid))
    .map(keyid => ({ keyid, sig: '' }));
  const bytes = serializeMetadata(payload, [...signatures, ...placeholders]);
  requireReadable(role, bytes.length);
  requireSound(role, bytes);
  await repository.folder.write(repository.folder.staged(role), bytes);
}

/** Puts the placeholders right: who is asked follows from what else is staged. */
export async function askToSign(repository: Repository, role: string): Promise<void> {
  const staged = await repository.stagedFile(role);
  if (!staged) return;
  const authorities = await authoritiesOf(repository, role);
  await writeStaged(repository, role, staged.payload.raw, signaturesOf(staged.envelope), authorities);
}

/** The signatures of a file, placeholders left out. */
export function signaturesOf({ signatures }: Envelope): readonly SignatureEntry[] {
  return [...signatures].flatMap(([keyid, sig]) => (sig ? [{ keyid, sig: toHex(sig) }] : []));
}

/** @throws TouchmarkError `limit-exceeded` */
export function requireReadable(role: string, size: number): void {
  const most = readableSize(role);
  if (size <= most) return;
  fail('limit-exceeded', `${role}.json would have ${size} bytes; other clients read at most ${most}`, {
    hint:
      role === 'snapshot'
        ? 'use fewer bins'
        : 'spread the targets over bins: touchmark tuf role delegate NAME --bins N',
    details: { role, size, most },
  });
}
