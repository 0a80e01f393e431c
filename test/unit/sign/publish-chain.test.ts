import { describe, expect, onTestFinished, test } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import { LIMITS } from '../../../src/base/limits.js';
import {
  type CarriedMark,
  CUSTODY_ARTIFACT_TYPE,
  type CustodyChain,
  chainManifest,
  parseChain,
  parseChainManifest,
} from '../../../src/custody/index.js';
import { describe as describeBytes } from '../../../src/oci/descriptor.js';
import { parseManifest, serializeManifest } from '../../../src/oci/manifest.js';
import { MEDIA_TYPES } from '../../../src/oci/media-types.js';
import { createStoreAccess, openStore } from '../../../src/oci/open.js';
import { attachmentTag, parseReference } from '../../../src/oci/reference.js';
import type { Store } from '../../../src/oci/store.js';
import { publishChain } from '../../../src/sign/publish-chain.js';
import { EMPTY_CONFIG } from '../../../src/signature/referrer.js';
import { pushImage } from '../../../src/testing/image.js';
import { type RegistryOptions, startRegistry } from '../../../src/testing/registry.js';
import { digestOf } from '../custody/world.js';
import { anImage, layoutWith, temporaryFolder } from '../images.js';
import { codeOfAsync } from '../support.js';

const image = anImage();
const subject = image.manifest.descriptor;
const TAG = attachmentTag(subject.digest, '.custody');

/** Published chains are carried, not judged: any bytes do. */
function part(name: string, size = 0): CustodyChain {
  const payload = utf8(`payload ${name}${'.'.repeat(size)}`);
  const mark: CarriedMark = {
    payload,
    payloadType: 'application/vnd.in-toto+json',
    signature: utf8(`signature ${name}`),
    keyHint: undefined,
  };
  return { marks: [mark], documents: [utf8(`document ${name}`)] };
}

async function readTag(store: Store) {
  const raw = await store.fetchManifest({ tag: TAG });
  const manifest = raw && parseChainManifest(raw, subject.digest);
  if (!raw || !manifest) throw new Error('there is no custody artifact');
  const chain = parseChain(await store.fetchBlob(manifest.document, LIMITS.custodyChainSize));
  return { raw, digest: raw.descriptor.digest, includes: manifest.includes, chain };
}

const namesIn = ({ marks, documents }: CustodyChain) => ({
  marks: marks.map(({ signature }) => Buffer.from(signature).toString().slice(10)).sort(),
  documents: documents.map(bytes => Buffer.from(bytes).toString().slice(9)).sort(),
});

async function referrersOf(store: Store) {
  const { descriptors, problems } = await store.listReferrers(subject.digest);
  expect(problems).toEqual([]);
  return descriptors.map(({ digest }) => digest);
}

/** Opens the same place as somebody else would. */
type Opener = () => Promise<Store>;

async function inLayout(): Promise<Opener> {
  const { reference } = await layoutWith(image);
  return opener(reference);
}

async function inArchive(): Promise<Opener> {
  const reference = `oci-archive:${await temporaryFolder()}/app.tar:1`;
  const open = opener(reference);
  const store = await open();
  await pushImage(store, image, '1');
  await store.commit();
  return open;
}

async function inRegistry(options: RegistryOptions = {}): Promise<Opener> {
  const registry = await startRegistry(options);
  onTestFinished(() => registry.close());
  const open = opener(`${registry.host}/shop/app:1`);
  await pushImage(await open(), image, '1');
  return open;
}

function opener(reference: string): Opener {
  return async () => {
    const access = createStoreAccess({});
    const store = await openStore(parseReference(reference), access);
    onTestFinished(async () => {
      await store.close();
      await access.close();
    });
    return store;
  };
}

const PLACES: readonly [string, () => Promise<Opener>][] = [
  ['a layout', inLayout],
  ['an archive', inArchive],
  ['a registry', () => inRegistry()],
  ['a registry without the referrers API', () => inRegistry({ referrers: false })],
];

describe.each(PLACES)('the custody artifact in %s', (_, place) => {
  test('lies under its tag and among the referrers', async () => {
    const open = await place();
    const digest = await publishChain(await open(), subject, part('a'), [digestOf('bundle')]);
    const store = await open();
    const found = await readTag(store);
    expect(found).toMatchObject({ digest, includes: [digestOf('bundle')] });
    expect(namesIn(found.chain)).toEqual({ marks: ['a'], documents: ['a'] });
    expect(await referrersOf(store)).toEqual([digest]);
  });

  test('unites what lies there with what comes, and stands for the one before', async () => {
    const open = await place();
    const first = await publishChain(await open(), subject, part('a'), [digestOf('bundle a')]);
    const second = await publishChain(await open(), subject, part('b'), [digestOf('bundle b')]);
    const store = await open();
    const found = await readTag(store);
    expect(found.digest).toBe(second);
    expect(namesIn(found.chain)).toEqual({ marks: ['a', 'b'], documents: ['a', 'b'] });
    // What the one before says that it includes is not signed, and this writer has not read it.
    expect(found.includes).toEqual([first, digestOf('bundle b')].sort());
    expect((await referrersOf(store)).sort()).toEqual([first, second].sort());
  });

  test('is not written again when nothing is new', async () => {
    const open = await place();
    const all = { ...part('a'), marks: [...part('a').marks, ...part('b').marks] };
    const first = await publishChain(await open(), subject, all, []);
    const before = await readTag(await open());
    const again = await publishChain(await open(), subject, part('a'), [digestOf('bundle')]);
    expect(again).toBe(first);
    expect((await readTag(await open())).raw.bytes).toEqual(before.raw.bytes);
    expect(await referrersOf(await open())).toEqual([first]);
  });

  test('keeps what several writers add at once', async () => {
    const open = await place();
    const names = ['a', 'b', 'c', 'd'];
    const writers = await Promise.all(names.map(open));
    const digests = await Promise.all(
      writers.map((store, at) => publishChain(store, subject, part(names[at] as string), [])),
    );
    const store = await open();
    const found = await readTag(store);
    expect(namesIn(found.chain)).toEqual({ marks: names, documents: names });
    expect(digests).toContain(found.digest);
    const listed = await referrersOf(store);
    expect(digests.filter(digest => !listed.includes(digest))).toEqual([]);
  });
});

test('an artifact that its list has lost is listed again', async () => {
  const registry = await startRegistry({ referrers: false });
  onTestFinished(() => registry.close());
  const open = opener(`${registry.host}/shop/app:1`);
  await pushImage(await open(), image, '1');
  const digest = await publishChain(await open(), subject, part('a'), []);
  registry.repository('shop/app').tags.delete(attachmentTag(subject.digest));
  expect(await referrersOf(await open())).toEqual([]);
  expect(await publishChain(await open(), subject, part('a'), [])).toBe(digest);
  expect(await referrersOf(await open())).toEqual([digest]);
});

test('sixteen writers at once lose nothing on a registry that can do nothing but file', async () => {
  const open = await inRegistry({ referrers: false });
  const names = Array.from({ length: 16 }, (_, n) => `writer ${String(n).padStart(2, '0')}`);
  const writers = await Promise.all(names.map(open));
  await Promise.all(writers.map((store, at) => publishChain(store, subject, part(names[at] as string), [])));
  const found = await readTag(await open());
  expect(namesIn(found.chain)).toEqual({ marks: names, documents: names });
});

test('an artifact that another writer overwrote is stood for by the next one of the same writer', async () => {
  const { store } = await layoutWith(image);
  const other = part('other');
  let rivals = 1;
  /** Shows an earlier state once more, as a registry does to which another writer has written in between. */
  const contested: Store = {
    ...store,
    updateTag: async (tag, merge) => {
      await store.updateTag(tag, async () => {
        const lost = await merge(undefined);
        if (lost) await store.writeManifest(lost);
        return undefined;
      });
      while (rivals-- > 0) await publishChain(store, subject, other, []);
      await store.updateTag(tag, merge);
    },
  };
  const published = await publishChain(contested, subject, part('own'), []);
  const { includes, chain } = await readTag(store);
  expect(namesIn(chain).marks).toEqual(['other', 'own']);
  // The one that was lost under the tag stays in the store, and is included too.
  const others = (await referrersOf(store)).filter(digest => digest !== published);
  expect(others).toHaveLength(2);
  expect(includes).toEqual(others.sort());
});

describe('what lies there and is no custody artifact of this image is not overwritten', () => {
  const empty = describeBytes(MEDIA_TYPES.ociEmpty, EMPTY_CONFIG);
  const damaged = utf8('{"v":1,"marks":[');
  const newer = utf8('{"v":2,"marks":[],"documents":[]}');
  const otherSubject = { ...subject, digest: digestOf('another image') };
  const good = utf8('{"v":1,"marks":[],"documents":[]}');
  const artifact = (document: Uint8Array) =>
    serializeManifest({
      config: empty,
      layers: [describeBytes(CUSTODY_ARTIFACT_TYPE, document)],
      artifactType: CUSTODY_ARTIFACT_TYPE,
      subject,
    });

  test.each([
    ['an index', 'format-manifest', serializeManifest({ manifests: [] }), undefined],
    [
      'another artifact',
      'format-manifest',
      serializeManifest({ config: empty, layers: [], artifactType: 'application/x', subject }),
      undefined,
    ],
    ['half a document', 'format-payload', artifact(damaged), damaged],
    ['a document of a later version', 'format-payload', artifact(newer), newer],
    ['the artifact of another image', 'sig-wrong-subject', chainManifest(good, otherSubject, []), good],
    ['a document that is not there', 'layer-unavailable', artifact(utf8('nowhere')), undefined],
  ] as const)('%s', async (_, code, manifest, document) => {
    const { store } = await layoutWith(image);
    if (document) await store.writeBlob(describeBytes(CUSTODY_ARTIFACT_TYPE, document), document);
    await store.writeManifest(manifest, TAG);
    expect(await codeOfAsync(publishChain(store, subject, part('a'), []))).toBe(code);
    expect((await store.fetchManifest({ tag: TAG }))?.descriptor.digest).toBe(manifest.descriptor.digest);
  });
});

describe('limits', () => {
  const many = (prefix: string, count: number): CustodyChain => ({
    marks: Array.from({ length: count }, (_, n) => part(`${prefix}${n}`).marks[0] as CarriedMark),
    documents: [],
  });

  test('what no reader would take is not written, not even when it is the union that is too much', async () => {
    const { store } = await layoutWith(image);
    expect(await codeOfAsync(publishChain(store, subject, many('a', LIMITS.marks + 1), []))).toBe(
      'limit-exceeded',
    );
    expect(await store.fetchManifest({ tag: TAG })).toBeUndefined();
    const first = await publishChain(store, subject, many('a', LIMITS.marks), []);
    expect(await codeOfAsync(publishChain(store, subject, part('b'), []))).toBe('limit-exceeded');
    expect((await readTag(store)).digest).toBe(first);
  });

  test('nor a document that is too large', async () => {
    const { store } = await layoutWith(image);
    const large = part('large', LIMITS.custodyChainSize * 0.75);
    expect(await codeOfAsync(publishChain(store, subject, large, []))).toBe('limit-exceeded');
    expect(await store.fetchManifest({ tag: TAG })).toBeUndefined();
  });

  test('a manifest stays small however much it includes', async () => {
    const { store } = await layoutWith(image);
    const includes = Array.from({ length: 1000 }, (_, n) => digestOf(`bundle ${n}`));
    await publishChain(store, subject, part('a', LIMITS.inlineData), includes);
    const found = await readTag(store);
    expect(found.includes).toHaveLength(128);
    expect(found.raw.bytes.length).toBeLessThan(16 * 1024);
    const manifest = parseManifest(found.raw);
    expect(manifest.kind === 'image' && manifest.layers[0]?.data).toBeUndefined();
  });
});
