import { mapConcurrently } from '../base/concurrency.js';
import type { Digest } from '../base/digest.js';
import { TouchmarkError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { settle } from '../base/settle.js';
import { CUSTODY_ARTIFACT_TYPE, type FoundMark, mayWithdraw } from '../custody/index.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { RawManifest } from '../oci/manifest.js';
import { attachmentTag } from '../oci/reference.js';
import type { Store } from '../oci/store.js';
import { mayHoldSignatures } from '../signature/referrer.js';
import { createChainReader, openChain } from './chain-reader.js';
import { collectFrom } from './collect.js';
import { attachedMark, type CollectedMarks, MarkPile, type MarkSource } from './mark-pile.js';

export type { CollectedMarks } from './mark-pile.js';

/** Where the newest custody artifact of an image lies, besides among its referrers. */
export const CUSTODY_SUFFIX = '.custody';
/** Custody artifacts that are fetched at once. */
const CONCURRENCY = 4;
/** Referrers that are looked into before the caller may decide that it has seen enough. */
const FIRST = 16;

/**
 * Collects the marks of one image and of all it was built on: from `.sig`, from bundles, from its custody artifacts. Yields
 * after each of at most three steps; a caller that has its yes stops, before a no everything is read.
 *
 * The artifact under the tag says which referrers it includes, and those are read last. It says so unsigned, and nothing
 * rests on it: what is missing is looked for there before there is a no, and an artifact that holds a withdrawal, which
 * could take a yes away, is read at once, whatever another one says of it.
 */
export async function* collectMarks(store: Store, image: Digest): AsyncGenerator<CollectedMarks> {
  const [sigTag, tag] = [attachmentTag(image, '.sig'), attachmentTag(image, CUSTODY_SUFFIX)];
  const [sig, listed, tagged] = await Promise.all([
    settle(store.fetchManifest({ tag: sigTag })),
    settle(store.listReferrers(image)),
    settle(store.fetchManifest({ tag })),
  ]);
  const pile = new MarkPile();
  for (const error of [listed.error, ...(listed.value?.problems ?? [])]) pile.miss('referrers', error);
  pile.miss(sigTag, sig.error);
  pile.miss(tag, tagged.error);

  const chains = createChainReader(store, image);
  const own = tagged.value && openChain(tagged.value, image);
  pile.miss(tag, own?.error);
  const newest = own?.chain && tagged.value?.descriptor.digest;
  const others = (listed.value?.descriptors ?? []).filter(({ digest }) => digest !== newest);
  const steps = planSteps(others, new Set(own?.chain?.includes));
  const listings = chooseChains(steps.flat(), pile);

  for (const [at, step] of steps.entries()) {
    if (at > 0 && step.length === 0) continue;
    const sources = await Promise.all([
      at === 0 && sig.value ? readSignatures(store, image, sigTag, sig.value, []) : undefined,
      at === 0 && own?.chain && newest ? chains.read(tag, newest, own.chain) : undefined,
      readSignatures(store, image, 'referrers', undefined, step),
      mapConcurrently(
        step.filter(({ digest }) => listings.has(digest)),
        CONCURRENCY,
        ({ digest }) => chains.readListed(digest),
      ),
    ]);
    pile.add(sources.flat().filter(source => source !== undefined));
    yield pile;
  }
}

/** Everything about an image, also what a custody artifact says that it includes. */
export async function collectEverything(store: Store, image: Digest): Promise<CollectedMarks> {
  let last: CollectedMarks | undefined;
  for await (const collected of collectMarks(store, image)) last = collected;
  return last as CollectedMarks;
}

/** In which order referrers are read: custody artifacts before the rest, of which there may be any number; included ones last. */
function planSteps(
  listings: readonly Descriptor[],
  included: ReadonlySet<Digest>,
): readonly (readonly Descriptor[])[] {
  const isLast = (listing: Descriptor) => included.has(listing.digest) && !mayWithdraw(listing);
  const now = listings.filter(listing => !isLast(listing));
  const rest = now.filter(listing => !isChain(listing));
  return [[...now.filter(isChain), ...rest.slice(0, FIRST)], rest.slice(FIRST), listings.filter(isLast)];
}

function isChain({ artifactType }: Descriptor): boolean {
  return artifactType === CUSTODY_ARTIFACT_TYPE;
}

/** Custody artifacts, and what does not say of which type it is; those that are sure come first. */
function chooseChains(listings: readonly Descriptor[], pile: MarkPile): ReadonlySet<Digest> {
  // Wanting neither carrier leaves those whose type says nothing.
  const open = listings.filter(listing => mayHoldSignatures(listing, () => false));
  const chosen = [...listings.filter(isChain), ...open];
  const most = LIMITS.custodyArtifacts;
  if (chosen.length > most) {
    const message = `${chosen.length} referrers may be custody artifacts; only ${most} are looked at`;
    pile.miss('referrers', new TouchmarkError('limit-exceeded', message));
  }
  return new Set(chosen.slice(0, most).map(({ digest }) => digest));
}

async function readSignatures(
  store: Store,
  image: Digest,
  source: string,
  sig: RawManifest | undefined,
  descriptors: readonly Descriptor[],
): Promise<MarkSource> {
  const marks: FoundMark[] = [];
  const problems: MarkSource['problems'][number][] = [];
  for await (const found of collectFrom(store, image, sig, { descriptors, sources: [], problems: [] })) {
    marks.push(...found.signatures.map(attachedMark));
    problems.push(...found.problems);
  }
  return { source, marks, problems };
}
