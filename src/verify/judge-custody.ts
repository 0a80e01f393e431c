import { LIMITS } from '../base/limits.js';
import {
  atLevel,
  type ContentJudge,
  type CustodyPolicy,
  type CustodyVerdict,
  type EvidenceLevel,
  type Finding,
  type LayerFact,
  neededLevel,
  reaches,
  type TrustFacts,
  verify,
  withoutPredicates,
} from '../custody/index.js';
import type { ImageManifest } from '../oci/manifest.js';
import type { Store } from '../oci/store.js';
import { type CollectedMarks, collectMarks } from './collect-marks.js';
import { type ImageTarget, tryParse } from './custody-target.js';
import { collectLayerFacts } from './layer-evidence.js';
import type { ReleaseLookup } from './release.js';

export interface CustodyTrust {
  /** About the teams, marks and channels of the policy. */
  readonly facts: TrustFacts;
  readonly releaseOf: ReleaseLookup;
}

export interface CustodyOptions {
  readonly policy: CustodyPolicy;
  /** What TUF says, where it was asked. */
  readonly trust?: CustodyTrust;
  readonly now: Date;
  /** The repository that the marks are to be held to, for an image that lies in a layout or archive. */
  readonly repository?: string;
  /** Of an index, check the image for this platform only; a single image must be for it. */
  readonly platform?: string;
  /** How far to look. Default: as far as the policy asks, and on disk, where nobody else checks them, into every blob. */
  readonly level?: EvidenceLevel;
  /** The image is on its way to this team: later steps and rules about the final image do not apply yet. */
  readonly handover?: string;
  /** As `handover`, and nobody asks to which team: whose the layers are is all that is wanted. */
  readonly unfinished?: boolean | undefined;
  /** The tag that was asked for, and what is released under it. */
  readonly tag?: string;
  readonly release?: { readonly name: string; readonly role: string };
  /** Collect the facts, also when no rule is about them. */
  readonly wantFacts?: boolean;
  readonly signal?: AbortSignal;
  /** Bytes of layers that have been read, of those that will be. */
  readonly onProgress?: (done: number, total: number) => void;
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
 * @param about what was found about the reference itself
 * @throws TouchmarkError what the store throws for the config; `interrupted`
 */
export async function judgeImage(
  store: Store,
  { raw, indexPlatform }: ImageTarget,
  tagGiven: boolean,
  options: CustodyOptions,
  about: readonly Finding[] = [],
): Promise<JudgedImage> {
  const { policy, now, handover, signal } = options;
  const manifest = tryParse(raw);
  const evidence = collectMarks(store, raw.descriptor.digest);
  const [config, first] = await Promise.all([fetchConfig(store, manifest), evidence.next()]);
  const judge = (
    { marks, carried, unread }: CollectedMarks,
    rules: CustodyPolicy,
    { facts, judge }: LayerEvidence = { facts: [] },
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
      layerEvidence: facts,
      judgeContent: judge,
      policy: rules,
      trust: options.trust?.facts,
      about,
      now,
      tagGiven,
      tag: options.tag,
      release: options.release,
      ...(options.wantFacts && { wantFacts: true }),
      ...((handover !== undefined || options.unfinished) && { handover: { team: handover } }),
    });

  // Without layers in question: whatever fails here fails however much of them is read. Predicates may be about how far they
  // were, so they come at the end.
  const early = atLevel(withoutPredicates(policy), 'marks');
  let collected = first.value as CollectedMarks;
  let verdict = await judge(collected, early);
  while (verdict.verdict !== 'pass') {
    const more = await evidence.next();
    if (more.done) break;
    collected = more.value;
    verdict = await judge(collected, early);
  }
  // What a command that is ending could not ask any more is not missing.
  signal?.throwIfAborted();
  if (verdict.verdict !== 'pass' || manifest?.kind !== 'image') return { verdict, config, collected };

  const needed = neededLevel(verdict.chain, policy);
  const level = options.level ?? defaultLevel(needed, store);
  // Who asks for more than the policy does is held to that.
  const required = reaches(needed, level) ? needed : level;
  const isReached = verdict.level !== null && reaches(verdict.level, required);
  if (isReached && !policy.predicates?.length && !options.wantFacts) return { verdict, config, collected };
  const wanted = verdict.layers.filter(layer => !reaches(layer.evidence, level)).map(({ index }) => index);
  const layers =
    wanted.length === 0 || isReached ? undefined : await readLayers(store, manifest, wanted, level, options);
  const full = { ...policy, evidence: required };
  verdict = await judge(collected, full, layers);
  // A predicate may ask for what only the rest has, such as the configs that tell who set a key.
  while (options.wantFacts || (policy.predicates?.length && verdict.verdict !== 'pass')) {
    const more = await evidence.next();
    if (more.done) break;
    collected = more.value;
    verdict = await judge(collected, full, layers);
  }
  signal?.throwIfAborted();
  return { verdict, config, collected };
}

interface LayerEvidence {
  readonly facts: readonly LayerFact[];
  readonly judge?: ContentJudge;
}

async function readLayers(
  store: Store,
  manifest: ImageManifest,
  wanted: readonly number[],
  level: EvidenceLevel,
  { signal, onProgress }: CustodyOptions,
): Promise<LayerEvidence> {
  const options = { ...(signal && { signal }), ...(onProgress && { onProgress }) };
  if (level !== 'content') return { facts: await collectLayerFacts(store, manifest, wanted, options) };
  // What looks into layers is loaded by those who need it.
  const { collectContent } = await import('./collect-content.js');
  return collectContent(store, manifest, options);
}

async function fetchConfig(store: Store, manifest: ReturnType<typeof tryParse>): Promise<Uint8Array> {
  // What is no image is refused for what it is before anybody looks at a config.
  if (manifest?.kind !== 'image') return new Uint8Array();
  return store.fetchBlob(manifest.config, LIMITS.configSize);
}

function defaultLevel(needed: EvidenceLevel, store: Store): EvidenceLevel {
  return store.namesRepository || reaches(needed, 'blobs') ? needed : 'blobs';
}
