import type { Digest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import { failure } from '../custody/finding.js';
import {
  type Claim,
  type CustodyPolicy,
  type CustodyVerdict,
  type EvidenceLevel,
  isAttestation,
  readMark,
  type UnreadSource,
} from '../custody/index.js';
import { parseManifest, type RawManifest } from '../oci/manifest.js';
import { type StoreAccess, withImage } from '../oci/open.js';
import { formatPlatform } from '../oci/platform.js';
import { formatReference, parseReference } from '../oci/reference.js';
import type { Store } from '../oci/store.js';
import { collectEverything } from './collect-marks.js';
import { chooseTarget, type ImageTarget, layersOf, type StoredLayer } from './custody-target.js';
import { type CustodyTrust, judgeImage } from './judge-custody.js';
import type { CollectedMarks } from './mark-pile.js';
import { checkRelease, lookUpRelease } from './release.js';

/** What a mark says whose signature nobody has verified. */
export interface ReadClaim {
  readonly claim: Claim;
  readonly digest: Digest;
  /** Keys that the signatures point to, hex. */
  readonly keyids: readonly string[];
}

export interface ShownImage {
  readonly digest: Digest;
  /** The reference by digest. */
  readonly pinned: string;
  /** The index that the image was reached through. */
  readonly through: Digest | null;
  readonly repository: string | null;
  readonly layers: readonly StoredLayer[];
}

/** What is claimed about an image. */
export interface ClaimedCustody extends ShownImage {
  readonly claims: readonly ReadClaim[];
  /** Places that may hold more. */
  readonly unread: readonly UnreadSource[];
}

/** What a policy makes of an image. */
export interface JudgedCustody extends ShownImage {
  readonly verdict: CustodyVerdict;
}

export interface ShowOptions {
  readonly repository?: string | undefined;
  readonly platform?: string | undefined;
}

export interface JudgeOptions extends ShowOptions {
  readonly policy: CustodyPolicy;
  readonly now: Date;
  readonly level?: EvidenceLevel | undefined;
  readonly trust?: CustodyTrust | undefined;
  /** The verdict is to have the facts. */
  readonly wantFacts?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * What the marks on one image claim; nobody has verified any of it.
 * @throws TouchmarkError what the store throws; `usage-argument` when an index holds several images and none is named
 */
export async function readCustody(
  access: StoreAccess,
  reference: string,
  options: ShowOptions,
): Promise<ClaimedCustody> {
  return withShown(access, reference, options, async (store, _, shown) => {
    const collected = await collectEverything(store, shown.digest);
    return { ...shown, claims: readClaims(collected), unread: collected.unread };
  });
}

/** The verdict about one image, whatever it is; throws as {@link readCustody}. */
export async function judgeCustody(
  access: StoreAccess,
  reference: string,
  options: JudgeOptions,
): Promise<JudgedCustody> {
  const { policy, now, repository, level, trust, wantFacts, signal, onProgress } = options;
  const parsed = parseReference(reference);
  return withShown(access, reference, options, async (store, target, shown) => {
    const tag = parsed.digest === undefined && store.namesRepository ? parsed.tag : undefined;
    const release = trust && (await lookUpRelease(trust.releaseOf, parsed, repository));
    const moved = release && checkRelease(release, shown.through ?? shown.digest);
    const about = moved ? [failure(moved.code, 'image', moved.message, moved.hint)] : [];
    const judged = await judgeImage(
      store,
      target,
      tag !== undefined,
      {
        policy,
        now,
        ...(trust && { trust }),
        ...(tag !== undefined && { tag }),
        ...(release && !moved && { release }),
        ...(wantFacts && { wantFacts }),
        ...(repository !== undefined && { repository }),
        ...(level !== undefined && { level }),
        ...(signal && { signal }),
        ...(onProgress && { onProgress }),
      },
      about,
    );
    return { ...shown, verdict: judged.verdict };
  });
}

/** Opens the one image that is asked about. */
export async function withShown<T>(
  access: StoreAccess,
  reference: string,
  { platform, repository }: ShowOptions,
  use: (store: Store, target: ImageTarget, shown: ShownImage) => Promise<T>,
): Promise<T> {
  return withImage(access, parseReference(reference), async (store, root) => {
    const target = await chooseImage(store, root, platform);
    const { digest } = target.raw.descriptor;
    return use(store, target, {
      digest,
      pinned: formatReference({ ...store.reference, digest }),
      through: target.raw === root ? null : root.descriptor.digest,
      repository: repository ?? (store.namesRepository ? store.repository : null),
      layers: layersOf(target.raw),
    });
  });
}

/** The image for a platform; of an index without one, its only image. */
async function chooseImage(
  store: Store,
  root: RawManifest,
  platform: string | undefined,
): Promise<ImageTarget> {
  const manifest = platform === undefined ? parseManifest(root) : undefined;
  if (manifest?.kind !== 'index') return chooseTarget(store, root, platform);
  const images = manifest.manifests.filter(child => !isAttestation(child));
  const [only, ...more] = images;
  if (only && more.length === 0) {
    const raw = await store.fetchManifest({ digest: only.digest });
    if (!raw) return fail('layer-unavailable', `${only.digest} is listed in the index but not there`);
    return { raw, indexPlatform: only.platform };
  }
  const platforms = images.flatMap(({ platform: offered }) => (offered ? formatPlatform(offered) : []));
  return fail('usage-argument', `the index holds ${images.length} images, and one is shown at a time`, {
    hint: platforms[0] === undefined ? 'name the image by its digest' : `--platform ${platforms[0]}`,
    details: { platforms },
  });
}

/** The claims among what was found, in the order in which they were; what cannot be read says nothing. */
function readClaims({ marks }: CollectedMarks): readonly ReadClaim[] {
  const claims = new Map<Digest, { claim: Claim; digest: Digest; keyids: Set<string> }>();
  for (const mark of marks) {
    try {
      const read = readMark(mark);
      if (!read) continue;
      const known = claims.get(read.digest) ?? { ...read, keyids: new Set<string>() };
      claims.set(read.digest, known);
      if (mark.keyHint !== undefined) known.keyids.add(mark.keyHint);
    } catch {
      // Whoever made it, it is no claim.
    }
  }
  return [...claims.values()].map(({ claim, digest, keyids }) => ({ claim, digest, keyids: [...keyids] }));
}
