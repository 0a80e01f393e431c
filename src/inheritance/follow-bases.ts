import type { Digest } from '../base/digest.js';
import { fail, toTouchmarkError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import type { ImageReference } from '../oci/reference.js';
import { chooseTarget } from '../verify/custody-target.js';
import { parseRegistryName, type StatedBase, tagNameOf } from './base-names.js';
import type { NamedBase, Stage } from './lineage.js';
import type { Reach } from './reach.js';
import { type ReadImage, readImage } from './read-image.js';

/** A base as it was read. */
interface ReadBase {
  readonly image: ReadImage;
  /** The index that was named. */
  readonly index: Digest | null;
  readonly repository: string | null;
}

/** Reads each base once, however many images name it. */
export interface BaseReader {
  read(at: ImageReference, digest: Digest, platform: string): Promise<ReadBase>;
}

export function createBaseReader(reach: Reach): BaseReader {
  const reading = new Map<string, Promise<ReadBase>>();
  return {
    read(at, digest, platform) {
      const key = `${at.transport} ${at.location} ${digest} ${platform}`;
      const known = reading.get(key) ?? readBase(reach, at, digest, platform);
      reading.set(key, known);
      return known;
    },
  };
}

async function readBase(
  reach: Reach,
  at: ImageReference,
  digest: Digest,
  platform: string,
): Promise<ReadBase> {
  return reach.open({ transport: at.transport, location: at.location, digest }, async store => {
    const root = await store.fetchManifest({ digest });
    if (!root) return fail('oci-not-found', `${digest} is not in ${at.location}`);
    const { raw } = await chooseTarget(store, root, platform);
    const repository = store.namesRepository ? store.repository : null;
    return { image: await readImage(store, raw), index: raw === root ? null : digest, repository };
  });
}

export interface FollowedBases {
  /** Fewest layers first. */
  readonly stages: readonly Stage[];
  /** Where the way ended at a base that could not be placed, below the first stage. */
  readonly namedBase: NamedBase | null;
}

/**
 * Follows what an image says of its base, and that of its own, as long as the layers agree.
 * @param from where the image lies: a base without a name, and one of an image on disk, is looked for there
 */
export async function followBases(
  image: ReadImage,
  from: ImageReference,
  reader: BaseReader,
): Promise<FollowedBases> {
  const stages: Stage[] = [];
  let above = image;
  let at = from;
  while (above.base && stages.length < LIMITS.statedBases) {
    const stated = above.base;
    const named = (why: string, code: NamedBase['code']): FollowedBases => {
      return { stages, namedBase: { ...stated, why, code } };
    };
    if (stated.digest === null) return named('it is named without a digest', 'annotation-mismatch');
    const place = placeOf(stated, at);
    if (!place) return named('its name is no image of a registry', 'annotation-mismatch');
    try {
      const { image: below, index, repository } = await reader.read(place, stated.digest, image.platform);
      if (!isPrefix(below.diffIDs, above.diffIDs))
        return named('its layers are not those at the bottom of this image', 'annotation-mismatch');
      stages.unshift(stageOf(below, index, repository, stated));
      [above, at] = [below, place];
    } catch (error) {
      const { code, message } = toTouchmarkError(error);
      return named(message, code);
    }
  }
  return { stages, namedBase: null };
}

function placeOf({ name }: StatedBase, at: ImageReference): ImageReference | undefined {
  // On disk nothing is fetched from elsewhere because an image says so.
  if (at.transport !== 'registry' || name === null) return at;
  return parseRegistryName(name);
}

function stageOf(
  image: ReadImage,
  index: Digest | null,
  repository: string | null,
  { name }: StatedBase,
): Stage {
  const tag = name === null ? undefined : tagNameOf(name);
  return {
    manifest: image.manifest,
    index,
    repository: repository ?? (name === null ? null : (parseRegistryName(name)?.location ?? null)),
    platform: image.platform,
    depth: image.diffIDs.length,
    basis: 'self-asserted',
    mark: null,
    created: image.created,
    names: tag === undefined ? [] : [{ name: tag, from: 'annotation' }],
    channel: null,
  };
}

function isPrefix(lower: readonly Digest[], upper: readonly Digest[]): boolean {
  return lower.length <= upper.length && lower.every((diffID, at) => diffID === upper[at]);
}
