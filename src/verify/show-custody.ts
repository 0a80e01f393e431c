import type { Digest } from '../base/digest.js';
import { fail } from '../base/errors.js';
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
import { collectMarks } from './collect-marks.js';
import type { CollectedMarks } from './mark-pile.js';
import { chooseTarget, type ImageTarget, judgeImage, layersOf, type StoredLayer } from './verify-custody.js';

/** What a mark says whose signature nobody has verified. */
export interface ReadClaim {
  readonly claim: Claim;
  readonly digest: Digest;
  /** Keys that the signatures point to, hex. */
  readonly keyids: readonly string[];
}

export interface ShownCustody {
  readonly digest: Digest;
  /** The reference by digest. */
  readonly pinned: string;
  /** The index that the image was reached through. */
  readonly through: Digest | null;
  readonly repository: string | null;
  readonly layers: readonly StoredLayer[];
  /** With a policy: the verdict under it. */
  readonly verdict: CustodyVerdict | null;
  /** Without one: what is claimed. */
  readonly claims: readonly ReadClaim[];
  /** Places that may hold more. */
  readonly unread: readonly UnreadSource[];
}

export interface ShowOptions {
  readonly policy?: CustodyPolicy | undefined;
  readonly now: Date;
  readonly repository?: string | undefined;
  readonly platform?: string | undefined;
  readonly level?: EvidenceLevel | undefined;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * What can be said about the custody of one image: with a policy the verdict, without one what the marks claim.
 * @throws TouchmarkError what the store throws; `usage-argument` when an index holds several images and none is named
 */
export async function showCustody(
  access: StoreAccess,
  reference: string,
  options: ShowOptions,
): Promise<ShownCustody> {
  const parsed = parseReference(reference);
  return withImage(access, parsed, async (store, root) => {
    const target = await chooseImage(store, root, options.platform);
    const { digest } = target.raw.descriptor;
    const about = {
      digest,
      pinned: formatReference({ ...store.reference, digest }),
      through: target.raw === root ? null : root.descriptor.digest,
      repository: options.repository ?? (store.namesRepository ? store.repository : null),
      layers: layersOf(target.raw),
    };
    const { policy } = options;
    if (!policy) {
      const collected = await collectEverything(store, digest);
      return { ...about, verdict: null, claims: readClaims(collected), unread: collected.unread };
    }
    const tagGiven = parsed.digest === undefined && store.namesRepository;
    const { verdict } = await judgeImage(store, target, tagGiven, {
      policy,
      now: options.now,
      ...(options.repository !== undefined && { repository: options.repository }),
      ...(options.level !== undefined && { level: options.level }),
      ...(options.signal && { signal: options.signal }),
      ...(options.onProgress && { onProgress: options.onProgress }),
    });
    return { ...about, verdict, claims: [], unread: [] };
  });
}

/** The image for a platform; of an index without one, its only image. */
export async function chooseImage(
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

async function collectEverything(store: Store, image: Digest): Promise<CollectedMarks> {
  let last: CollectedMarks | undefined;
  for await (const collected of collectMarks(store, image)) last = collected;
  return last as CollectedMarks;
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
