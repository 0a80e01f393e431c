import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import type { Signer } from '../crypto/keys.js';
import { draftIndexClaim, type IndexChild, isAttestation } from '../custody/index.js';
import { parseConfig } from '../oci/config.js';
import type { Platform } from '../oci/descriptor.js';
import { type ImageIndex, parseManifest, type RawManifest } from '../oci/manifest.js';
import { formatPlatform, matchesPlatform, parsePlatform } from '../oci/platform.js';
import type { Store } from '../oci/store.js';
import { type MarkTarget, platformOf } from './claimed-image.js';
import { type MarkBase, type MarkOptions, type MarkPlan, planMark } from './mark-image.js';
import { type WrittenClaim, writeClaim } from './write-claim.js';
import { type WrittenStatement, writeStatement } from './write-statement.js';

/** What a reference resolved to, where it lies: an image or an index. */
export interface Located {
  readonly store: Store;
  readonly root: RawManifest;
}

export interface MarksOptions extends Omit<MarkOptions, 'base'> {
  readonly base?: Located | undefined;
  /** Of an index, mark the image for this platform only. */
  readonly platform?: string | undefined;
}

export interface MarksPlan {
  readonly images: readonly MarkPlan[];
  /** The index that the images make up; undefined for a single image, or one platform of an index. */
  readonly index: RawManifest | undefined;
  readonly located: Located;
  readonly options: MarksOptions;
}

export interface WrittenMarks {
  readonly images: readonly WrittenClaim[];
  /** The claim about the index as a whole. */
  readonly index: WrittenStatement | null;
}

/**
 * Plans the mark of an image, or of each image of an index, each on the base's image for the same platform.
 * @throws TouchmarkError as `planMark`; `platform-mismatch` when the base has no image for a platform; `index-nested`
 */
export async function planMarks(located: Located, options: MarksOptions): Promise<MarksPlan> {
  const { store, root } = located;
  const { base, platform, ...own } = options;
  const bases = base && (await listBases(base));
  const images: MarkPlan[] = [];
  for (const target of await listImages(located, platform)) {
    const chosen = bases && chooseBase(bases, await readPlatform(store, target.raw));
    images.push(await planMark(store, target, { ...own, base: chosen }));
  }
  const isWhole = platform === undefined && parseManifest(root).kind === 'index';
  return { images, index: isWhole ? root : undefined, located, options };
}

/** Writes planned marks, and behind those of an index the claim that binds them together. */
export async function writeMarks(plan: MarksPlan, signers: readonly Signer[]): Promise<WrittenMarks> {
  const images: WrittenClaim[] = [];
  for (const image of plan.images) images.push(await writeClaim(image, signers));
  if (!plan.index) return { images, index: null };
  const { team, step, policy, now, repository } = plan.options;
  const { store } = plan.located;
  const manifest = parseManifest(plan.index) as ImageIndex;
  const children = manifest.manifests.map(({ digest, platform }): IndexChild => {
    const marked = plan.images.find(({ image }) => image.raw.descriptor.digest === digest);
    return {
      ...(platform && { platform: platformOf({ ...platform, variant: platform.variant ?? null }) }),
      manifest: digest,
      claim: marked?.digest ?? null,
    };
  });
  const claim = draftIndexClaim({
    team,
    step,
    repository: repository ?? store.repository,
    index: plan.index.descriptor,
    children,
    time: now,
    policy,
  });
  return { images, index: await writeStatement(store, plan.index.descriptor, claim, signers, policy) };
}

/**
 * The image itself, or the images of an index with the platforms it gives them; attestations left out.
 * @param platform only images whose config is for this one
 * @throws TouchmarkError `index-nested`, `layer-unavailable`, `usage-argument` for what is no platform, `oci-not-found` when
 *   there is none for it
 */
export async function listImages(
  { store, root }: Located,
  platform: string | undefined,
): Promise<readonly MarkTarget[]> {
  const manifest = parseManifest(root);
  if (manifest.kind === 'image') return [{ raw: root }];
  const wanted = platform === undefined ? undefined : parsePlatform(platform);
  const targets: MarkTarget[] = [];
  const offered: string[] = [];
  for (const child of manifest.manifests.filter(entry => !isAttestation(entry))) {
    const raw = await store.fetchManifest({ digest: child.digest });
    if (!raw) {
      return fail('layer-unavailable', `the manifest ${child.digest} is listed in the index but not there`);
    }
    if (parseManifest(raw).kind === 'index') {
      fail('index-nested', `${child.digest} is an index inside an index; one level is read`);
    }
    const own = wanted && (await readPlatform(store, raw));
    if (own) offered.push(formatPlatform(own));
    if (!wanted || !own || matchesPlatform(own, wanted)) targets.push({ raw, indexPlatform: child.platform });
  }
  if (targets.length > 0) return targets;
  const none = platform === undefined ? 'no image at all' : `no image for ${platform}`;
  return fail('oci-not-found', `the index ${root.descriptor.digest} holds ${none}`, {
    ...(offered.length > 0 && { details: { platforms: offered } }),
  });
}

async function readPlatform(store: Store, raw: RawManifest): Promise<Platform> {
  const manifest = parseManifest(raw);
  if (manifest.kind !== 'image') return fail('manifest-unsupported', 'an index has no platform of its own');
  return platformOf(parseConfig(await store.fetchBlob(manifest.config, LIMITS.configSize)));
}

interface PlatformBase extends MarkBase {
  readonly platform: Platform;
}

async function listBases(base: Located): Promise<readonly PlatformBase[]> {
  const { store, root } = base;
  const index = parseManifest(root).kind === 'index' ? { index: root.descriptor.digest } : {};
  const bases: PlatformBase[] = [];
  for (const target of await listImages(base, undefined)) {
    bases.push({ store, ...target, ...index, platform: await readPlatform(store, target.raw) });
  }
  return bases;
}

function chooseBase(bases: readonly PlatformBase[], wanted: Platform): MarkBase {
  const found = bases.find(({ platform }) => matchesPlatform(platform, wanted));
  if (found) return found;
  return fail('platform-mismatch', `the base has no image for ${formatPlatform(wanted)}`, {
    details: { platforms: bases.map(({ platform }) => formatPlatform(platform)) },
  });
}
