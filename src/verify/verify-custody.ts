import type { ReasonCode } from '../base/codes.js';
import type { Digest } from '../base/digest.js';
import { type TouchmarkError, toTouchmarkError } from '../base/errors.js';
import { failure } from '../custody/finding.js';
import type { CustodyVerdict, IndexVerdict } from '../custody/index.js';
import type { RawManifest } from '../oci/manifest.js';
import { type StoreAccess, withImage } from '../oci/open.js';
import { formatReference, parseReference } from '../oci/reference.js';
import type { Store } from '../oci/store.js';
import { chooseTarget, layersOf, type StoredLayer, tryParse } from './custody-target.js';
import { type CustodyOptions, judgeImage } from './judge-custody.js';
import { judgeIndex } from './judge-custody-index.js';
import { checkRelease, lookUpRelease, type Release } from './release.js';

/** The verdict about one reference. */
export interface CustodyOutcome {
  readonly reference: string;
  /** Null when the reference could not be resolved. */
  readonly digest: Digest | null;
  readonly mediaType: string | null;
  /** The reference by digest: what the verdict is about, and what should be run. */
  readonly pinned: string | null;
  /** The index that the image was reached through. */
  readonly through: Digest | null;
  /** Null is yes; anything else is not. */
  readonly code: ReasonCode | null;
  /** About an image; null for an index, and when no verdict was reached. */
  readonly custody: CustodyVerdict | null;
  /** About an index. */
  readonly index: IndexVerdict | null;
  /** What the tag was released as, where that is recorded. */
  readonly release: Release | null;
  /** As the manifest of an image has them. */
  readonly layers: readonly StoredLayer[];
  /** When no verdict was reached. */
  readonly error: TouchmarkError | null;
}

/**
 * Verifies who put every layer into an image, or into each image of an index. Never throws for anything that concerns this
 * image: what went wrong is in the outcome.
 */
export async function verifyCustody(
  access: StoreAccess,
  reference: string,
  options: CustodyOptions,
): Promise<CustodyOutcome> {
  try {
    const parsed = parseReference(reference);
    return await withImage(access, parsed, async (store, root) => {
      const tagGiven = parsed.digest === undefined && store.namesRepository;
      const release =
        options.trust && (await lookUpRelease(options.trust.releaseOf, parsed, options.repository));
      const asked = tagGiven && parsed.tag !== undefined ? { ...options, tag: parsed.tag } : options;
      return judgeResolved(store, reference, root, tagGiven, asked, release);
    });
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    const error = toTouchmarkError(cause);
    const nothing = {
      digest: null,
      mediaType: null,
      pinned: null,
      through: null,
      custody: null,
      index: null,
      release: null,
    };
    return { reference, ...nothing, layers: [], code: error.code, error };
  }
}

/** {@link verifyCustody} in a store that is open, of a manifest that is there. */
export async function judgeResolved(
  store: Store,
  reference: string,
  root: RawManifest,
  tagGiven: boolean,
  options: CustodyOptions,
  release?: Release | undefined,
): Promise<CustodyOutcome> {
  const moved = release && checkRelease(release, root.descriptor.digest);
  const found = moved ? [failure(moved.code, 'image', moved.message, moved.hint)] : [];
  const held = release && !moved ? { ...options, release } : options;
  const target = await chooseTarget(store, root, options.platform);
  const { digest, mediaType } = target.raw.descriptor;
  const about = {
    reference,
    digest,
    mediaType,
    pinned: formatReference({ ...store.reference, digest }),
    through: target.raw === root ? null : root.descriptor.digest,
    release: release ?? null,
    error: null,
  };
  const manifest = tryParse(target.raw);
  if (manifest?.kind === 'index') {
    const index = await judgeIndex(store, target.raw, manifest, tagGiven, held, found);
    return { ...about, code: index.code, custody: null, index, layers: [] };
  }
  const { verdict } = await judgeImage(store, target, tagGiven, held, found);
  return { ...about, code: verdict.code, custody: verdict, index: null, layers: layersOf(target.raw) };
}
