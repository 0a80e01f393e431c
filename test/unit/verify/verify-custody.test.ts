import { describe, expect, onTestFinished, test } from 'vitest';
import { EXIT_CODES } from '../../../src/base/codes.js';
import type { CustodyPolicy } from '../../../src/custody/index.js';
import { createStoreAccess, openStore } from '../../../src/oci/open.js';
import { parseReference } from '../../../src/oci/reference.js';
import type { Store } from '../../../src/oci/store.js';
import { buildIndex, pushImage } from '../../../src/testing/image.js';
import {
  countDependentSteps,
  type FaultSource,
  type RegistryOptions,
  startRegistry,
  type TestRegistry,
} from '../../../src/testing/registry.js';
import type { Fault } from '../../../src/testing/registry-answer.js';
import type { CustodyOptions } from '../../../src/verify/judge-custody.js';
import { type CustodyOutcome, verifyCustody } from '../../../src/verify/verify-custody.js';
import { type MarkedDraft, type MarkedImage, markedImage, plantMarks } from '../custody-images.js';
import { layoutWith } from '../images.js';

interface Setting {
  readonly registry: TestRegistry;
  readonly store: Store;
  readonly reference: string;
  readonly marked: MarkedImage;
  verify(
    options?: Partial<CustodyOptions> & { readonly userAgent?: string },
    reference?: string,
  ): Promise<CustodyOutcome>;
}

async function openRegistry(options: RegistryOptions) {
  const registry = await startRegistry(options);
  const access = createStoreAccess({});
  const store = await openStore(parseReference(`${registry.host}/shop/app:1`), access);
  onTestFinished(async () => {
    await store.close();
    await access.close();
    await registry.close();
  });
  return { registry, store };
}

/** An image under the tag `1`, marked by all its teams. */
async function marksInRegistry(options: RegistryOptions = {}, draft: MarkedDraft = {}): Promise<Setting> {
  const { registry, store } = await openRegistry(options);
  const marked = await markedImage({ ...draft, repository: `${registry.host}/shop/app` });
  await pushImage(store, marked.image, '1');
  await plantMarks(store, marked);
  registry.clearRequests();
  const reference = `${registry.host}/shop/app:1`;
  return { registry, store, reference, marked, verify: verifierOf(reference, marked) };
}

/** A process of its own in effect: nothing is known of the registry, no connection is open. */
function verifierOf(reference: string, { policy, now }: MarkedImage): Setting['verify'] {
  return async (options = {}, other = reference) => {
    const { signal, userAgent } = options;
    const access = createStoreAccess({ ...(signal && { signal }), ...(userAgent && { userAgent }) });
    try {
      return await verifyCustody(access, other, { policy, now, ...options });
    } finally {
      await access.close();
    }
  };
}

function withPolicy({ policy }: MarkedImage, edit: Partial<CustodyPolicy>): Partial<CustodyOptions> {
  return { policy: { ...policy, ...edit } };
}

describe('requests of one check by tag', () => {
  /** Answers are held back, so that requests which do not wait for one another overlap. */
  const slow = (): Fault => ({ delay: 30 });

  async function budget(setting: Setting, options?: Partial<CustodyOptions>) {
    setting.registry.setFault(slow);
    setting.registry.clearRequests();
    const { code } = await setting.verify(options);
    const { requests } = setting.registry;
    expect(code).toBeNull();
    expect(requests.every(({ method, path }) => method === 'GET' && path !== '/v2/')).toBe(true);
    return { requests: requests.length, steps: countDependentSteps(requests) };
  }

  test.each([
    ['with the referrers API', true],
    ['without it', false],
  ])('%s: the same for three teams and for eight', async (_, referrers) => {
    for (const teams of [3, 8]) {
      const setting = await marksInRegistry({ referrers }, { teams });
      // The tag; config, .sig, artifact, both lists of referrers; the artifact's document.
      expect(await budget(setting)).toEqual({ requests: 7, steps: 3 });
    }
  });

  test('level blobs reads each layer’s blob once, and nothing else twice', async () => {
    const setting = await marksInRegistry({}, { teams: 8 });
    expect((await budget(setting, { level: 'blobs' })).requests).toBe(7 + 8);
    const paths = setting.registry.requests.map(({ path }) => path);
    expect(new Set(paths).size).toBe(paths.length);
    for (const { descriptor } of setting.marked.image.layers)
      expect(paths.filter(path => path.endsWith(descriptor.digest))).toHaveLength(1);
  });

  test('an image that fails for what is cheap has none of its layers read', async () => {
    const setting = await marksInRegistry();
    const policy = withPolicy(setting.marked, { repositories: ['other.example/**'], evidence: 'blobs' });
    expect((await setting.verify(policy)).code).toBe('identity-mismatch');
    const paths = setting.registry.requests.map(({ path }) => path);
    for (const { descriptor } of setting.marked.image.layers)
      expect(paths.filter(path => path.endsWith(descriptor.digest))).toEqual([]);
  });

  test('of a layout no connection is opened', async () => {
    const marked = await markedImage();
    const { reference, store } = await layoutWith(marked.image);
    await plantMarks(store, marked);
    const access = createStoreAccess({ offline: true });
    access.session = () => {
      throw new Error('a session was asked for');
    };
    const { policy, now } = marked;
    const outcome = await verifyCustody(access, reference, { policy, now });
    // On disk nobody else checks the layers, whatever the policy asks.
    expect(outcome).toMatchObject({ code: null, custody: { level: 'blobs' } });
  });
});

describe('what a registry may withhold', () => {
  const faults: readonly [string, Fault][] = [
    ['404', { status: 404 }],
    ['401', { status: 401 }],
    ['500', { status: 500, headers: { 'retry-after': '0' } }],
    ['other bytes', { body: 'other', headers: { 'content-length': '5' } }],
  ];

  /** Every path that one check asks for. */
  async function pathsOf(setting: Setting, options: Partial<CustodyOptions>): Promise<readonly string[]> {
    setting.registry.clearRequests();
    expect((await setting.verify(options)).code).toBeNull();
    return [...new Set(setting.registry.requests.map(({ path }) => path))];
  }

  const only =
    (path: string, fault: Fault, userAgent?: string): FaultSource =>
    request =>
      request.path === path && (userAgent === undefined || request.headers['user-agent'] === userAgent)
        ? fault
        : undefined;

  test.each(faults)(
    '%s for any one answer: a yes stays what it is or is none, never a wrong no',
    async (name, fault) => {
      const setting = await marksInRegistry();
      const options = { level: 'blobs' as const };
      const paths = await pathsOf(setting, options);
      // All at once, each with its own fault: what is asked again in vain waits in between.
      setting.registry.setFault(request =>
        paths.map((path, at) => only(path, fault, `${at}`)(request)).find(found => found !== undefined),
      );
      const codes = await Promise.all(
        paths.map(async (_, at) => (await setting.verify({ ...options, userAgent: `${at}` })).code),
      );
      for (const [at, path] of paths.entries()) {
        const code = codes[at] ?? null;
        // 404 for the tag is the registry saying that there is no such image.
        if (name === '404' && path.endsWith('/manifests/1')) expect(code).toBe('oci-not-found');
        else expect([0, 18, 20, 21, 24], `${path}: ${code}`).toContain(code === null ? 0 : EXIT_CODES[code]);
      }
      // What lies in two places is found in the other.
      expect(codes.filter(code => code === null).length).toBeGreaterThan(1);
      expect(codes.filter(code => code !== null).length).toBeGreaterThan(4);
    },
  );

  test.each(faults)('%s for all that could hold marks: not "unmarked"', async (name, fault) => {
    const setting = await marksInRegistry();
    const { image } = setting.marked;
    const config = JSON.parse(Buffer.from(image.manifest.bytes).toString()).config.digest as string;
    setting.registry.setFault(({ path }) => {
      const about = path.endsWith('/manifests/1') || path.endsWith(config) ? undefined : fault;
      return about;
    });
    const { code, custody } = await setting.verify();
    // 404 everywhere is what an image looks like that nobody has marked.
    if (name === '404') expect(code).toBe('no-marks');
    else {
      expect([18, 20, 21, 24], String(code)).toContain(EXIT_CODES[code ?? 'internal']);
      expect(custody?.verdict).toBe('indeterminate');
    }
  });

  test('an artifact whose document is not there: exit 24', async () => {
    const setting = await marksInRegistry();
    const paths = await pathsOf(setting, {});
    setting.registry.setFault(only(paths.at(-1) ?? '', { status: 404 }));
    const outcome = await setting.verify();
    expect(outcome).toMatchObject({ code: 'layer-unavailable', custody: { verdict: 'indeterminate' } });
    expect(EXIT_CODES['layer-unavailable']).toBe(24);
    expect(outcome.custody?.findings.map(({ code }) => code)).not.toContain('no-marks');
  });

  test('an answer that never comes ends with the deadline, as an exception and not as a verdict', async () => {
    const setting = await marksInRegistry();
    const paths = await pathsOf(setting, {});
    const deadline = new AbortController();
    setting.registry.setFault(request => {
      if (request.path !== paths.at(-1)) return undefined;
      deadline.abort();
      return { hang: true };
    });
    await expect(setting.verify({ signal: deadline.signal })).rejects.toThrow();
  });
});

describe('evidence levels', () => {
  test('less than the policy asks for is a no', async () => {
    const setting = await marksInRegistry();
    const policy = withPolicy(setting.marked, { evidence: 'blobs' });
    expect(await setting.verify(policy)).toMatchObject({ code: null, custody: { level: 'blobs' } });
    const less = await setting.verify({ ...policy, level: 'manifest' });
    expect(less).toMatchObject({ code: 'evidence-insufficient', custody: { level: 'manifest' } });
    expect(await setting.verify({ level: 'marks' })).toMatchObject({ code: null });
  });

  test('more than the policy asks for is held to that', async () => {
    const setting = await marksInRegistry();
    const [layer] = setting.marked.image.layers;
    const gone: FaultSource = ({ path }) =>
      path.endsWith(String(layer?.descriptor.digest)) ? { status: 404 } : undefined;
    setting.registry.setFault(gone);
    expect((await setting.verify()).code).toBeNull();
    expect(await setting.verify({ level: 'blobs' })).toMatchObject({
      code: 'layer-unavailable',
      custody: { verdict: 'indeterminate' },
    });
  });

  test('wrong bytes under a layer’s digest are a definite no', async () => {
    const setting = await marksInRegistry();
    const [layer] = setting.marked.image.layers;
    const body = Buffer.from(layer?.bytes ?? []);
    body[body.length - 9] = (body[body.length - 9] ?? 0) ^ 1;
    setting.registry.setFault(({ path }) =>
      path.endsWith(String(layer?.descriptor.digest)) ? { body } : undefined,
    );
    const outcome = await setting.verify({ level: 'blobs' });
    expect(outcome).toMatchObject({ code: 'blob-digest-mismatch', custody: { verdict: 'fail' } });
  });
});

describe('what the verdict is about', () => {
  test('a tag is resolved once; the pinned reference is what passed', async () => {
    const setting = await marksInRegistry();
    const { digest } = setting.marked.image.manifest.descriptor;
    const byTag = await setting.verify();
    expect(byTag.pinned).toBe(`${setting.registry.host}/shop/app@${digest}`);
    expect(byTag.custody?.findings.map(({ code }) => code)).toContain('tag-unpinned');
    const byDigest = await setting.verify({}, byTag.pinned ?? '');
    expect(byDigest).toMatchObject({ code: null, digest });
    expect(byDigest.custody?.findings.map(({ code }) => code)).not.toContain('tag-unpinned');
  });

  test('a tag that does not exist', async () => {
    const setting = await marksInRegistry();
    const outcome = await setting.verify({}, `${setting.registry.host}/shop/app:2`);
    expect(outcome).toMatchObject({ code: 'oci-not-found', custody: null, digest: null });
  });

  test('an image that nobody marked', async () => {
    const { registry, store } = await openRegistry({});
    const marked = await markedImage({ repository: `${registry.host}/shop/app` });
    await pushImage(store, marked.image, '1');
    const outcome = await verifierOf(`${registry.host}/shop/app:1`, marked)();
    expect(outcome).toMatchObject({ code: 'no-marks', custody: { verdict: 'fail' } });
  });

  test('a policy for other repositories says which', async () => {
    const setting = await marksInRegistry();
    const { code, custody } = await setting.verify(
      withPolicy(setting.marked, { repositories: ['prod.example/**'] }),
    );
    expect(code).toBe('identity-mismatch');
    expect(custody?.findings[0]?.hint).toContain('prod.example/**');
  });

  test('on its way to the next team, the later steps are not asked for', async () => {
    const setting = await marksInRegistry({}, { teams: ['base', 'runtime'] });
    const { policy } = await markedImage({ repository: setting.marked.repository });
    expect((await setting.verify({ policy })).code).toBe('step-missing');
    expect((await setting.verify({ policy, handover: 'app' })).code).toBeNull();
  });
});

describe('an index', () => {
  const arm = { os: 'linux', architecture: 'arm64' };

  async function marksOnIndex(marking: readonly ('amd64' | 'arm64')[]) {
    const { registry, store } = await openRegistry({});
    const repository = `${registry.host}/shop/app`;
    const amd = await markedImage({ repository });
    const arm64 = await markedImage({ repository, platform: arm, seed: 'arm' });
    await pushImage(store, buildIndex([amd.image, arm64.image]), 'all');
    if (marking.includes('amd64')) await plantMarks(store, amd);
    if (marking.includes('arm64')) await plantMarks(store, arm64);
    return { registry, store, amd, arm64, verify: verifierOf(`${repository}:all`, amd) };
  }

  test('passes when each image in it does', async () => {
    const { verify, amd, arm64 } = await marksOnIndex(['amd64', 'arm64']);
    const { code, index } = await verify();
    expect(code).toBeNull();
    expect(index?.children.map(({ subject }) => subject.manifest)).toEqual(
      [amd, arm64].map(({ image }) => image.manifest.descriptor.digest),
    );
  });

  test('fails when one was not marked; the other passes by its platform', async () => {
    const { verify } = await marksOnIndex(['amd64']);
    expect((await verify()).code).toBe('index-child-unmarked');
    const one = await verify({ platform: 'linux/amd64' });
    expect(one).toMatchObject({ code: null, index: null });
    expect(one.through).toMatch(/^sha256:/);
    expect((await verify({ platform: 'linux/arm64' })).code).toBe('no-marks');
    expect((await verify({ platform: 'linux/s390x' })).code).toBe('oci-not-found');
  });

  test('one image listed for two platforms is judged for both', async () => {
    const { store, amd, registry } = await marksOnIndex(['amd64']);
    await pushImage(store, buildIndex([amd.image, { ...amd.image, platform: arm }]), 'twice');
    const { code } = await verifierOf(`${registry.host}/shop/app:twice`, amd)();
    expect(code).toBe('platform-mismatch');
  });

  test('an image in it that cannot be read leaves the question open, unless another one answers it', async () => {
    const { registry, verify, arm64 } = await marksOnIndex(['amd64', 'arm64']);
    const digest = arm64.image.manifest.descriptor.digest;
    registry.setFault(({ path }) =>
      path.endsWith(`/manifests/${digest}`) ? { status: 500, headers: { 'retry-after': '0' } } : undefined,
    );
    expect(await verify()).toMatchObject({ code: 'oci-unavailable', index: null });
    registry.setFault(({ path }) => (path.endsWith(`/manifests/${digest}`) ? { status: 404 } : undefined));
    expect(await verify()).toMatchObject({ code: 'layer-unavailable', index: { verdict: 'indeterminate' } });
    const other = await marksOnIndex([]);
    const gone = other.arm64.image.manifest.descriptor.digest;
    other.registry.setFault(({ path }) =>
      path.endsWith(`/manifests/${gone}`) ? { status: 403 } : undefined,
    );
    expect((await other.verify()).code).toBe('index-child-unmarked');
  });
});
