import { HttpResponse, http } from 'msw';
import { setupServer } from 'msw/node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { LIMITS } from '../../../src/base/limits.js';
import { type Descriptor, describe as describeContent } from '../../../src/oci/descriptor.js';
import { serializeManifest } from '../../../src/oci/manifest.js';
import { MEDIA_TYPES } from '../../../src/oci/media-types.js';
import { attachmentTag } from '../../../src/oci/reference.js';
import { failureOf, IMAGE, openTestStore, testManifest } from './support.js';

const server = setupServer();
beforeAll(() => server.listen({ onUnhandledRequest: 'error' }));
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

const R = 'https://r.example/v2/a';
const subject = IMAGE.descriptor.digest;
const API = `${R}/referrers/${subject}`;
const FALLBACK = `${R}/manifests/${attachmentTag(subject)}`;
const named = (name: string): Descriptor => ({
  ...testManifest(name).descriptor,
  artifactType: `application/${name}`,
});
const [one, two, three] = [named('one'), named('two'), named('three')] as const;

const index = (manifests: readonly Descriptor[], headers: Record<string, string> = {}) =>
  new HttpResponse(Buffer.from(serializeManifest({ manifests }).bytes), {
    headers: { 'content-type': MEDIA_TYPES.ociIndex, ...headers },
  });
const absent = (status = 404) => HttpResponse.json({ errors: [{ code: 'X' }] }, { status });
const given = (api: () => Response, fallback: () => Response) => {
  // Where a bare 401 has its challenge looked for.
  const ping = http.get('https://r.example/v2/', () => new HttpResponse(null, { status: 401 }));
  server.use(http.get(API, api), http.get(FALLBACK, fallback), ping);
  return openTestStore('r.example/a');
};
const digests = (list: readonly Descriptor[]) => list.map(d => d.digest);

describe('referrers', () => {
  it('are the union of the API and the fallback tag, the API first', async () => {
    const { store, events } = given(
      () => index([one, two]),
      () => index([{ ...two, artifactType: 'application/other' }, three]),
    );
    const found = await store.listReferrers(subject);
    expect(found).toEqual({ descriptors: [one, two, three], sources: ['api', 'fallback-tag'], problems: [] });
    expect(events).toHaveLength(2);
  });

  it('are asked for in both places at once', async () => {
    let release = () => {};
    const both = new Promise<void>(resolve => {
      release = resolve;
    });
    let waiting = 0;
    const meet = async (answer: () => Response) => {
      if (++waiting === 2) release();
      await both;
      return answer();
    };
    server.use(
      http.get(API, () => meet(() => index([one]))),
      http.get(FALLBACK, () => meet(() => index([two]))),
    );
    expect(digests((await openTestStore('r.example/a').store.listReferrers(subject)).descriptors)).toEqual(
      digests([one, two]),
    );
  });

  it('come page by page', async () => {
    const { store } = given(
      () => index([one], { link: `</v2/a/referrers/${subject}?p=2>; rel="next"` }),
      () => absent(),
    );
    server.use(
      http.get(API, ({ request }) =>
        request.url.endsWith('?p=2')
          ? index([two])
          : index([one], { link: `</v2/a/referrers/${subject}?p=2>; rel="next"` }),
      ),
    );
    expect(digests((await store.listReferrers(subject)).descriptors)).toEqual(digests([one, two]));
  });

  it('on a page of another host are a problem, with what the fallback tag has', async () => {
    const { store } = given(
      () => index([one], { link: `<https://elsewhere.example/v2/a/referrers/${subject}>; rel="next"` }),
      () => index([three]),
    );
    const found = await store.listReferrers(subject);
    expect(found.problems.map(p => p.code)).toEqual(['net-protocol']);
    expect(digests(found.descriptors)).toEqual(digests([three]));
  });

  it('on pages without end are a problem', async () => {
    let page = 0;
    const { store, events } = given(
      () => index([one], { link: `</v2/a/referrers/${subject}?p=${++page}>; rel="next"` }),
      () => absent(),
    );
    const found = await store.listReferrers(subject);
    expect(found.problems.map(p => p.code)).toEqual(['limit-exceeded']);
    expect(digests(found.descriptors)).toEqual(digests([one]));
    expect(events).toHaveLength(LIMITS.referrerPages + 1);
  });

  it('that are too many are a problem', async () => {
    const many = Array.from({ length: LIMITS.referrers + 1 }, (_, i) =>
      describeContent(MEDIA_TYPES.ociManifest, Buffer.from(String(i))),
    );
    const over = await given(
      () => index(many),
      () => absent(),
    ).store.listReferrers(subject);
    expect(over.descriptors).toHaveLength(LIMITS.referrers);
    expect(over.problems.map(p => p.code)).toEqual(['limit-exceeded']);
    const full = await given(
      () => index(many.slice(1)),
      () => absent(),
    ).store.listReferrers(subject);
    expect(full.descriptors).toHaveLength(LIMITS.referrers);
    expect(full.problems).toEqual([]);
  });

  it.each([404, 405, 406])(
    'of a registry without the API (%i) come from the tag; the API is not asked again',
    async status => {
      const { store, asked } = given(
        () => absent(status),
        () => index([one]),
      );
      expect(await store.listReferrers(subject)).toEqual({
        descriptors: [one],
        sources: ['fallback-tag'],
        problems: [],
      });
      await store.listReferrers(subject);
      expect(asked().filter(line => line.includes('/referrers/'))).toHaveLength(1);
    },
  );

  it('that the API answers with 400 come from the tag; it may know the next subject', async () => {
    const { store, asked } = given(
      () => absent(400),
      () => index([one]),
    );
    await store.listReferrers(subject);
    await store.listReferrers(subject);
    expect(asked().filter(line => line.includes('/referrers/'))).toHaveLength(2);
  });

  it('in another content type are no API', async () => {
    const { store } = given(
      () => HttpResponse.json({ manifests: [] }),
      () => index([one]),
    );
    expect(await store.listReferrers(subject)).toEqual({
      descriptors: [one],
      sources: ['fallback-tag'],
      problems: [],
    });
  });

  it.each([
    [401, 'oci-unauthorized'],
    [403, 'oci-unauthorized'],
    [500, 'oci-unavailable'],
    [503, 'oci-unavailable'],
  ] as const)('that could not be asked for (%i) are a problem, never "none"', async (status, code) => {
    const api = await given(
      () => absent(status),
      () => index([one]),
    ).store.listReferrers(subject);
    expect(api.problems.map(p => p.code)).toEqual([code]);
    expect(digests(api.descriptors)).toEqual(digests([one]));
    const tag = await given(
      () => index([one]),
      () => absent(status),
    ).store.listReferrers(subject);
    expect(tag.problems.map(p => p.code)).toEqual([code]);
    expect(tag.sources).toEqual(['api']);
    expect(
      (
        await given(
          () => index([one]),
          () => absent(),
        ).store.listReferrers(subject)
      ).problems,
    ).toEqual([]);
  });

  it('are not read from a tag that is no index; that is said', async () => {
    const image = () =>
      new HttpResponse(Buffer.from(IMAGE.bytes), { headers: { 'content-type': IMAGE.descriptor.mediaType } });
    const { store, warnings } = given(() => index([one]), image);
    expect(await store.listReferrers(subject)).toEqual({
      descriptors: [one],
      sources: ['api'],
      problems: [],
    });
    expect(warnings).toHaveLength(1);
  });

  it('in a broken index are a problem', async () => {
    const broken = () =>
      new HttpResponse('{"schemaVersion":2,"manifests":7}', {
        headers: { 'content-type': MEDIA_TYPES.ociIndex },
      });
    expect(
      (await given(broken, () => absent()).store.listReferrers(subject)).problems.map(p => p.code),
    ).toEqual(['format-manifest']);
    expect(
      (await given(() => absent(), broken).store.listReferrers(subject)).problems.map(p => p.code),
    ).toEqual(['format-manifest']);
  });

  it('are not asked for offline', async () => {
    const { store, events } = openTestStore('r.example/a', { offline: true });
    expect((await failureOf(store.listReferrers(subject))).code).toBe('net-offline');
    expect(events.every(e => e.status === undefined)).toBe(true);
  });
});

it('verifying by tag can be done in three steps of at most five requests, none of them a HEAD or a ping', async () => {
  const payload = Buffer.from('payload');
  const layer = describeContent(MEDIA_TYPES.simpleSigning, payload);
  const signature = testManifest('signature');
  const manifest = (raw: typeof IMAGE) => () =>
    new HttpResponse(Buffer.from(raw.bytes), { headers: { 'content-type': raw.descriptor.mediaType } });
  server.use(
    http.get(`${R}/manifests/1`, manifest(IMAGE)),
    http.get(`${R}/manifests/${attachmentTag(subject, '.sig')}`, manifest(signature)),
    http.get(`${R}/blobs/${layer.digest}`, () => new HttpResponse(payload)),
  );
  const { store, asked } = given(
    () => absent(),
    () => absent(),
  );
  await store.fetchManifest({ tag: '1' });
  await Promise.all([
    store.fetchManifest({ tag: attachmentTag(subject, '.sig') }),
    store.listReferrers(subject),
  ]);
  await store.fetchBlob(layer, 1000);
  expect(asked().sort()).toEqual(
    [
      'GET /v2/a/manifests/1',
      `GET /v2/a/manifests/${attachmentTag(subject, '.sig')}`,
      `GET /v2/a/manifests/${attachmentTag(subject)}`,
      `GET /v2/a/referrers/${subject}`,
      `GET /v2/a/blobs/${layer.digest}`,
    ].sort(),
  );
});
