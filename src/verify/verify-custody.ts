import type { ReasonCode } from '../base/codes.js';
import { mapConcurrently } from '../base/concurrency.js';
import type { Digest } from '../base/digest.js';
import { type TouchmarkError, toTouchmarkError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import {
  type CustodyPolicy,
  type CustodyVerdict,
  type EvidenceLevel,
  type IndexVerdict,
  isAttestation,
  type LayerFact,
  reaches,
  verify,
  verifyIndex,
} from '../custody/index.js';
import type { Descriptor, Platform } from '../oci/descriptor.js';
import { type ImageIndex, parseManifest, type RawManifest } from '../oci/manifest.js';
import { type StoreAccess, withImage } from '../oci/open.js';
import { parsePlatform, selectPlatform } from '../oci/platform.js';
import { formatReference, parseReference } from '../oci/reference.js';
import type { Store } from '../oci/store.js';
import { type CollectedMarks, collectMarks } from './collect-marks.js';
import { collectLayerFacts } from './layer-evidence.js';

/** Images of one index that are looked at at once. */
const CONCURRENCY = 4;

export interface CustodyOptions {
  readonly policy: CustodyPolicy;
  readonly now: Date;
  /** The repository that the marks are to be held to, for an image that lies in a layout or archive. */
  readonly repository?: string;
  /** Of an index, check the image for this platform only; a single image must be for it. */
  readonly platform?: string;
  /** How far to look. Default: as far as the policy asks, and on disk, where nobody else checks them, into every blob. */
  readonly level?: EvidenceLevel;
  /** The image is on its way to this team: later steps and rules about the final image do not apply yet. */
  readonly handover?: string;
  readonly signal?: AbortSignal;
  /** Bytes of layers that have been read, of those that will be. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface StoredLayer {
  readonly index: number;
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
}

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
      return judgeResolved(store, reference, root, tagGiven, options);
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
): Promise<CustodyOutcome> {
  const target = await chooseTarget(store, root, options.platform);
  const { digest, mediaType } = target.raw.descriptor;
  const about = {
    reference,
    digest,
    mediaType,
    pinned: formatReference({ ...store.reference, digest }),
    through: target.raw === root ? null : root.descriptor.digest,
    error: null,
  };
  const manifest = tryParse(target.raw);
  if (manifest?.kind === 'index') {
    const index = await judgeIndex(store, target.raw, manifest, tagGiven, options);
    return { ...about, code: index.code, custody: null, index, layers: [] };
  }
  const { verdict } = await judgeImage(store, target, tagGiven, options);
  return { ...about, code: verdict.code, custody: verdict, index: null, layers: layersOf(target.raw) };
}

export interface ImageTarget {
  readonly raw: RawManifest;
  /** What the index or the user says that this image is for; undefined when neither does. */
  readonly indexPlatform?: Platform | undefined;
}

/** The image for a platform, or what lies there itself. */
export async function chooseTarget(
  store: Store,
  root: RawManifest,
  platform: string | undefined,
): Promise<ImageTarget> {
  if (platform === undefined) return { raw: root };
  // An index may list one image under several platforms, and a single image says its own: what was asked for decides.
  return { raw: await selectPlatform(store, root, platform), indexPlatform: parsePlatform(platform) };
}

/** A manifest that cannot be parsed is for the check to refuse, with its own reason. */
function tryParse(raw: RawManifest) {
  try {
    return parseManifest(raw);
  } catch {
    return undefined;
  }
}

/** The layers that the manifest of an image lists; none when it is no image. */
export function layersOf(raw: RawManifest): readonly StoredLayer[] {
  const manifest = tryParse(raw);
  if (manifest?.kind !== 'image') return [];
  return manifest.layers.map(({ digest, size }, index) => ({ index, digest, size }));
}

export interface JudgedImage {
  readonly verdict: CustodyVerdict;
  /** The config as fetched. */
  readonly config: Uint8Array;
  readonly collected: CollectedMarks;
}

/**
 * Collects what speaks about one image and has it judged. First by what costs little; layers are read only when everything
 * else holds, and what a custody artifact says that it includes only when there is no yes without.
 * @throws TouchmarkError what the store throws for the config; `interrupted`
 */
export async function judgeImage(
  store: Store,
  { raw, indexPlatform }: ImageTarget,
  tagGiven: boolean,
  options: CustodyOptions,
): Promise<JudgedImage> {
  const { policy, now, handover, signal } = options;
  const manifest = tryParse(raw);
  const evidence = collectMarks(store, raw.descriptor.digest);
  const [config, first] = await Promise.all([fetchConfig(store, manifest), evidence.next()]);
  const judge = (
    { marks, carried, unread }: CollectedMarks,
    layerEvidence: readonly LayerFact[],
    level: EvidenceLevel,
  ) =>
    verify({
      image: {
        repository: options.repository ?? (store.namesRepository ? store.repository : undefined),
        manifest: { mediaType: raw.descriptor.mediaType, bytes: raw.bytes },
        config,
        indexPlatform,
      },
      marks,
      carried,
      unread,
      layerEvidence,
      policy: { ...policy, evidence: level },
      now,
      tagGiven,
      ...(handover !== undefined && { handover: { team: handover } }),
    });

  // Without layers in question: whatever fails here fails however much of them is read.
  let collected = first.value as CollectedMarks;
  let verdict = await judge(collected, [], 'marks');
  while (verdict.verdict !== 'pass') {
    const more = await evidence.next();
    if (more.done) break;
    collected = more.value;
    verdict = await judge(collected, [], 'marks');
  }
  // What a command that is ending could not ask any more is not missing.
  signal?.throwIfAborted();
  if (verdict.verdict !== 'pass' || manifest?.kind !== 'image') return { verdict, config, collected };

  const level = options.level ?? defaultLevel(policy, store);
  // Who asks for more than the policy does is held to that.
  const required = reaches(policy.evidence, level) ? policy.evidence : level;
  if (verdict.level !== null && reaches(verdict.level, required)) return { verdict, config, collected };
  const wanted = verdict.layers.filter(layer => !reaches(layer.evidence, level)).map(({ index }) => index);
  const facts =
    wanted.length === 0
      ? []
      : await collectLayerFacts(store, manifest, wanted, {
          ...(signal && { signal }),
          ...(options.onProgress && { onProgress: options.onProgress }),
        });
  return { verdict: await judge(collected, facts, required), config, collected };
}

async function fetchConfig(store: Store, manifest: ReturnType<typeof tryParse>): Promise<Uint8Array> {
  // What is no image is refused for what it is before anybody looks at a config.
  if (manifest?.kind !== 'image') return new Uint8Array();
  return store.fetchBlob(manifest.config, LIMITS.configSize);
}

function defaultLevel(policy: CustodyPolicy, store: Store): EvidenceLevel {
  return store.namesRepository || reaches(policy.evidence, 'blobs') ? policy.evidence : 'blobs';
}

async function judgeIndex(
  store: Store,
  raw: RawManifest,
  index: ImageIndex,
  tagGiven: boolean,
  options: CustodyOptions,
): Promise<IndexVerdict> {
  const errors: TouchmarkError[] = [];
  const evidence = collectMarks(store, raw.descriptor.digest);
  const judgeChildren = mapConcurrently(index.manifests.filter(isImage), CONCURRENCY, async child => {
    try {
      const found = await store.fetchManifest({ digest: child.digest });
      if (!found || tryParse(found)?.kind !== 'image') return undefined;
      const target = { raw: found, indexPlatform: child.platform };
      return (await judgeImage(store, target, false, options)).verdict;
    } catch (error) {
      options.signal?.throwIfAborted();
      errors.push(toTouchmarkError(error));
      return undefined;
    }
  });
  const [first, judged] = await Promise.all([evidence.next(), judgeChildren]);
  const children = judged.filter(child => child !== undefined);
  const judge = ({ marks, unread }: CollectedMarks) =>
    verifyIndex({
      index: { mediaType: raw.descriptor.mediaType, bytes: raw.bytes },
      children,
      marks,
      unread,
      policy: options.policy,
      now: options.now,
      tagGiven,
    });
  let verdict = await judge(first.value as CollectedMarks);
  // What an image lacks no claim about the index brings.
  while (verdict.verdict !== 'pass' && judged.every(child => child?.verdict === 'pass')) {
    const more = await evidence.next();
    if (more.done) break;
    verdict = await judge(more.value);
  }
  options.signal?.throwIfAborted();
  // An image that could not be asked about leaves the question open, unless another one has answered it.
  if (verdict.verdict !== 'fail' && errors[0]) throw errors[0];
  return verdict;
}

function isImage(child: Descriptor): boolean {
  return !isAttestation(child);
}
