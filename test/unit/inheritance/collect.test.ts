import { describe, expect, onTestFinished, test } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import {
  type CollectOptions,
  collectInheritance,
  type InheritanceNode,
  type NodeImage,
} from '../../../src/inheritance/index.js';
import { createStoreAccess } from '../../../src/oci/open.js';
import { buildImage, buildIndex, pushImage, type TestImage } from '../../../src/testing/image.js';
import { temporaryFolder } from '../images.js';
import { baseImage, NOW, onTop, openWorkshop, type Workshop, withStep } from '../sign/workshop.js';
import { openTrustWorld } from '../verify/trust-world.js';

/** What a build writes into the manifest about its base. */
function standsOn(workshop: Workshop, name: string, { manifest }: TestImage) {
  const repository = workshop.reference(name);
  return {
    'org.opencontainers.image.base.name': repository,
    'org.opencontainers.image.base.digest': manifest.descriptor.digest,
  };
}

/**
 * base <- runtime <- app, worker; each names its base. Nothing is marked.
 * @param called what the worker calls the runtime
 */
async function builtImages(workshop: Workshop, called = 'runtime') {
  const base = baseImage({ config: { created: '2026-10-01T00:00:00Z' } });
  const runtime = onTop(base, 'usr/bin/run', { annotations: standsOn(workshop, 'base', base) });
  const onRuntime = { annotations: standsOn(workshop, 'runtime', runtime) };
  const app = onTop(runtime, 'opt/app/main', onRuntime);
  const worker = onTop(runtime, 'opt/worker/main', { annotations: standsOn(workshop, called, runtime) });
  for (const [name, image] of Object.entries({ base, runtime, app, worker }))
    await workshop.push(name, image);
  return { base, runtime, app, worker };
}

async function markAll(workshop: Workshop) {
  await workshop.mark('base');
  await workshop.mark('runtime', { base: 'base' });
  await workshop.mark('app', { base: 'runtime' });
  await workshop.mark('worker', { base: 'runtime', team: 'app' });
}

function collect(workshop: Workshop, names: readonly string[], options: Partial<CollectOptions> = {}) {
  const access = createStoreAccess({});
  onTestFinished(() => access.close());
  const references = names.map(name => (name.includes('/') ? name : workshop.reference(name)));
  return collectInheritance(access, references, { now: NOW, ...options });
}

/** Every image of the tree by the last part of its repository. */
function imagesIn(node: InheritanceNode): Record<string, NodeImage> {
  const own = node.images.map(image => [image.repository?.split('/').at(-1) ?? '?', image]);
  return Object.assign(Object.fromEntries(own), ...node.children.map(imagesIn));
}

const requestsOf = (workshop: Workshop) =>
  workshop.registry?.requests.map(({ method, path }) => `${method} ${path}`) ?? [];

/** A report of Trivy's form about files, each with a secret in it. */
function reportOn(image: TestImage | undefined, files: Readonly<Record<string, string>>) {
  const Metadata = image ? { RepoDigests: [`shop/app@${image.manifest.descriptor.digest}`] } : {};
  const Results = Object.entries(files).map(([Target, Severity]) => {
    return { Target, Class: 'secret', Secrets: [{ RuleID: 'private-key', Title: 'A key', Severity }] };
  });
  return utf8(JSON.stringify({ SchemaVersion: 2, ArtifactName: 'shop/app:1', Metadata, Results }));
}

/** Findings of the app stand at the layers of their owners, also where another image goes through the same layers. */
async function findsWhatReportsSay(workshop: Workshop, app: TestImage): Promise<void> {
  const cacheFolder = await temporaryFolder();
  const scan = (bytes: Uint8Array, image: string | null = null, names = ['app', 'worker']) =>
    collect(workshop, names, {
      policy: workshop.policy,
      cacheFolder,
      reports: [{ source: 'trivy.json', image, bytes }],
    });
  const files = { '/etc/motd': 'CRITICAL', '/opt/app/main': 'LOW', '/nowhere': 'HIGH' };
  const { inheritance, errors } = await scan(reportOn(app, files));
  expect(errors).toEqual([]);
  expect(inheritance.images.map(image => image.scan)).toEqual([
    { reports: 1, findings: 3, unattributed: 1 },
    null,
  ]);
  const [base] = inheritance.root.children;
  const runtime = base?.children[0];
  expect(base?.findings).toMatchObject({ total: 1, bySeverity: { critical: 1, high: 0 } });
  expect(runtime?.findings).toMatchObject({ total: 0 });
  // Nobody has scanned the worker's own layer: that is not "none".
  expect(runtime?.children.map(({ findings }) => findings?.total ?? null)).toEqual([1, null]);

  const codesOf = async (...given: Parameters<typeof scan>) => {
    const said = await scan(...given);
    expect(said.inheritance.images.every(image => image.scan === null)).toBe(said.errors.length > 0);
    return said.errors.map(({ code, details }) => `${code} ${details['report']}`);
  };
  expect(await codesOf(reportOn(onTop(app, 'more'), files))).toEqual(['report-other-image trivy.json']);
  expect(await codesOf(reportOn(undefined, files))).toEqual(['usage-argument trivy.json']);
  expect(await codesOf(reportOn(undefined, files), workshop.reference('worker'))).toEqual([]);
  expect(await codesOf(reportOn(app, files), workshop.reference('worker'))).toEqual([
    'report-other-image trivy.json',
  ]);
  expect(await codesOf(utf8('{'))).toEqual(['report-invalid trivy.json']);
  const parts = utf8('{"bomFormat":"CycloneDX","specVersion":"1.6","components":[]}');
  expect(await codesOf(parts, workshop.reference('app'))).toEqual(['report-invalid trivy.json']);
}

describe('without a policy', () => {
  test('bases are followed by what images say, and all of it is self-asserted', async () => {
    const workshop = await openWorkshop();
    await builtImages(workshop);
    workshop.registry?.clearRequests();
    const { inheritance, errors, outcomes } = await collect(workshop, ['app', 'worker']);
    expect({ errors, outcomes, policy: inheritance.policy }).toEqual({
      errors: [],
      outcomes: [],
      policy: null,
    });
    expect(inheritance.images.map(({ state }) => state)).toEqual(['unverified', 'unverified']);
    const { base, runtime, app, worker } = imagesIn(inheritance.root);
    expect(base).toMatchObject({
      basis: 'self-asserted',
      marks: [],
      created: { time: '2026-10-01T00:00:00Z', age: 4_363_200 },
    });
    expect(runtime).toMatchObject({ basis: 'self-asserted', currency: { state: 'current' } });
    expect([app?.basis, worker?.basis]).toEqual(['asked', 'asked']);
    // Two for each image, two for each base, one for each tag that is not an image asked for: no more.
    expect(requestsOf(workshop)).toHaveLength(2 * 2 + 2 * 2 + 2);
    expect(new Set(requestsOf(workshop)).size).toBe(10);
  });

  test('a base whose tag has moved on is behind', async () => {
    const workshop = await openWorkshop();
    await builtImages(workshop);
    const newer = baseImage({ config: { created: '2026-11-01T00:00:00Z' } });
    await workshop.push('base', newer);
    const { base, runtime } = imagesIn((await collect(workshop, ['app'])).inheritance.root);
    expect(base?.currency).toMatchObject({
      state: 'behind',
      names: [
        { name: workshop.reference('base'), now: newer.manifest.descriptor.digest, from: 'annotation' },
      ],
    });
    expect(runtime?.currency.state).toBe('current');
  });

  test('a tag that is gone, or cannot be asked for, is unknown', async () => {
    const workshop = await openWorkshop();
    await builtImages(workshop);
    workshop.registry?.setFault(({ path }) =>
      path.endsWith('/shop/base/manifests/1') ? { status: 403 } : undefined,
    );
    workshop.registry?.repository('shop/runtime').tags.delete('1');
    const { base, runtime } = imagesIn((await collect(workshop, ['app'])).inheritance.root);
    expect(base?.currency).toMatchObject({
      state: 'unknown',
      names: [{ code: 'oci-unauthorized', now: null }],
    });
    expect(runtime?.currency).toMatchObject({ state: 'unknown', names: [{ code: 'oci-not-found' }] });
  });

  test.each([
    ['another registry', 'elsewhere.example/shop/base:1', true, 'net-offline'],
    ['a folder of this machine', 'oci:/etc:1', true, 'annotation-mismatch'],
    ['layers that are not its own', undefined, false, 'annotation-mismatch'],
  ])('a base that names %s has no place, and nothing else is asked', async (_, name, below, code) => {
    const workshop = await openWorkshop();
    const base = baseImage();
    await workshop.push('base', base);
    const annotations = {
      ...standsOn(workshop, 'base', base),
      ...(name && { 'org.opencontainers.image.base.name': name }),
    };
    const app = below
      ? onTop(base, 'opt/app', { annotations })
      : buildImage({ layers: [{ a: 'b' }], annotations });
    await workshop.push('app', app);
    const { inheritance, errors } = await collect(workshop, ['app']);
    expect(errors).toEqual([]);
    const images = imagesIn(inheritance.root);
    expect(Object.keys(images)).toEqual(['app']);
    expect(images['app']?.namedBase).toMatchObject({ code, digest: base.manifest.descriptor.digest });
    expect(images['app']?.namedBase?.currency.state).toBe('unknown');
  });

  test('of an index the platform is shown, and a base may be named by its index', async () => {
    const workshop = await openWorkshop();
    const base = baseImage();
    const arm = baseImage({ platform: { os: 'linux', architecture: 'arm64' } });
    const bases = buildIndex([base, arm]);
    await workshop.push('base', bases);
    const digest = bases.manifest.descriptor.digest;
    const annotations = {
      ...standsOn(workshop, 'base', base),
      'org.opencontainers.image.base.digest': digest,
    };
    await workshop.push(
      'app',
      buildIndex([onTop(base, 'app', { annotations }), onTop(arm, 'app', { annotations })]),
    );
    const { inheritance } = await collect(workshop, ['app'], { platform: 'linux/arm64' });
    const images = imagesIn(inheritance.root);
    expect(images['base']).toMatchObject({
      manifest: arm.manifest.descriptor.digest,
      currency: { state: 'current' },
    });
    expect(images['app']).toMatchObject({ platform: 'linux/arm64', currency: { state: 'current' } });
    const { errors } = await collect(workshop, ['app']);
    expect(errors.map(({ code, hint }) => [code, hint])).toEqual([
      ['usage-argument', '--platform linux/amd64'],
    ]);
  });

  test('an image that is not there is named, and the others are shown', async () => {
    const workshop = await openWorkshop();
    await builtImages(workshop);
    const { inheritance, errors } = await collect(workshop, ['nothing', 'base']);
    expect(errors.map(({ code }) => code)).toEqual(['oci-not-found']);
    expect(inheritance.images.map(({ state, code }) => [state, code])).toEqual([
      ['indeterminate', 'oci-not-found'],
      ['unverified', null],
    ]);
    expect(Object.keys(imagesIn(inheritance.root))).toEqual(['base']);
  });
});

describe('with a policy', () => {
  test('what the chains prove, out of what travels with them: one more request for each tag', async () => {
    const workshop = await openWorkshop();
    // The worker's team calls its base by a tag of its own, to seem up to date: that counts for nothing.
    const images = await builtImages(workshop, 'worker');
    await markAll(workshop);
    const { policy } = workshop;
    workshop.registry?.clearRequests();
    await workshop.verify('app');
    await workshop.verify('worker');
    const verifying = requestsOf(workshop);
    workshop.registry?.clearRequests();
    const { inheritance, outcomes } = await collect(workshop, ['app', 'worker'], { policy });
    expect(outcomes.map(({ code }) => code)).toEqual([null, null]);
    const { base, runtime, app, worker } = imagesIn(inheritance.root);
    expect(base).toMatchObject({
      basis: 'proven',
      marks: [{ team: 'base', step: 'base', signers: ['linus'], kind: 'add', age: 0 }],
      created: { time: '2026-10-01T00:00:00Z' },
      currency: { state: 'current', names: [{ from: 'annotation' }] },
    });
    expect(runtime?.currency.names.map(({ name }) => name)).toEqual([workshop.reference('runtime')]);
    expect([runtime?.basis, app?.state, worker?.state]).toEqual(['proven', 'verified', 'verified']);
    expect(inheritance.root.children[0]?.owners).toEqual([{ team: 'base', step: 'base' }]);
    const more = requestsOf(workshop).filter(path => !verifying.includes(path));
    expect(more.sort()).toEqual(['GET /v2/shop/base/manifests/1', 'GET /v2/shop/runtime/manifests/1']);
    expect(requestsOf(workshop)).toHaveLength(verifying.length + 2);

    // Without marks an image is shown by its layers, with the code; what it says of its base counts for nothing.
    const tool = onTop(images.base, 'tool', { annotations: standsOn(workshop, 'base', images.base) });
    await workshop.push('tool', tool);
    const both = await collect(workshop, ['app', 'tool'], { policy });
    expect(both.outcomes.map(({ code }) => code)).toEqual([null, 'no-marks']);
    const unmarked = { state: 'failed', code: 'no-marks', basis: 'asked', marks: [] };
    expect(imagesIn(both.inheritance.root)['tool']).toMatchObject(unmarked);
    const alone = await collect(workshop, ['tool'], { policy });
    expect(Object.keys(imagesIn(alone.inheritance.root))).toEqual(['tool']);
    await findsWhatReportsSay(workshop, images.app);
  });

  test('what TUF has recorded for a tag or a channel goes before what the registry answers', async () => {
    const workshop = await openWorkshop();
    const { base } = await builtImages(workshop);
    await markAll(workshop);
    const world = await openTrustWorld(workshop);
    for (const [team, name] of [
      ['base', 'base'],
      ['runtime', 'runtime'],
      ['app', 'app'],
    ] as const)
      await world.listMarks(team, name);
    await world.channel('stable', 'base');
    const repository = workshop.reference('base').replace(/:1$/, '');
    const held = withStep('base', { currency: { channel: 'stable', maxBehind: 1 } });
    const policy = { ...workshop.policy, ...held(workshop.policy) };
    const currencyOf = async () => {
      const view = await world.view();
      const facts = await view.factsFor(policy);
      const options = { policy, facts, releaseOf: view.releaseOf };
      const { inheritance, outcomes } = await collect(workshop, ['app'], options);
      expect(outcomes.map(({ code }) => code)).toEqual([null]);
      return imagesIn(inheritance.root)['base']?.currency;
    };
    // Somebody moves the tag in the registry: by what was signed the base is still the newest.
    await world.release('base', repository, '1');
    const newer = onTop(base, 'etc/newer');
    await workshop.push('base', newer);
    const before = await currencyOf();
    expect(before).toMatchObject({
      state: 'current',
      names: [
        { kind: 'tag', by: 'tuf' },
        { kind: 'channel', by: 'tuf', behind: 0 },
      ],
    });
    await world.release('base', repository, '1');
    const after = await currencyOf();
    expect(after).toMatchObject({
      state: 'behind',
      names: [
        { kind: 'tag', by: 'tuf', state: 'behind', now: newer.manifest.descriptor.digest },
        { kind: 'channel', state: 'current' },
      ],
    });
  });
});

test('a layout needs no registry, and asks none', async () => {
  const workshop = await openWorkshop('a layout');
  const base = baseImage();
  const annotations = {
    'org.opencontainers.image.base.name': 'elsewhere.example/base:1',
    'org.opencontainers.image.base.digest': base.manifest.descriptor.digest,
  };
  const store = await workshop.push('app', onTop(base, 'app', { annotations }));
  await store.commit();
  const gone = imagesIn((await collect(workshop, ['app'])).inheritance.root);
  expect(gone['?']?.namedBase).toMatchObject({ code: 'oci-not-found', currency: { state: 'unknown' } });
  // What a folder holds says nothing of the tag that the image is to have elsewhere.
  const elsewhere = await collect(workshop, ['app'], { repository: 'elsewhere.example/app' });
  expect(elsewhere.inheritance.root.children[0]?.images[0]?.currency).toMatchObject({
    state: 'unknown',
    names: [{ name: 'elsewhere.example/app:1', code: 'net-offline' }],
  });
  // A base that lies in the same layout is read from there.
  await pushImage(store, base);
  await store.commit();
  const { root } = (await collect(workshop, ['app'])).inheritance;
  expect(root.children[0]?.images).toMatchObject([
    {
      basis: 'self-asserted',
      manifest: base.manifest.descriptor.digest,
      currency: { state: 'unknown', names: [{ name: 'elsewhere.example/base:1', code: 'net-offline' }] },
    },
  ]);
});
