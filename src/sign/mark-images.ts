import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import type { Signer } from '../crypto/keys.js';
import { draftIndexClaim, type IndexChild, isAttestation } from '../custody/index.js';
import { parseConfig } from '../oci/config.js';
import type { Platform } from '../oci/descriptor.js';
import { type ImageIndex, parseManifest, type RawManifest } from '../oci/manifest.js';
import { formatPlatform, matchesPlatform } from '../oci/platform.js';
import type { Store } from '../oci/store.js';
import { type MarkBase, type MarkOptions, type MarkPlan, type MarkTarget, planMark } from './mark-image.js';
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
  const targets = await listImages(located, options.platform);
  const images: MarkPlan[] = [];
  for (const target of targets) {
    const { base: baseRoot, platform: _, ...own } = options;
    const base = baseRoot && (await chooseBase(baseRoot, await platformOf(store, target)));
    images.push(await planMark(store, target, { ...own, base }));
  }
  const isWhole = options.platform === undefined && parseManifest(root).kind === 'index';
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
      ...(platform && { platform: claimPlatform(platform) }),
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
 * @throws TouchmarkError `index-nested`, `layer-unavailable`, `oci-not-found` when there is none for the platform
 */
export async function listImages(
  { store, root }: Located,
  platform: string | undefined,
): Promise<readonly MarkTarget[]> {
  const manifest = parseManifest(root);
  if (manifest.kind === 'image') return [{ raw: root }];
  const targets: MarkTarget[] = [];
  for (const child of manifest.manifests.filter(entry => !isAttestation(entry))) {
    const raw = await store.fetchManifest({ digest: child.digest });
    if (!raw) {
      return fail('layer-unavailable', `the manifest ${child.digest} is listed in the index but not there`);
    }
    if (parseManifest(raw).kind === 'index') {
      fail('index-nested', `${child.digest} is an index inside an index; one level is read`);
    }
    const target: MarkTarget = { raw, indexPlatform: child.platform };
    const own = await platformOf(store, target);
    if (platform === undefined || formatPlatform(own) === platform || matches(own, platform))
      targets.push(target);
  }
  if (targets.length > 0) return targets;
  const wanted = platform === undefined ? 'no image at all' : `no image for ${platform}`;
  return fail('oci-not-found', `the index ${root.descriptor.digest} holds ${wanted}`);
}

function matches(own: Platform, wanted: string): boolean {
  const [os = '', architecture = '', variant] = wanted.split('/');
  return matchesPlatform(own, { os, architecture, ...(variant && { variant }) });
}

/** As its config says: the index is another document. */
async function platformOf(store: Store, { raw }: MarkTarget): Promise<Platform> {
  const manifest = parseManifest(raw);
  if (manifest.kind !== 'image') return fail('manifest-unsupported', 'an index has no platform of its own');
  const config = parseConfig(await store.fetchBlob(manifest.config, LIMITS.configSize));
  return claimPlatform({ ...config, variant: config.variant ?? undefined });
}

function claimPlatform(platform: {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string | undefined;
}): Platform {
  const { os, architecture, variant } = platform;
  return { os, architecture, ...(variant && { variant }) };
}

async function chooseBase(base: Located, platform: Platform): Promise<MarkBase> {
  const images = await listImages(base, undefined);
  const isIndex = images[0]?.raw !== base.root;
  for (const target of images) {
    const own = await platformOf(base.store, target);
    if (!matchesPlatform(own, platform)) continue;
    return {
      store: base.store,
      ...target,
      ...(isIndex && { index: base.root.descriptor.digest }),
    };
  }
  return fail('platform-mismatch', `the base has no image for ${formatPlatform(platform)}`, {
    details: { base: base.root.descriptor.digest },
  });
}
