import { describe, expect, onTestFinished, test } from 'vitest';
import type { Digest } from '../../../src/base/digest.js';
import {
  CUSTODY_ARTIFACT_TYPE,
  type CustodyPolicy,
  draftWithdrawal,
  type LayerFact,
  verify,
} from '../../../src/custody/index.js';
import { describe as describeBytes } from '../../../src/oci/descriptor.js';
import { rawManifest, serializeManifest } from '../../../src/oci/manifest.js';
import { MEDIA_TYPES } from '../../../src/oci/media-types.js';
import { createStoreAccess, openStore } from '../../../src/oci/open.js';
import { attachmentTag, parseReference } from '../../../src/oci/reference.js';
import type { Store } from '../../../src/oci/store.js';
import { EMPTY_CONFIG } from '../../../src/signature/referrer.js';
import { pushImage } from '../../../src/testing/image.js';
import { startRegistry, type TestRegistry } from '../../../src/testing/registry.js';
import { type CollectedMarks, collectMarks } from '../../../src/verify/collect-marks.js';
import {
  carried,
  chainMarks,
  type MarkedImage,
  markedImage,
  plantArtifact,
  plantBundle,
  plantMarks,
  plantSig,
} from '../custody-images.js';
import { aSigner, layoutWith, plantPayload, plantStatement } from '../images.js';

interface Place {
  readonly store: Store;
  readonly digest: Digest;
  readonly marked: MarkedImage;
}

async function inLayout(): Promise<Place> {
  const marked = await markedImage();
  const { store, digest } = await layoutWith(marked.image);
  return { store, digest, marked };
}

/** `referrers: false` keeps them under a tag that anybody may write. */
async function inRegistry(referrers = true): Promise<Place & { readonly registry: TestRegistry }> {
  const registry = await startRegistry({ referrers });
  const marked = await markedImage();
  const access = createStoreAccess({});
  const store = await openStore(parseReference(`${registry.host}/shop/app:1`), access);
  onTestFinished(async () => {
    await store.close();
    await access.close();
    await registry.close();
  });
  const digest = await pushImage(store, marked.image, '1');
  return { store, digest, marked, registry };
}

async function steps(store: Store, digest: Digest): Promise<readonly CollectedMarks[]> {
  const all: CollectedMarks[] = [];
  for await (const { marks, carried: blobs, unread, artifacts } of collectMarks(store, digest))
    all.push({ marks: [...marks], carried: [...blobs], unread: [...unread], artifacts: [...artifacts] });
  return all;
}

async function judge(
  { marked }: Place,
  collected: CollectedMarks | undefined,
  edit: Partial<CustodyPolicy> = {},
) {
  if (!collected) throw new Error('nothing was collected');
  const { image, now } = marked;
  return verify({
    image: {
      repository: undefined,
      manifest: { mediaType: image.manifest.descriptor.mediaType, bytes: image.manifest.bytes },
      config: image.config,
    },
    ...collected,
    layerEvidence: [] as LayerFact[],
    policy: { ...marked.policy, ...edit },
    now,
    tagGiven: false,
  });
}

/** What a caller comes to who goes on until there is a yes. */
async function verdictOf(place: Place, edit: Partial<CustodyPolicy> = {}) {
  const all = await steps(place.store, place.digest);
  const verdicts = await Promise.all(all.map(collected => judge(place, collected, edit)));
  const at = verdicts.findIndex(({ verdict }) => verdict === 'pass');
  const verdict = verdicts[at < 0 ? verdicts.length - 1 : at];
  return { verdict: verdict?.verdict, code: verdict?.code, steps: at < 0 ? all.length : at + 1 };
}

const YES = { verdict: 'pass', code: null };

describe('a mark is found wherever it lies', () => {
  /** The chain below is in the artifact, the head's own mark only where the case says. */
  const below = async ({ steps: made }: MarkedImage) =>
    Promise.all(made.slice(0, -1).map(({ claim, team }) => carried(claim, team)));

  test.each<[string, (place: Place) => Promise<unknown>]>([
    ['.sig', ({ store, marked }) => plantSig(store, marked.image.manifest, marked.head.claim, 'app')],
    ['a bundle', ({ store, marked }) => plantBundle(store, marked.image.manifest, marked.head.claim, 'app')],
  ])('%s', async (_, plant) => {
    for (const place of [await inLayout(), await inRegistry(true), await inRegistry(false)]) {
      await plantArtifact(place.store, place.marked, { marks: await below(place.marked) });
      expect(await verdictOf(place)).toMatchObject({ verdict: 'fail', code: 'no-marks' });
      await plant(place);
      expect(await verdictOf(place)).toMatchObject(YES);
    }
  });

  test.each([['tag'], ['referrer']] as const)('the custody artifact, as %s alone', async at => {
    for (const place of [await inLayout(), await inRegistry(true), await inRegistry(false)]) {
      expect(await verdictOf(place)).toMatchObject({ verdict: 'fail', code: 'no-marks' });
      await plantArtifact(place.store, place.marked, { at: [at] });
      expect(await verdictOf(place)).toMatchObject(YES);
    }
  });

  test('everything at once: each mark once, those on the image itself known to lie there', async () => {
    const place = await inRegistry();
    await plantMarks(place.store, place.marked);
    const [first, ...more] = await steps(place.store, place.digest);
    // The `.sig` and the artifact; the bundle is left for last, as the artifact says that it includes it.
    expect(first?.marks.filter(({ place: at }) => at === 'attached')).toHaveLength(1);
    expect(more).toHaveLength(1);
    expect(more[0]?.marks.filter(({ place: at }) => at === 'attached').map(({ carrier }) => carrier)).toEqual(
      ['simplesigning', 'bundle'],
    );
    expect(more[0]?.artifacts).toHaveLength(1);
    expect(first?.carried).toHaveLength(4);
    expect(await verdictOf(place)).toEqual({ ...YES, steps: 1 });
  });

  test('several artifacts are put together, and what they share counts once', async () => {
    const place = await inRegistry();
    const all = await chainMarks(place.marked);
    await plantArtifact(place.store, place.marked, { marks: all.slice(0, 4), at: ['referrer'] });
    expect((await verdictOf(place)).code).toBe('no-marks');
    await plantArtifact(place.store, place.marked, { marks: all.slice(2), at: ['referrer'] });
    expect(await verdictOf(place)).toMatchObject(YES);
    const [collected] = await steps(place.store, place.digest);
    expect(collected?.marks).toHaveLength(all.length);
    expect(collected?.artifacts).toHaveLength(2);
  });

  test('a fallback list that does not say what an artifact is hides it from nobody', async () => {
    const { store, digest, marked } = await inRegistry(false);
    await plantArtifact(store, marked, { at: ['referrer'] });
    await store.updateTag(attachmentTag(digest), async current => {
      const text = Buffer.from(current?.bytes ?? []).toString();
      const bare = text.replace(/"artifactType":"[^"]*",?/g, '').replace(/,}/g, '}');
      return text === bare ? undefined : rawManifest(MEDIA_TYPES.ociIndex, Buffer.from(bare));
    });
    expect((await store.listReferrers(digest)).descriptors[0]?.artifactType).toBeUndefined();
    expect(await verdictOf({ store, digest, marked })).toMatchObject(YES);
  });
});

describe('what an artifact says that it includes', () => {
  test('everything, and holds nothing: no yes is lost', async () => {
    for (const place of [await inLayout(), await inRegistry(true), await inRegistry(false)]) {
      const { store, marked, digest } = place;
      await plantArtifact(store, marked, { at: ['referrer'] });
      await plantBundle(store, marked.image.manifest, marked.head.claim, 'app');
      const { descriptors } = await store.listReferrers(digest);
      expect(descriptors).toHaveLength(2);
      await plantArtifact(store, marked, {
        marks: [],
        documents: [],
        includes: descriptors.map(d => d.digest),
        at: ['tag'],
      });
      expect(await verdictOf(place)).toEqual({ ...YES, steps: 2 });
    }
  });

  test('a bundle under the artifact’s tag is still read as a referrer', async () => {
    const place = await inRegistry();
    const { store, marked, digest } = place;
    await plantArtifact(store, marked, { marks: (await chainMarks(marked)).slice(0, 4), at: ['referrer'] });
    await plantBundle(store, marked.image.manifest, marked.head.claim, 'app');
    const { descriptors } = await store.listReferrers(digest);
    const bundle = descriptors.find(({ artifactType }) => artifactType === MEDIA_TYPES.sigstoreBundle);
    const raw = await store.fetchManifest({ digest: bundle?.digest as Digest });
    if (!raw) throw new Error('the bundle is not there');
    await store.writeManifest(raw, attachmentTag(digest, '.custody'));
    expect(await verdictOf(place)).toMatchObject(YES);
  });

  test('a withdrawal hides behind no other artifact', async () => {
    const place = await inRegistry();
    const { store, marked, digest } = place;
    await plantMarks(store, marked);
    expect(await verdictOf(place)).toMatchObject(YES);
    const { claim, digest: target } = marked.head;
    const withdrawal = draftWithdrawal({
      team: 'app',
      step: 'app',
      repository: marked.repository,
      time: marked.now,
      policy: marked.policy,
      target: { claim, digest: target },
    });
    await plantArtifact(store, marked, { marks: [await carried(withdrawal, 'app')], at: ['referrer'] });
    expect((await verdictOf(place)).code).toBe('mark-withdrawn');
    const { descriptors } = await store.listReferrers(digest);
    await plantArtifact(store, marked, { includes: descriptors.map(d => d.digest), at: ['tag'] });
    expect((await verdictOf(place)).code).toBe('mark-withdrawn');
  });
});

/** An artifact under the tag whose document is what a writer of ours would not write. */
async function plantDocument({ store, marked, digest }: Place, bytes: Uint8Array, size = bytes.length) {
  await store.writeBlob(describeBytes(MEDIA_TYPES.ociEmpty, EMPTY_CONFIG), EMPTY_CONFIG);
  await store.writeBlob(describeBytes(CUSTODY_ARTIFACT_TYPE, bytes), bytes);
  const manifest = serializeManifest({
    config: describeBytes(MEDIA_TYPES.ociEmpty, EMPTY_CONFIG),
    layers: [{ ...describeBytes(CUSTODY_ARTIFACT_TYPE, bytes), size }],
    subject: marked.image.manifest.descriptor,
    artifactType: CUSTODY_ARTIFACT_TYPE,
  });
  await store.writeManifest(manifest, attachmentTag(digest, '.custody'));
}

describe('what cannot be read', () => {
  test('junk in every place changes no yes', async () => {
    for (const place of [await inLayout(), await inRegistry()]) {
      const { store, marked } = place;
      await plantMarks(store, marked);
      const other = await markedImage({ seed: 'other' });
      const eve = await aSigner('eve');
      const rubbish = Buffer.from('{');
      await plantPayload(store, place.digest, rubbish, eve.sign(rubbish));
      await plantPayload(store, place.digest, rubbish, Buffer.from('no signature'));
      await plantStatement(store, marked.image.manifest, rubbish, eve);
      await plantSig(store, marked.image.manifest, other.head.claim, 'app');
      await plantArtifact(store, marked, {
        marks: [{ payload: rubbish, payloadType: 'text/plain', signature: rubbish, keyHint: undefined }],
        documents: [rubbish],
        at: ['referrer'],
      });
      expect(await verdictOf(place)).toMatchObject(YES);
    }
  });

  test('an artifact of another image is none of this one, and no place that was missed', async () => {
    const place = await inLayout();
    const other = await markedImage({ seed: 'other' });
    await plantArtifact(place.store, place.marked, { subject: other.image.manifest, at: ['tag'] });
    const [collected] = await steps(place.store, place.digest);
    expect(collected).toEqual({ marks: [], carried: [], unread: [], artifacts: [] });
  });

  test('a damaged artifact leaves the question open and takes no yes away', async () => {
    const place = await inLayout();
    await plantDocument(place, Buffer.from('{"v":1,"marks":"none"}'));
    expect(await verdictOf(place)).toMatchObject({ verdict: 'indeterminate', code: 'format-payload' });
    await plantArtifact(place.store, place.marked, { at: ['referrer'] });
    expect(await verdictOf(place)).toMatchObject(YES);
  });

  test('a document that claims to be huge is not asked for, nor does it use up what honest ones need', async () => {
    const place = await inRegistry();
    await plantDocument(place, Buffer.from('{}'), 2 ** 40);
    place.registry.clearRequests();
    expect(await verdictOf(place)).toMatchObject({ verdict: 'indeterminate', code: 'limit-exceeded' });
    expect(place.registry.requests.filter(({ path }) => path.includes('/blobs/'))).toEqual([]);
    await plantArtifact(place.store, place.marked, { at: ['referrer'] });
    expect(await verdictOf(place)).toMatchObject(YES);
  });

  test('a flood in one artifact is left out as a whole and pushes no other mark out', async () => {
    const place = await inLayout();
    const { store, marked } = place;
    await plantMarks(store, marked);
    const flood = Array.from({ length: 2048 }, (_, at) => {
      const payload = Buffer.from(`junk ${at}`);
      return { payload, payloadType: undefined, signature: payload, keyHint: undefined };
    });
    await plantArtifact(store, marked, { marks: flood, at: ['referrer'] });
    const all = await steps(store, place.digest);
    expect(all.at(-1)?.marks.length).toBeLessThan(20);
    expect(all.at(-1)?.unread).toMatchObject([{ code: 'limit-exceeded' }]);
    expect(await verdictOf(place)).toMatchObject(YES);
  });
});
