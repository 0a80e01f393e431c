import { HttpResponse, http } from 'msw';
import { setupServer } from 'msw/node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import { computeDigest } from '../../../src/base/digest.js';
import { LIMITS } from '../../../src/base/limits.js';
import { describe as describeContent } from '../../../src/oci/descriptor.js';
import { MANIFEST_ACCEPT, MEDIA_TYPES } from '../../../src/oci/media-types.js';
import { failureOf, IMAGE, openTestStore, testManifest } from './support.js';

const server = setupServer();
beforeAll(() => server.listen({ onUnhandledRequest: 'error' }));
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

const R = 'https://r.example/v2/a';
const serve = (bytes: Uint8Array, type: string | undefined = IMAGE.descriptor.mediaType) =>
  new HttpResponse(Buffer.from(bytes), { headers: type === undefined ? {} : { 'content-type': type } });
const fault = (status: number, code: string, headers: Record<string, string> = {}) =>
  HttpResponse.json({ errors: [{ code, message: 'said the registry' }] }, { status, headers });
/** Answers in turn; the last one for ever. */
const inTurn = (...answers: (() => Response)[]) => {
  let at = 0;
  return () => (answers[Math.min(at++, answers.length - 1)] as () => Response)();
};
const good = () => serve(IMAGE.bytes);

describe('manifests', () => {
  it('are hashed here, whatever the registry says', async () => {
    let accept: string | null = null;
    const stated = testManifest('other').descriptor.digest;
    server.use(
      http.get(`${R}/manifests/1`, ({ request }) => {
        accept = request.headers.get('accept');
        const answer = good();
        answer.headers.set('docker-content-digest', stated);
        return answer;
      }),
      http.get(`${R}/manifests/${stated}`, () => new HttpResponse(null, { status: 404 })),
    );
    const raw = await openTestStore('r.example/a:1').store.fetchManifest({ tag: '1' });
    expect(raw?.descriptor).toEqual(IMAGE.descriptor);
    expect(accept).toBe(MANIFEST_ACCEPT);
  });

  it('by digest must match it', async () => {
    const { digest } = IMAGE.descriptor;
    server.use(
      http.get(
        `${R}/manifests/${digest}`,
        inTurn(() => serve(testManifest('other').bytes), good),
      ),
    );
    const { store } = openTestStore(`r.example/a@${digest}`);
    expect((await failureOf(store.fetchManifest({ digest }))).code).toBe('oci-digest-mismatch');
    expect((await store.fetchManifest({ digest }))?.descriptor).toEqual(IMAGE.descriptor);
  });

  it('by a sha512 digest are described by it', async () => {
    const digest = computeDigest(IMAGE.bytes, 'sha512');
    server.use(http.get(`${R}/manifests/${digest}`, good));
    expect((await openTestStore('r.example/a').store.fetchManifest({ digest }))?.descriptor.digest).toBe(
      digest,
    );
  });

  it.each([
    ['application/vnd.oci.image.manifest.v1+json; charset=utf-8', MEDIA_TYPES.ociManifest],
    ['application/json', MEDIA_TYPES.ociManifest],
    ['', MEDIA_TYPES.ociManifest],
    [MEDIA_TYPES.dockerManifest, MEDIA_TYPES.dockerManifest],
  ])('served as %j are %s', async (type, expected) => {
    server.use(http.get(`${R}/manifests/1`, () => serve(IMAGE.bytes, type || undefined)));
    expect(
      (await openTestStore('r.example/a:1').store.fetchManifest({ tag: '1' }))?.descriptor.mediaType,
    ).toBe(expected);
  });

  it('have a size limit', async () => {
    const large = Buffer.alloc(LIMITS.manifestSize + 1, 32);
    large.set(IMAGE.bytes);
    server.use(
      http.get(
        `${R}/manifests/1`,
        inTurn(
          () => serve(large),
          () => serve(large.subarray(0, LIMITS.manifestSize)),
        ),
      ),
    );
    const { store } = openTestStore('r.example/a:1');
    expect((await failureOf(store.fetchManifest({ tag: '1' }))).code).toBe('limit-exceeded');
    expect((await store.fetchManifest({ tag: '1' }))?.descriptor.size).toBe(LIMITS.manifestSize);
  });

  it.each(['../x', 'a/b', '', '.x', 'a?b', 'x'.repeat(129)])(
    'with the tag %j are not asked for',
    async tag => {
      const { store, events } = openTestStore('r.example/a:1');
      expect((await failureOf(store.fetchManifest({ tag }))).code).toBe('usage-reference');
      expect(events).toHaveLength(0);
      server.use(http.get(`${R}/manifests/:tag`, good));
      expect(await store.fetchManifest({ tag: 'x'.repeat(128) })).toBeDefined();
    },
  );

  it('of Docker Hub are asked for at its real host', async () => {
    server.use(http.get('https://registry-1.docker.io/v2/library/alpine/manifests/3', good));
    const { store } = openTestStore('alpine:3');
    expect(await store.fetchManifest({ tag: '3' })).toBeDefined();
    expect(store.repository).toBe('docker.io/library/alpine');
  });
});

describe('statuses', () => {
  const ask = (...answers: (() => Response)[]) => {
    server.use(http.get(`${R}/manifests/1`, inTurn(...answers)));
    return openTestStore('r.example/a:1');
  };

  it('404 is "not there", in any words', async () => {
    for (const absent of [
      () => fault(404, 'MANIFEST_UNKNOWN'),
      () => fault(404, 'NAME_UNKNOWN'),
      () =>
        new HttpResponse('404 page not found', { status: 404, headers: { 'content-type': 'text/plain' } }),
    ]) {
      expect(await ask(absent).store.fetchManifest({ tag: '1' })).toBeUndefined();
    }
  });

  it.each([200, 404, 203])(
    'a web page with status %i is neither a manifest nor its absence',
    async status => {
      const page = () =>
        new HttpResponse('<html>log in</html>', {
          status,
          headers: { 'content-type': 'text/html; charset=utf-8' },
        });
      const { store } = ask(page, good);
      expect(await failureOf(store.fetchManifest({ tag: '1' }))).toMatchObject({
        code: 'net-protocol',
        details: { status },
      });
      expect(await store.fetchManifest({ tag: '1' })).toBeDefined();
    },
  );

  it('403 is not "not there", and says what was used', async () => {
    const { store } = ask(() => fault(403, 'DENIED'), good);
    const error = await failureOf(store.fetchManifest({ tag: '1' }));
    expect(error).toMatchObject({
      code: 'oci-unauthorized',
      details: {
        status: 403,
        registryCode: 'DENIED',
        registry: 'r.example',
        credentials: expect.stringContaining('no credentials'),
      },
    });
    expect(error.message).toContain('registry answered: 403 DENIED: said the registry');
    expect(await store.fetchManifest({ tag: '1' })).toBeDefined();
  });

  it.each([408, 429, 500, 502, 503, 504, 522])(
    '%i is tried again, with growing pauses, then reported',
    async status => {
      const { store, events, slept } = ask(() => fault(status, 'UNKNOWN'));
      expect(await failureOf(store.fetchManifest({ tag: '1' }))).toMatchObject({
        code: 'oci-unavailable',
        retryable: true,
        details: { status },
      });
      expect(events).toHaveLength(1 + LIMITS.retries);
      expect(slept).toEqual([187.5, 375, 750, 1500]);
      expect(await ask(() => fault(status, 'UNKNOWN'), good).store.fetchManifest({ tag: '1' })).toBeDefined();
    },
  );

  it.each([400, 405, 409, 501])('%i is not tried again', async status => {
    const { store, events } = ask(() => fault(status, 'UNSUPPORTED'), good);
    expect((await failureOf(store.fetchManifest({ tag: '1' }))).code).toBe(
      status < 500 ? 'oci-rejected' : 'oci-unavailable',
    );
    expect(events).toHaveLength(1);
    expect(await store.fetchManifest({ tag: '1' })).toBeDefined();
  });

  it('Retry-After is honoured, in seconds and as a date', async () => {
    const seconds = ask(() => fault(429, 'TOOMANYREQUESTS', { 'retry-after': '7' }), good);
    await seconds.store.fetchManifest({ tag: '1' });
    expect(seconds.slept).toEqual([7000]);
    const date = new Date(Date.now() + 30_000).toUTCString();
    const dated = ask(() => fault(503, 'UNAVAILABLE', { 'retry-after': date }), good);
    await dated.store.fetchManifest({ tag: '1' });
    expect(dated.slept[0]).toBeGreaterThan(25_000);
    expect(dated.slept[0]).toBeLessThanOrEqual(30_000);
  });

  it('Retry-After beyond what is waited is an error at once, and says how long', async () => {
    const { store, slept } = ask(() => fault(429, 'TOOMANYREQUESTS', { 'retry-after': '61' }), good);
    const error = await failureOf(store.fetchManifest({ tag: '1' }));
    expect(error).toMatchObject({ code: 'oci-unavailable', details: { status: 429, retryAfterSeconds: 61 } });
    expect(error.hint).toContain('61');
    expect(slept).toEqual([]);
    expect(
      await ask(() => fault(429, 'X', { 'retry-after': '60' }), good).store.fetchManifest({ tag: '1' }),
    ).toBeDefined();
  });

  it('error texts of a registry are one clean, short line', async () => {
    const { store } = ask(() =>
      HttpResponse.json(
        { errors: [{ code: 'X\u001b[2J', message: `a\nb${'c'.repeat(1000)}` }] },
        { status: 400 },
      ),
    );
    const { message } = await failureOf(store.fetchManifest({ tag: '1' }));
    expect(message).not.toMatch(/\p{Cc}/u);
    expect(message.length).toBeLessThan(500);
  });

  it('warnings are shown once a text', async () => {
    const warning = () => {
      const answer = good();
      answer.headers.set('warning', '299 - "moving soon"');
      return answer;
    };
    const { store, warnings } = ask(warning);
    await store.fetchManifest({ tag: '1' });
    await store.fetchManifest({ tag: '1' });
    expect(warnings).toEqual(['r.example warns: moving soon']);
  });
});

describe('redirects', () => {
  const bytes = utf8('content');
  const blob = describeContent('text/plain', bytes);
  const credentials = { token: 'secret' };

  it('to another host carry no credentials, not even back home', async () => {
    const seen: [string, string | null][] = [];
    const note = (request: Request) =>
      seen.push([new URL(request.url).pathname, request.headers.get('authorization')]);
    server.use(
      http.get(`${R}/blobs/${blob.digest}`, ({ request }) => {
        note(request);
        return request.headers.has('authorization')
          ? HttpResponse.redirect('https://cdn.example/one?sig=s', 307)
          : new HttpResponse(null, {
              status: 401,
              headers: { 'www-authenticate': 'Bearer realm="https://r.example/t"' },
            });
      }),
      http.get('https://cdn.example/one', ({ request }) => {
        note(request);
        return HttpResponse.redirect('https://r.example/two', 302);
      }),
      http.get('https://r.example/two', ({ request }) => {
        note(request);
        return serve(bytes, 'application/octet-stream');
      }),
    );
    const { store, events } = openTestStore('r.example/a', { credentials });
    expect(await store.fetchBlob(blob, 100)).toEqual(Buffer.from(bytes));
    expect(seen).toEqual([
      [`/v2/a/blobs/${blob.digest}`, null],
      [`/v2/a/blobs/${blob.digest}`, 'Bearer secret'],
      ['/one', null],
      ['/two', null],
    ]);
    expect(JSON.stringify(events)).not.toMatch(/sig=s/);
  });

  it.each(['http://cdn.example/x', 'https://10.0.0.1/x', 'https://localhost/x'])(
    'to %s are refused, to https elsewhere followed',
    async to => {
      server.use(
        http.get(
          `${R}/blobs/${blob.digest}`,
          inTurn(
            () => HttpResponse.redirect(to, 307),
            () => HttpResponse.redirect('https://cdn.example/x', 307),
          ),
        ),
        http.get('https://cdn.example/x', () => serve(bytes, 'text/plain')),
      );
      const { store } = openTestStore('r.example/a');
      expect((await failureOf(store.fetchBlob(blob, 100))).code).toBe('net-redirect');
      expect(await store.fetchBlob(blob, 100)).toEqual(Buffer.from(bytes));
    },
  );

  it('in a chain that is too long end', async () => {
    let length = LIMITS.redirects + 1;
    server.use(
      http.get(`${R}/blobs/${blob.digest}`, () => HttpResponse.redirect('https://r.example/hop/1', 302)),
      http.get('https://r.example/hop/:n', ({ params }) => {
        const n = Number(params['n']);
        return n < length
          ? HttpResponse.redirect(`https://r.example/hop/${n + 1}`, 302)
          : serve(bytes, 'text/plain');
      }),
    );
    const { store } = openTestStore('r.example/a');
    expect((await failureOf(store.fetchBlob(blob, 100))).code).toBe('net-redirect');
    length = LIMITS.redirects;
    expect(await store.fetchBlob(blob, 100)).toEqual(Buffer.from(bytes));
  });
});

describe('blobs', () => {
  const bytes = utf8('content');
  const blob = describeContent('text/plain', bytes);
  const serveBlob = (...answers: (() => Response)[]) => {
    server.use(http.get(`${R}/blobs/${blob.digest}`, inTurn(...answers)));
    return openTestStore('r.example/a');
  };
  const right = () => serve(bytes, 'application/octet-stream');

  it.each([
    ['other bytes', 'CONTENT', 'oci-digest-mismatch'],
    ['fewer bytes', 'conten', 'oci-size-mismatch'],
    ['more bytes', 'content!', 'oci-size-mismatch'],
  ] as const)('of %s are refused', async (_, text, code) => {
    const { store } = serveBlob(() => serve(utf8(text), 'text/plain'), right);
    expect((await failureOf(store.fetchBlob(blob, 100))).code).toBe(code);
    expect(await store.fetchBlob(blob, 100)).toEqual(Buffer.from(bytes));
  });

  it('that are a web page of another length are reported as such', async () => {
    const { store } = serveBlob(() => {
      const answer = serve(utf8('<html>'), 'text/html');
      answer.headers.set('content-length', '6');
      return answer;
    }, right);
    expect((await failureOf(store.fetchBlob(blob, 100))).code).toBe('net-protocol');
    expect(await store.fetchBlob(blob, 100)).toBeDefined();
  });

  it('that are not there are unavailable', async () => {
    const { store } = serveBlob(() => fault(404, 'BLOB_UNKNOWN'), right);
    expect((await failureOf(store.fetchBlob(blob, 100))).code).toBe('layer-unavailable');
    expect(await store.fetchBlob(blob, 100)).toBeDefined();
  });

  it('that are too large are not asked for', async () => {
    const { store, events } = serveBlob(right);
    expect((await failureOf(store.fetchBlob(blob, 6))).code).toBe('limit-exceeded');
    expect(events).toHaveLength(0);
    expect(await store.fetchBlob(blob, 7)).toBeDefined();
  });

  it('that are inlined are not asked for', async () => {
    const { store, events } = openTestStore('r.example/a');
    expect(await store.fetchBlob({ ...blob, data: bytes }, 100)).toEqual(Buffer.from(bytes));
    expect((await failureOf(store.fetchBlob({ ...blob, data: utf8('CONTENT') }, 100))).code).toBe(
      'oci-digest-mismatch',
    );
    expect(events).toHaveLength(0);
  });
});

describe('tags', () => {
  const page = (tags: unknown, link?: string) =>
    HttpResponse.json({ name: 'a', tags }, link === undefined ? {} : { headers: { link } });

  it('are read page by page, without what is no tag', async () => {
    server.use(
      http.get(`${R}/tags/list`, ({ request }) =>
        new URL(request.url).searchParams.get('last') === 'b'
          ? page(['c'])
          : page(['a', 'b', null, 'sha256:x', 'a'], '</v2/a/tags/list?last=b&n=1000>; rel="next"'),
      ),
    );
    expect(await openTestStore('r.example/a').store.listTags()).toEqual(['a', 'b', 'c']);
  });

  it('may be null', async () => {
    server.use(http.get(`${R}/tags/list`, () => page(null)));
    expect(await openTestStore('r.example/a').store.listTags()).toEqual([]);
  });

  it.each(['<https://elsewhere.example/v2/a/tags/list>; rel="next"', '</v2/a/tags/list?n=1000>; rel="next"'])(
    'with the next page at %s are refused',
    async link => {
      server.use(
        http.get(
          `${R}/tags/list`,
          inTurn(
            () => page(['a'], link),
            () => page(['a']),
          ),
        ),
      );
      const { store } = openTestStore('r.example/a');
      expect((await failureOf(store.listTags())).code).toBe('net-protocol');
      expect(await store.listTags()).toEqual(['a']);
    },
  );

  it('of a repository that does not exist are an error', async () => {
    server.use(
      http.get(
        `${R}/tags/list`,
        inTurn(
          () => fault(404, 'NAME_UNKNOWN'),
          () => page([]),
        ),
      ),
    );
    const { store } = openTestStore('r.example/a');
    expect((await failureOf(store.listTags())).code).toBe('oci-not-found');
    expect(await store.listTags()).toEqual([]);
  });
});
