import type { IncomingMessage, ServerResponse } from 'node:http';
import { beforeEach, describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import { computeDigest, type Digest } from '../../../src/base/digest.js';
import { describe as describeContent } from '../../../src/oci/descriptor.js';
import { openRegistryStore } from '../../../src/oci/http/index.js';
import {
  parseManifest,
  type RawManifest,
  rawManifest,
  serializeManifest,
} from '../../../src/oci/manifest.js';
import { MEDIA_TYPES } from '../../../src/oci/media-types.js';
import { attachmentTag } from '../../../src/oci/reference.js';
import { EMPTY, failureOf, IMAGE, openTestStore, startServer, testManifest } from './support.js';

/** A registry in memory with the habits that a test asks for. */
interface Registry {
  host: string;
  readonly blobs: Map<string, Buffer>;
  readonly manifests: Map<string, RawManifest>;
  readonly log: string[];
  /** Authorization of requests by line of the log. */
  readonly authorization: (string | undefined)[];
  /** Without the API: 404. `lag` lists stay empty first. */
  referrers: { api: boolean; header: boolean; lag: number };
  location: (session: string) => string;
  mounts: boolean;
  /** Looks at a request first; true when it has answered. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean;
}

let registry: Registry;

beforeEach(async () => {
  registry = {
    host: '',
    blobs: new Map(),
    manifests: new Map(),
    log: [],
    authorization: [],
    referrers: { api: false, header: false, lag: 0 },
    location: session => `/v2/a/blobs/uploads/${session}?_state=a%2Bb%3D&x`,
    mounts: true,
    intercept: () => false,
  };
  registry.host = (await startServer((request, response) => void answer(request, response))).host;
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://x');
  registry.log.push(`${request.method} ${request.url}`);
  registry.authorization.push(request.headers.authorization);
  if (registry.intercept(request, response)) return;
  const parts: Buffer[] = [];
  for await (const chunk of request) parts.push(chunk);
  const body = Buffer.concat(parts);
  const send = (status: number, headers: Record<string, string> = {}, bytes?: Uint8Array) =>
    response.writeHead(status, headers).end(bytes);
  const [, repository = '', kind, name = ''] =
    /^\/v2\/(.+?)\/(blobs\/uploads|blobs|manifests|referrers)\/(.*)$/.exec(url.pathname) ?? [];
  if (kind === 'blobs/uploads' && request.method === 'POST') {
    const mount = url.searchParams.get('mount');
    if (mount && registry.mounts && registry.blobs.has(`${url.searchParams.get('from')}@${mount}`)) {
      registry.blobs.set(`${repository}@${mount}`, Buffer.alloc(0));
      return void send(201);
    }
    return void send(202, { location: registry.location('session') });
  }
  if (kind === 'blobs/uploads' && request.method === 'PUT') {
    const digest = url.searchParams.get('digest');
    if (computeDigest(body) !== digest)
      return void send(400, {}, utf8('{"errors":[{"code":"DIGEST_INVALID"}]}'));
    registry.blobs.set(`${repository}@${digest}`, body);
    return void send(201, { 'docker-content-digest': digest ?? '' });
  }
  if (kind === 'blobs') return void send(registry.blobs.has(`${repository}@${name}`) ? 200 : 404);
  if (kind === 'manifests' && request.method === 'PUT') {
    const raw = rawManifest(String(request.headers['content-type']), body);
    registry.manifests.set(name, raw);
    registry.manifests.set(raw.descriptor.digest, raw);
    const subject = parseManifest(raw).subject?.digest;
    const header = registry.referrers.header && subject ? { 'oci-subject': subject } : {};
    return void send(201, { 'docker-content-digest': raw.descriptor.digest, ...header });
  }
  if (kind === 'manifests') {
    const raw = registry.manifests.get(name);
    return void (raw ? send(200, { 'content-type': raw.descriptor.mediaType }, raw.bytes) : send(404));
  }
  if (kind === 'referrers' && registry.referrers.api) {
    const listed = new Set(registry.referrers.lag-- > 0 ? [] : registry.manifests.values());
    const manifests = [...listed]
      .filter(raw => parseManifest(raw).subject?.digest === name)
      .map(raw => raw.descriptor);
    return void send(200, { 'content-type': MEDIA_TYPES.ociIndex }, serializeManifest({ manifests }).bytes);
  }
  send(404, { 'content-type': 'text/plain' }, utf8('404 page not found'));
}

const open = (path = 'a', credentials = {}) => openTestStore(`${registry.host}/${path}`, credentials);
const bytes = utf8('content of a blob');
const blob = describeContent('application/octet-stream', bytes);

describe('a blob', () => {
  it('is uploaded in two requests behind a look, keeping the query of the location', async () => {
    await open().store.writeBlob(blob, bytes);
    expect(registry.blobs.get(`a@${blob.digest}`)).toEqual(Buffer.from(bytes));
    expect(registry.log).toEqual([
      `HEAD /v2/a/blobs/${blob.digest}`,
      'POST /v2/a/blobs/uploads/',
      `PUT /v2/a/blobs/uploads/session?_state=a%2Bb%3D&x&digest=${encodeURIComponent(blob.digest)}`,
    ]);
  });

  it('that is there is not sent again', async () => {
    registry.blobs.set(`a@${blob.digest}`, Buffer.from(bytes));
    const { store } = open();
    await store.writeBlob(blob, bytes);
    expect(registry.log).toEqual([`HEAD /v2/a/blobs/${blob.digest}`]);
    expect(await store.hasBlob(blob)).toBe(true);
    expect(await store.hasBlob(EMPTY)).toBe(false);
  });

  it('is streamed from a source', async () => {
    const large = Buffer.alloc(3 << 20, 7);
    const descriptor = describeContent('application/octet-stream', large);
    async function* source() {
      for (let at = 0; at < large.length; at += 100_000) yield large.subarray(at, at + 100_000);
    }
    await open().store.writeBlob(descriptor, source);
    expect(registry.blobs.get(`a@${descriptor.digest}`)?.equals(large)).toBe(true);
  });

  it.each([
    ['other bytes', 'CONTENT of a blob', 'oci-digest-mismatch'],
    ['fewer bytes', 'content of a blo', 'oci-size-mismatch'],
    ['more bytes', 'content of a blob!', 'oci-size-mismatch'],
  ] as const)('from a source of %s is refused, and not stored', async (_, text, code) => {
    async function* source() {
      yield utf8(text);
    }
    const { store } = open();
    expect((await failureOf(store.writeBlob(blob, source))).code).toBe(code);
    expect((await failureOf(store.writeBlob(blob, utf8(text)))).code).toBe(code);
    expect(registry.blobs.size).toBe(0);
    await store.writeBlob(blob, async function* () {
      yield bytes;
    });
    expect(registry.blobs.size).toBe(1);
  });

  it('is mounted from another repository of the registry', async () => {
    registry.blobs.set(`b/c@${blob.digest}`, Buffer.from(bytes));
    const { store, session } = open();
    const from = openRegistryStore({ transport: 'registry', location: `${registry.host}/b/c` }, session);
    await store.writeBlob(blob, bytes, from);
    expect(registry.log).toEqual([`POST /v2/a/blobs/uploads/?mount=${blob.digest}&from=b%2Fc`]);
  });

  it('that cannot be mounted goes into the session that was opened instead', async () => {
    registry.mounts = false;
    const { store, session } = open();
    const from = openRegistryStore({ transport: 'registry', location: `${registry.host}/b/c` }, session);
    await store.writeBlob(blob, bytes, from);
    expect(registry.log.map(line => line.split(' ')[0])).toEqual(['POST', 'PUT']);
    expect(registry.blobs.has(`a@${blob.digest}`)).toBe(true);
  });

  it('is not mounted from another registry', async () => {
    const { store, session } = open();
    await store.writeBlob(
      blob,
      bytes,
      openRegistryStore({ transport: 'registry', location: 'elsewhere.example/b' }, session),
    );
    expect(registry.log[0]).toBe(`HEAD /v2/a/blobs/${blob.digest}`);
  });

  it('whose session is lost begins again', async () => {
    let losses = 1;
    registry.intercept = (request, response) => {
      if (request.method !== 'PUT' || losses-- <= 0) return false;
      request.resume();
      response.writeHead(404).end('{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}');
      return true;
    };
    await open().store.writeBlob(blob, bytes);
    expect(registry.log.map(line => line.split(' ')[0])).toEqual(['HEAD', 'POST', 'PUT', 'POST', 'PUT']);
  });

  it('goes to a location on another host without credentials', async () => {
    const here = registry;
    const seen: (string | undefined)[] = [];
    const storage = await startServer((request, response) => {
      seen.push(request.headers.authorization);
      request.resume().on('end', () => response.writeHead(201).end());
    });
    here.location = () => `http://${storage.host}/put?x=1`;
    here.intercept = (request, response) => {
      if (request.headers.authorization) return false;
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      return true;
    };
    await open('a', { credentials: { username: 'u', password: 'p' } }).store.writeBlob(blob, bytes);
    expect(here.authorization.filter(Boolean)).toHaveLength(2);
    expect(seen).toEqual([undefined]);
  });

  it('that the registry refuses is reported with its reason', async () => {
    registry.intercept = (request, response) => {
      if (request.method !== 'POST') return false;
      response.writeHead(413).end('{"errors":[{"code":"SIZE_INVALID","message":"too much"}]}');
      return true;
    };
    const { store } = open();
    const error = await failureOf(store.writeBlob(blob, bytes));
    expect(error).toMatchObject({
      code: 'oci-rejected',
      details: { status: 413, registryCode: 'SIZE_INVALID' },
    });
    registry.intercept = () => false;
    await store.writeBlob(blob, bytes);
  });

  it('with no location to go to is an error', async () => {
    const { location } = registry;
    registry.location = () => '';
    const { store } = open();
    expect((await failureOf(store.writeBlob(blob, bytes))).code).toBe('net-redirect');
    registry.location = location;
    await store.writeBlob(blob, bytes);
  });
});

describe('a manifest', () => {
  it('is written by digest, or by tag in one request', async () => {
    const { store } = open();
    await store.writeManifest(IMAGE);
    await store.writeManifest(IMAGE, 'one');
    expect(registry.log).toEqual([
      `PUT /v2/a/manifests/${IMAGE.descriptor.digest}`,
      'PUT /v2/a/manifests/one',
    ]);
    expect(registry.manifests.get('one')?.bytes).toEqual(Buffer.from(IMAGE.bytes));
  });

  it.each([400, 405, 413, 415])('refused with %i is reported with the reason', async status => {
    registry.intercept = (_, response) => {
      response
        .writeHead(status)
        .end('{"errors":[{"code":"MANIFEST_INVALID","message":"unknown media type: x"}]}');
      return true;
    };
    const { store } = open();
    const error = await failureOf(store.writeManifest(IMAGE, 'one'));
    expect(error.code).toBe('oci-rejected');
    expect(error.message).toContain('unknown media type: x');
    registry.intercept = () => false;
    await store.writeManifest(IMAGE, 'one');
  });

  it('that was stored as something else is reported', async () => {
    registry.intercept = (_, response) => {
      response.writeHead(201, { 'docker-content-digest': testManifest('other').descriptor.digest }).end();
      return true;
    };
    const { store } = open();
    expect((await failureOf(store.writeManifest(IMAGE))).code).toBe('oci-digest-mismatch');
    registry.intercept = () => false;
    await store.writeManifest(IMAGE);
  });
});

describe('attaching', () => {
  const subject = IMAGE.descriptor;
  const tag = attachmentTag(subject.digest);
  const referrer = (name: string) =>
    serializeManifest({
      artifactType: 'application/x',
      config: EMPTY,
      layers: [],
      subject,
      annotations: { name },
    });
  const one = referrer('one');
  const listed = (): Digest[] => {
    const raw = registry.manifests.get(tag);
    const index = raw && parseManifest(raw);
    return index?.kind === 'index' ? index.manifests.map(d => d.digest) : [];
  };
  // The real clock would make the quiet time real as well.
  const openFast = () => {
    let now = 0;
    return openTestStore(
      `${registry.host}/a`,
      {},
      {
        now: () => now,
        async sleep(milliseconds) {
          now += milliseconds;
        },
      },
    );
  };

  it('to a registry with the API is one PUT and one look', async () => {
    registry.referrers = { api: true, header: true, lag: 0 };
    const { store } = openFast();
    await store.attach(one, subject.digest);
    expect(registry.log).toEqual([
      `PUT /v2/a/manifests/${one.descriptor.digest}`,
      `GET /v2/a/referrers/${subject.digest}`,
    ]);
    expect((await store.listReferrers(subject.digest)).descriptors.map(d => d.digest)).toEqual([
      one.descriptor.digest,
    ]);
  });

  it('waits for an API that lags, and needs no header to find it', async () => {
    for (const header of [true, false]) {
      registry.referrers = { api: true, header, lag: 2 };
      await openFast().store.attach(referrer(`lag ${header}`), subject.digest);
      expect(registry.manifests.has(tag)).toBe(false);
    }
  });

  it.each([true, false])(
    'to a registry without the API goes to the fallback tag (OCI-Subject sent: %s)',
    async header => {
      registry.referrers = { api: false, header, lag: 0 };
      const { store } = openFast();
      await store.attach(one, subject.digest);
      await store.attach(referrer('two'), subject.digest);
      expect(listed().sort()).toEqual([one, referrer('two')].map(raw => raw.descriptor.digest).sort());
      const index = JSON.parse(Buffer.from(registry.manifests.get(tag)?.bytes ?? []).toString());
      expect(index.manifests.find((d: { digest: string }) => d.digest === one.descriptor.digest)).toEqual({
        ...one.descriptor,
        artifactType: 'application/x',
        annotations: { name: 'one' },
      });
      expect(index.subject).toBeUndefined();
      expect((await store.listReferrers(subject.digest)).descriptors).toHaveLength(2);
    },
  );

  it('to an API that never lists it goes to the fallback tag as well', async () => {
    registry.referrers = { api: true, header: true, lag: 1000 };
    await openFast().store.attach(one, subject.digest);
    expect(listed()).toEqual([one.descriptor.digest]);
  });

  it('refuses a manifest with another subject', async () => {
    const { store } = openFast();
    const other = testManifest('other').descriptor.digest;
    expect((await failureOf(store.attach(one, other))).code).toBe('format-manifest');
    expect((await failureOf(store.attach(IMAGE, subject.digest))).code).toBe('format-manifest');
    expect(registry.log).toEqual([]);
    await store.attach(one, subject.digest);
  });

  it('does not overwrite a tag that holds something else', async () => {
    const { store } = openFast();
    await store.writeManifest(IMAGE, tag);
    expect((await failureOf(store.attach(one, subject.digest))).code).toBe('oci-rejected');
    expect(registry.manifests.get(tag)?.descriptor).toEqual(IMAGE.descriptor);
    registry.manifests.delete(tag);
    await store.attach(one, subject.digest);
  });

  it('tries a PUT again that met a passing fault', async () => {
    let faults = 2;
    registry.intercept = (request, response) => {
      if (request.method !== 'PUT' || !request.url?.endsWith(tag) || faults-- <= 0) return false;
      request.resume();
      response.writeHead(500).end();
      return true;
    };
    await openFast().store.attach(one, subject.digest);
    expect(listed()).toEqual([one.descriptor.digest]);
    faults = 1000;
    expect((await failureOf(openFast().store.attach(referrer('two'), subject.digest))).code).toBe(
      'oci-unavailable',
    );
  });
});
