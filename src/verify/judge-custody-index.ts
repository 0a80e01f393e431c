import { mapConcurrently } from '../base/concurrency.js';
import { type TouchmarkError, toTouchmarkError } from '../base/errors.js';
import { type Finding, type IndexVerdict, isAttestation, verifyIndex } from '../custody/index.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { ImageIndex, RawManifest } from '../oci/manifest.js';
import type { Store } from '../oci/store.js';
import { type CollectedMarks, collectMarks } from './collect-marks.js';
import { tryParse } from './custody-target.js';
import { type CustodyOptions, judgeImage } from './judge-custody.js';

/** Images that are looked at at once. */
const CONCURRENCY = 4;

/** Judges every image of an index, and then what the teams say about the index itself. */
export async function judgeIndex(
  store: Store,
  raw: RawManifest,
  index: ImageIndex,
  tagGiven: boolean,
  options: CustodyOptions,
  about: readonly Finding[] = [],
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
      trust: options.trust?.facts,
      about,
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
