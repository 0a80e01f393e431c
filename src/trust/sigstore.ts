import { utf8 } from '../base/bytes.js';
import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import type { StoreAccess } from '../oci/open.js';
import type { TufClient, TufStatus } from '../tuf/client.js';
import { trustFolderOf } from './cache-folder.js';
import { openTrustClient } from './client.js';
import { formatTrustLocation, parseTrustLocation, type TrustLocation } from './location.js';

/** A TUF repository that says whom to trust in a sigstore, and the root that verification begins with. */
export interface SigstoreMirror {
  readonly location: TrustLocation;
  /** As its owners handed it out: not from the repository itself. */
  readonly root: Uint8Array;
}

/** What verifiers and signers of a sigstore go by, as its owners signed it. Neither document was parsed. */
export interface SigstoreTrust {
  /** The repository, for people. */
  readonly place: string;
  /** `trusted_root.json`: certificate authorities, logs, timestamp authorities. */
  readonly trustedRoot: Uint8Array;
  /** `signing_config.v0.2.json`, where the repository has one. */
  readonly signingConfig: Uint8Array | undefined;
  /** Versions, expiry, and when the repository was last asked: the age of all this in an offline run. */
  readonly status: TufStatus;
}

export interface SigstoreTrustOptions {
  readonly mirror: SigstoreMirror;
  /** The folder that holds caches of repositories; see `defaultTrustFolder`. */
  readonly folder: string;
  readonly now: Date;
}

const TRUSTED_ROOT = 'trusted_root.json';
const SIGNING_CONFIG = 'signing_config.v0.2.json';

/** The public instance of sigstore, from the root that is embedded here. */
export async function publicGoodMirror(): Promise<SigstoreMirror> {
  const { PUBLIC_GOOD, PUBLIC_GOOD_ROOT } = await import('./public-good.js');
  return { location: parseTrustLocation(PUBLIC_GOOD.place), root: utf8(PUBLIC_GOOD_ROOT) };
}

/**
 * Brings the trust of a sigstore up to date from its TUF repository, and gives it. What was fetched is kept: an offline run
 * opens no socket and goes by what is there, as long as nothing of it is expired.
 * @throws TouchmarkError `tuf-target-unlisted` when the repository is not one of a sigstore; `tuf-…`, `net-…`, `io-…`
 */
export async function fetchSigstoreTrust(
  access: StoreAccess,
  { mirror, folder, now }: SigstoreTrustOptions,
): Promise<SigstoreTrust> {
  const { root } = mirror;
  // As all of sigstore's clients expect it.
  const location = mirror.location.kind === 'web' ? { ...mirror.location, flat: true } : mirror.location;
  const own = trustFolderOf(folder, formatTrustLocation(location), root);
  const trust = await openTrustClient(access, { location, root, now, folder: own });
  try {
    const trustedRoot = await fetchDocument(trust.client, TRUSTED_ROOT);
    const signingConfig = await fetchDocument(trust.client, SIGNING_CONFIG);
    if (trustedRoot === undefined) {
      return fail('tuf-target-unlisted', `${trust.name} does not list ${TRUSTED_ROOT}`, {
        hint: 'name the TUF repository of a sigstore; its owners add the file as a target',
        details: { target: TRUSTED_ROOT },
      });
    }
    return { place: trust.name, trustedRoot, signingConfig, status: trust.client.status };
  } finally {
    await trust.close();
  }
}

async function fetchDocument(client: TufClient, path: string): Promise<Uint8Array | undefined> {
  const found = await client.findTarget(path);
  if (found === undefined) return undefined;
  if (found.info.length > LIMITS.sigstoreDocument) {
    fail(
      'limit-exceeded',
      `the target ${path} has ${found.info.length} bytes; at most ${LIMITS.sigstoreDocument} are read`,
    );
  }
  return client.fetchTarget(found);
}
