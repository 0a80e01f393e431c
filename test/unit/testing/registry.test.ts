import { afterEach, describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import { computeDigest } from '../../../src/base/digest.js';
import { serializeManifest } from '../../../src/oci/manifest.js';
import { MANIFEST_ACCEPT, MEDIA_TYPES } from '../../../src/oci/media-types.js';
import {
  buildImage,
  countDependentSteps,
  type RegistryOptions,
  startRegistry,
  type TestImage,
  type TestRegistry,
} from '../../../src/testing/index.js';

const image = buildImage({ layers: [{ 'etc/motd': 'hello\n' }] });
const digest = image.manifest.descriptor.digest;

let registry: TestRegistry;
const start = async (options: RegistryOptions = {}) => {
  registry = await startRegistry(options);
};
afterEach(() => registry.close());

const send = (method: string, path: string, init: RequestInit = {}) =>
  fetch(`${registry.origin}${path}`, { method, ...init });
const codeOf = async (response: Response) =>
  ((await response.json()) as { errors: { code: string }[] }).errors[0]?.code;

async function upload(name: string, bytes: Uint8Array, as = computeDigest(bytes)): Promise<Response> {
  const begun = await send('POST', `/v2/${name}/blobs/uploads/`);
  expect(begun.status).toBe(202);
  return send('PUT', `${begun.headers.get('location')}&digest=${as}`, { body: bytes });
}

function put(
  name: string,
  reference: string,
  bytes: Uint8Array,
  type: string,
  headers = {},
): Promise<Response> {
  return send('PUT', `/v2/${name}/manifests/${reference}`, {
    body: bytes,
    headers: { 'content-type': type, ...headers },
  });
}

async function push(name: string, what: TestImage, tag: string): Promise<void> {
  for (const bytes of what.blobs.values()) expect((await upload(name, bytes)).status).toBe(201);
  expect((await put(name, tag, what.manifest.bytes, what.manifest.descriptor.mediaType)).status).toBe(201);
}

const artifact = (n: number, artifactType: string) =>
  serializeManifest({
    config: image.layers[0]!.descriptor,
    layers: [],
    subject: image.manifest.descriptor,
    artifactType,
    annotations: { n: String(n) },
  });

describe('blobs', () => {
  it('are taken whole, in chunks, by mount, and given back whole or in part', async () => {
    await start();
    const bytes = utf8('0123456789');
    const id = computeDigest(bytes);
    expect((await upload('a/one', bytes)).status).toBe(201);

    const begun = await send('POST', '/v2/a/two/blobs/uploads/');
    const patched = await send('PATCH', begun.headers.get('location')!, { body: bytes.subarray(0, 4) });
    expect([patched.status, patched.headers.get('range')]).toEqual([202, '0-3']);
    const skipped = await send('PATCH', patched.headers.get('location')!, {
      body: bytes.subarray(6),
      headers: { 'content-range': '6-9' },
    });
    expect(skipped.status).toBe(416);
    const rest = await send('PATCH', patched.headers.get('location')!, {
      body: bytes.subarray(4),
      headers: { 'content-range': '4-9' },
    });
    expect((await send('PUT', `${rest.headers.get('location')}&digest=${id}`)).status).toBe(201);

    expect((await send('POST', `/v2/a/three/blobs/uploads/?mount=${id}&from=a/one`)).status).toBe(201);
    expect((await send('POST', `/v2/a/three/blobs/uploads/?mount=${id}&from=a/none`)).status).toBe(202);
    for (const name of ['a/one', 'a/two', 'a/three']) {
      expect(await (await send('GET', `/v2/${name}/blobs/${id}`)).text()).toBe('0123456789');
    }
    const part = await send('GET', `/v2/a/one/blobs/${id}`, { headers: { range: 'bytes=7-' } });
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([
      206,
      'bytes 7-9/10',
      '789',
    ]);
    const head = await send('HEAD', `/v2/a/one/blobs/${id}`);
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '10']);
  });

  it('are refused under a digest that is not theirs', async () => {
    await start();
    const refused = await upload('a', utf8('x'), computeDigest(utf8('y')));
    expect([refused.status, await codeOf(refused)]).toEqual([400, 'DIGEST_INVALID']);
    expect((await upload('a', utf8('y'))).status).toBe(201);
  });
});

describe('manifests', () => {
  it('come back byte for byte, by tag and by digest, to who accepts their type', async () => {
    await start();
    await push('team/app', image, 'v1');
    for (const reference of ['v1', digest]) {
      const got = await send('GET', `/v2/team/app/manifests/${reference}`, {
        headers: { accept: MANIFEST_ACCEPT },
      });
      expect(got.headers.get('content-type')).toBe(MEDIA_TYPES.ociManifest);
      expect(Buffer.from(await got.arrayBuffer()).equals(image.manifest.bytes)).toBe(true);
    }
    const blind = await send('GET', '/v2/team/app/manifests/v1', { headers: { accept: '*/*' } });
    expect([blind.status, await codeOf(blind)]).toEqual([404, 'MANIFEST_UNKNOWN']);
    const tags = await (await send('GET', '/v2/team/app/tags/list')).json();
    expect(tags).toEqual({ name: 'team/app', tags: ['v1'] });
  });

  it('are refused while a blob of theirs is missing, and taken once it is there', async () => {
    await start();
    const { bytes, descriptor } = image.manifest;
    await upload('app', image.config);
    const refused = await put('app', 'v1', bytes, descriptor.mediaType);
    expect([refused.status, await codeOf(refused)]).toEqual([400, 'MANIFEST_BLOB_UNKNOWN']);
    await upload('app', image.layers[0]!.bytes);
    expect((await put('app', 'v1', bytes, descriptor.mediaType)).status).toBe(201);
  });

  it('are replaced only under the condition asked for, when that is switched on', async () => {
    await start({ conditional: true });
    await push('app', image, 'v1');
    const { bytes, descriptor } = image.manifest;
    const again = (headers: Record<string, string>) => put('app', 'v1', bytes, descriptor.mediaType, headers);
    expect((await again({ 'if-none-match': '*' })).status).toBe(412);
    expect((await again({ 'if-match': `"${computeDigest(utf8('other'))}"` })).status).toBe(412);
    expect((await again({ 'if-match': `"${digest}"` })).status).toBe(201);
  });

  it('that could be read as image and as index are refused', async () => {
    await start();
    await push('app', image, 'v1');
    const both = utf8(
      JSON.stringify({ ...JSON.parse(Buffer.from(image.manifest.bytes).toString()), manifests: [] }),
    );
    const refused = await put('app', 'v2', both, MEDIA_TYPES.ociManifest);
    expect([refused.status, await codeOf(refused)]).toEqual([400, 'MANIFEST_INVALID']);
  });
});

describe('referrers', () => {
  it('are listed in pages and by type', async () => {
    await start({ referrersPageSize: 2 });
    await push('app', image, 'v1');
    for (let n = 0; n < 5; n++) {
      const raw = artifact(n, n === 4 ? 'application/other' : 'application/one+json');
      const answer = await put('app', raw.descriptor.digest, raw.bytes, raw.descriptor.mediaType);
      expect(answer.headers.get('oci-subject')).toBe(digest);
    }
    const collect = async (query: string) => {
      const seen: string[] = [];
      let pages = 0;
      for (let path: string | undefined = `/v2/app/referrers/${digest}${query}`; path; pages++) {
        const page: Response = await send('GET', path);
        expect(page.headers.get('content-type')).toBe(MEDIA_TYPES.ociIndex);
        for (const entry of ((await page.json()) as { manifests: { annotations: { n: string } }[] })
          .manifests)
          seen.push(entry.annotations.n);
        path = /<([^>]+)>/.exec(page.headers.get('link') ?? '')?.[1];
      }
      return { seen: seen.sort(), pages };
    };
    expect(await collect('')).toEqual({ seen: ['0', '1', '2', '3', '4'], pages: 3 });
    const filter = `?artifactType=${encodeURIComponent('application/one+json')}`;
    expect(await collect(filter)).toEqual({ seen: ['0', '1', '2', '3'], pages: 2 });
  });

  it('are unknown to a registry without the API', async () => {
    await start({ referrers: false });
    await push('app', image, 'v1');
    const raw = artifact(1, 'application/one');
    const answer = await put('app', raw.descriptor.digest, raw.bytes, raw.descriptor.mediaType);
    expect([answer.status, answer.headers.get('oci-subject')]).toEqual([201, null]);
    expect((await send('GET', `/v2/app/referrers/${digest}`)).status).toBe(404);
  });
});

describe('authentication', () => {
  const auth = { username: 'ada', password: 's3cret', anonymousPull: true } as const;
  const ada = { authorization: `Basic ${Buffer.from('ada:s3cret').toString('base64')}` };

  it('by password is asked of writers', async () => {
    await start({ auth: { kind: 'basic', ...auth } });
    const refused = await send('POST', '/v2/app/blobs/uploads/');
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
      401,
      'Basic realm="test registry"',
    ]);
    expect((await send('POST', '/v2/app/blobs/uploads/', { headers: ada })).status).toBe(202);
    expect((await send('GET', '/v2/app/manifests/v1')).status).toBe(404);
  });

  it('by token grants what the scope says and no more', async () => {
    await start({ auth: { kind: 'token', ...auth } });
    const challenge = (await send('POST', '/v2/app/blobs/uploads/')).headers.get('www-authenticate') ?? '';
    expect(challenge).toContain(`realm="${registry.origin}/token"`);
    expect(challenge).toContain('scope="repository:app:pull,push"');
    const token = async (scope: string, headers = {}) => {
      const answer = await send('GET', `/token?service=test-registry&scope=${scope}`, { headers });
      return ((await answer.json()) as { token: string }).token;
    };
    const write = async (bearer: string, name = 'app') =>
      (await send('POST', `/v2/${name}/blobs/uploads/`, { headers: { authorization: `Bearer ${bearer}` } }))
        .status;
    const granted = await token('repository:app:pull,push', ada);
    expect(await write(granted)).toBe(202);
    expect(await write(granted, 'other')).toBe(401);
    expect(await write(await token('repository:app:pull,push'))).toBe(401);
    expect((await send('GET', '/token?scope=x', { headers: { authorization: 'Basic eDp5' } })).status).toBe(
      401,
    );
    expect(registry.requests.some(request => JSON.stringify(request).includes(granted))).toBe(false);
  });
});

describe('faults and records', () => {
  it('answer in the place of the registry, or spoil its answer', async () => {
    await start();
    await push('app', image, 'v1');
    const blob = `/v2/app/blobs/${image.layers[0]!.descriptor.digest}`;
    registry.setFault(request =>
      request.path === blob
        ? { cutAfterBytes: 5 }
        : { status: 429, headers: { 'retry-after': '1' }, body: 'slow' },
    );
    const limited = await send('GET', '/v2/app/manifests/v1');
    expect([limited.status, limited.headers.get('retry-after'), await limited.text()]).toEqual([
      429,
      '1',
      'slow',
    ]);
    await expect(send('GET', blob).then(answer => answer.arrayBuffer())).rejects.toThrow();
    registry.setFault(undefined);
    expect((await (await send('GET', blob)).arrayBuffer()).byteLength).toBe(image.layers[0]!.bytes.length);
  });

  it('can leave a request without an answer until the registry closes', async () => {
    await start({ fault: () => ({ hang: true }) });
    const waiting = send('GET', '/v2/').then(
      () => 'answered',
      () => 'ended',
    );
    while (registry.requests.length === 0) await new Promise(done => setImmediate(done));
    await registry.close();
    expect(await waiting).toBe('ended');
    await start();
  });

  it('count what was asked and how long the longest chain of waiting was', async () => {
    let release = () => {};
    const both = new Promise<void>(done => {
      release = done;
    });
    await start({
      fault: () => {
        if (registry.requests.length === 3) release();
        return registry.requests.length === 2 ? { delay: both } : undefined;
      },
    });
    await send('GET', '/v2/');
    await Promise.all([send('GET', '/v2/a/tags/list'), send('GET', '/v2/b/tags/list')]);
    await send('HEAD', '/v2/');
    expect(registry.requests.map(request => [request.method, request.status])).toEqual([
      ['GET', 200],
      ['GET', 404],
      ['GET', 404],
      ['HEAD', 200],
    ]);
    expect(countDependentSteps(registry.requests)).toBe(3);
  });
});
