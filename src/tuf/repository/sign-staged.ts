import { equalBytes } from '../../base/bytes.js';
import { mapConcurrently } from '../../base/concurrency.js';
import { fail } from '../../base/errors.js';
import type { Signer } from '../../crypto/keys.js';
import type { Envelope } from '../envelope.js';
import { openKey } from '../keys.js';
import { type Authority, authoritiesOf, keyOf, readOnce, readSignatures, type Signed } from './authority.js';
import type { LoadRole } from './delegation-graph.js';
import type { SignatureEntry } from './json-text.js';
import type { Repository } from './repository.js';
import { signPayload } from './sign-payload.js';
import { requireNextVersion, signaturesOf, writeStaged } from './stage.js';

/** What became of a role when it was signed. */
export interface SignedRole {
  readonly role: string;
  readonly version: number;
  /** The keys that signed now. */
  readonly added: readonly string[];
  /** How it stands with each authority. */
  readonly standing: readonly Signed[];
}

/**
 * Signs what is staged, each role by those of the signers that speak for it. Every signature is verified before it is
 * written.
 * @param options.roles default: all that are staged
 * @param options.shown what each role said when its change was shown to the signer, as {@link stagedPayload} gives it: whoever
 * takes time to read, and to type a password, must not sign what somebody has made of it meanwhile
 * @throws TouchmarkError `usage-argument` when nothing is staged; `key-not-authorised` when a signer speaks for none of the roles;
 * `tuf-conflict` when a role is not as it was shown
 */
export async function signStaged(
  repository: Repository,
  options: {
    readonly roles?: readonly string[];
    readonly signers: readonly Signer[];
    readonly shown?: ReadonlyMap<string, Uint8Array>;
  },
): Promise<readonly SignedRole[]> {
  const { signers } = options;
  return repository.locked(async () => {
    const roles = options.roles ?? (await repository.stagedRoles());
    if (roles.length === 0) nothingStaged();
    const next = readOnce(repository);
    // All are looked at before the first is signed, and none is kept: there may be thousands of bins.
    const asked = await mapConcurrently(roles, 8, async role => {
      const { envelope, authorities } = await openStaged(repository, role, next);
      if (options.shown) requireShown(role, envelope, options.shown);
      return authorities;
    });
    requireUseful(signers, roles, asked.flat());
    return mapConcurrently(roles, 8, async role => {
      const { envelope, version, authorities } = await openStaged(repository, role, next);
      const made = signPayload(envelope.signedBytes, authorities, signers);
      return addSignatures(repository, role, version, envelope, authorities, made);
    });
  });
}

/**
 * Adds signatures that were made elsewhere. One that is there already is no harm; one that does not verify is refused, and
 * none is added then.
 * @throws TouchmarkError `key-not-authorised`, `tuf-threshold` when a signature does not verify
 */
export async function mergeSignatures(
  repository: Repository,
  role: string,
  signatures: readonly SignatureEntry[],
): Promise<SignedRole> {
  return repository.locked(async () => {
    const { envelope, version, authorities } = await openStaged(repository, role);
    for (const { keyid, sig } of signatures) requireValid(role, envelope, authorities, keyid, sig);
    return addSignatures(repository, role, version, envelope, authorities, signatures);
  });
}

/** The exact bytes that the staged version of a role is signed over. */
export async function stagedPayload(repository: Repository, role: string): Promise<Uint8Array> {
  return (await openStaged(repository, role)).envelope.signedBytes;
}

interface StagedFile {
  readonly envelope: Envelope;
  readonly version: number;
  readonly authorities: readonly Authority[];
}

/**
 * A staged file with those who must sign it.
 * @param next how metadata of delegating roles is read: for many roles at once, give {@link readOnce}
 */
export async function openStaged(repository: Repository, role: string, next?: LoadRole): Promise<StagedFile> {
  const staged = await repository.stagedFile(role);
  if (!staged)
    return fail('usage-argument', `nothing is staged for ${JSON.stringify(role.slice(0, 140))}`, {
      hint: `staged are: ${(await repository.stagedRoles()).slice(0, 10).join(', ') || 'no roles'}`,
    });
  requireNextVersion(repository, role, staged.payload.version);
  return {
    envelope: staged.envelope,
    version: staged.payload.version,
    authorities: await authoritiesOf(repository, role, next),
  };
}

function requireShown(role: string, { signedBytes }: Envelope, shown: ReadonlyMap<string, Uint8Array>): void {
  const seen = shown.get(role);
  if (seen && equalBytes(seen, signedBytes)) return;
  fail('tuf-conflict', `${role} was edited after its change was shown`, {
    retryable: true,
    hint: 'nothing is signed: look at it once more, then sign it',
    details: { role },
  });
}

/** Nothing is signed when one of the keys is the wrong one: better to hear of it than to find a signature missing later. */
function requireUseful(
  signers: readonly Signer[],
  staged: readonly string[],
  authorities: readonly Authority[],
): void {
  const stranger = signers.find(signer => !authorities.some(authority => keyOf(authority, signer.publicKey)));
  if (!stranger) return;
  const { keyid } = stranger.publicKey;
  const roles = staged.slice(0, 10).join(', ');
  fail('key-not-authorised', `the key ${keyid.slice(0, 12)} speaks for none of the staged roles: ${roles}`, {
    hint: 'touchmark tuf status lists the keys that are asked to sign',
    details: { keyid },
  });
}

export function nothingStaged(): never {
  return fail('usage-argument', 'nothing is staged', {
    hint: 'edit the repository first: touchmark tuf target add, touchmark tuf role add-key and the like',
  });
}

async function addSignatures(
  repository: Repository,
  role: string,
  version: number,
  envelope: Envelope,
  authorities: readonly Authority[],
  made: readonly SignatureEntry[],
): Promise<SignedRole> {
  const all = new Map(signaturesOf(envelope).map(entry => [entry.keyid, entry]));
  const added = made.filter(({ keyid }) => !all.has(keyid)).map(({ keyid }) => keyid);
  for (const entry of made) all.set(entry.keyid, entry);
  const signatures = [...all.values()];
  if (made.length > 0) await writeStaged(repository, role, envelope.signed, signatures, authorities);
  const after: Envelope = {
    ...envelope,
    signatures: new Map(signatures.map(({ keyid, sig }) => [keyid, Buffer.from(sig, 'hex')])),
  };
  return { role, version, added, standing: authorities.map(authority => readSignatures(authority, after)) };
}

function requireValid(
  role: string,
  envelope: Envelope,
  authorities: readonly Authority[],
  keyid: string,
  sig: string,
): void {
  const authority = authorities.find(candidate => candidate.role.keyids.includes(keyid));
  const key = authority?.keys.get(keyid);
  if (!key)
    fail('key-not-authorised', `the key ${keyid.slice(0, 12)} is not one of ${role}`, {
      details: { keyid, role },
    });
  const verifier = openKey(key);
  const bytes = /^(?:[0-9a-f]{2})+$/i.test(sig) ? Buffer.from(sig, 'hex') : undefined;
  if (!bytes || !verifier.usable || !verifier.verify(envelope.signedBytes, bytes))
    fail(
      'tuf-threshold',
      `the signature of the key ${keyid.slice(0, 12)} is not over the staged ${role}.json`,
      {
        hint: 'it was made for another version, or the role was edited after it was handed out: export it again',
        details: { keyid, role },
      },
    );
}
