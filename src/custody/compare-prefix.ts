import type { ReasonCode } from '../base/codes.js';
import type { Digest } from '../base/digest.js';

/** Layers of an image, base first: as stored, and uncompressed. Both lists have the same length. */
export interface LayerLists {
  readonly digests: readonly Digest[];
  readonly diffIDs: readonly Digest[];
}

export type PrefixComparison =
  | {
      readonly holds: true;
      /** Layers of the base that the image stores in other bytes: to be read before they are believed. */
      readonly recompressed: readonly number[];
    }
  | {
      readonly holds: false;
      readonly code: ReasonCode;
      readonly message: string;
      /** What probably happened, and what to do. */
      readonly hint: string;
    };

/** Does an image begin with the layers of its base? If not: which layer differs, and what probably happened. */
export function comparePrefix(base: LayerLists, image: LayerLists): PrefixComparison {
  const at = base.diffIDs.findIndex((diffID, i) => diffID !== image.diffIDs[i]);
  if (at < 0) {
    const recompressed = base.digests.flatMap((digest, i) => (digest === image.digests[i] ? [] : [i]));
    return { holds: true, recompressed };
  }
  const found = image.diffIDs[at];
  const message =
    found === undefined
      ? `the image ends before layer ${at} of the base (${base.diffIDs[at]}): it has ${image.diffIDs.length} layers, the base ${base.diffIDs.length}`
      : `layer ${at} of the image is ${found}, of the base ${base.diffIDs[at]}`;
  return { holds: false, message, ...explain(base.diffIDs, image.diffIDs, at) };
}

function explain(
  base: readonly Digest[],
  image: readonly Digest[],
  at: number,
): { readonly code: ReasonCode; readonly hint: string } {
  if (at === image.length) {
    const hint =
      'the image lacks the last layers of the base: built on an older one? name the base that it was built on';
    return { code: 'base-mismatch', hint };
  }
  const shared = countShared(base, image);
  if (shared === 0 && image.length === 1) {
    const hint =
      'squashed or flattened into one layer? build without --squash, on the base as it is; nobody can tell any more whose file is whose';
    return { code: 'custody-collapsed', hint };
  }
  if (shared === base.length) {
    const hint =
      'all layers of the base are there in another order, or with others between them: build it anew on the base';
    return { code: 'base-mismatch', hint };
  }
  if (shared === 0) {
    const hint =
      'no layer of the base is in the image: rebased, or built on another image? name the base that it was built on';
    return { code: 'base-mismatch', hint };
  }
  const hint =
    'the base has moved since, or one of its layers was replaced or rewritten: name the base that it was built on';
  return { code: 'base-mismatch', hint };
}

/** How many layers of the base the image has; empty ones come again, and each counts once for each. */
function countShared(base: readonly Digest[], image: readonly Digest[]): number {
  const left = new Map<Digest, number>();
  for (const diffID of image) left.set(diffID, (left.get(diffID) ?? 0) + 1);
  return base.filter(diffID => {
    const count = left.get(diffID) ?? 0;
    left.set(diffID, count - 1);
    return count > 0;
  }).length;
}
