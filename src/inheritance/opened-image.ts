import type { Digest } from '../base/digest.js';
import { formatReference, type ImageReference } from '../oci/reference.js';
import type { Store } from '../oci/store.js';
import type { ImageTarget } from '../verify/custody-target.js';
import type { ShownImage } from '../verify/show-custody.js';
import type { Lookup, Stage } from './lineage.js';
import { childrenOf } from './look-up.js';
import type { ReadImage } from './read-image.js';

/** An image that was asked for, in a store that is open. */
export interface OpenedImage {
  readonly store: Store;
  readonly target: ImageTarget;
  readonly shown: ShownImage;
  readonly parsed: ImageReference;
}

/** What the reference led to: an index, or the image itself. */
export function rootOf({ through, digest }: ShownImage): Digest {
  return through ?? digest;
}

export function unprovenStage({ manifest, platform, created, diffIDs }: ReadImage): Stage {
  return {
    ...{ manifest, platform, created, depth: diffIDs.length, basis: 'asked', mark: null, channel: null },
    ...{ index: null, repository: null, names: [] },
  };
}

/** The image itself, under the name by which it was asked for. */
export function askedStage(
  { shown, parsed }: OpenedImage,
  stage: Stage,
  repository: string | undefined,
): Stage {
  const name = nameOf(parsed, repository);
  const own = name === undefined ? [] : [{ name, from: 'asked' as const }];
  return {
    ...stage,
    index: shown.through,
    repository: shown.repository,
    names: [...own, ...stage.names],
  };
}

/** What is called by a tag; what was named by digest has no name. */
function nameOf(
  { transport, location, tag, digest }: ImageReference,
  repository: string | undefined,
): string | undefined {
  if (digest !== undefined || tag === undefined) return undefined;
  return repository === undefined ? formatReference({ transport, location, tag }) : `${repository}:${tag}`;
}

/** Where the image lies under its own name, what that leads to is known; elsewhere it has to be asked. */
export function openedBy(
  { shown, target, parsed }: OpenedImage,
  repository: string | undefined,
): readonly [name: string, lookup: Lookup] | null {
  const name = nameOf(parsed, undefined);
  if (name === undefined || repository !== undefined) return null;
  const digest = rootOf(shown);
  const children = shown.through === null ? childrenOf(target.raw) : [shown.digest];
  return [name, { kind: 'found', by: 'store', digest, children }];
}
