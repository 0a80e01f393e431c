import { readdir } from 'node:fs/promises';
import { Socket } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Signer } from '../../../src/crypto/index.js';
import type { CustodyPolicy } from '../../../src/custody/index.js';
import { createStoreAccess, openStore } from '../../../src/oci/open.js';
import { parseReference } from '../../../src/oci/reference.js';
import type { Store } from '../../../src/oci/store.js';
import { type PromoteOptions, type PromotionApproval, promoteImage } from '../../../src/sign/promote.js';
import { buildIndex, pushImage } from '../../../src/testing/image.js';
import { startRegistry, type TestRegistry } from '../../../src/testing/registry.js';
import { verifyCustody } from '../../../src/verify/verify-custody.js';
import { approvalRule } from '../custody/world.js';
import { type MarkedDraft, SCAN } from '../custody-images.js';
import { anImage, aSigner, temporaryFolder } from '../images.js';
import { codeOfAsync } from '../support.js';
import { PROMOTE, plantScanned, promotionPolicy } from './marked.js';

async function open(reference: string): Promise<Store> {
  const access = createStoreAccess({});
  const store = await openStore(parseReference(reference), access);
  onTestFinished(async () => {
    await store.close();
    await access.close();
  });
  return store;
}

/** A registry where `dev/app` holds an image that three teams digest and security scanned, and `prod/app` nothing. */
async function site(draft: MarkedDraft & { readonly scan?: boolean } = {}) {
  const registry = await startRegistry();
  onTestFinished(() => registry.close());
  const [dev, prod] = [`${registry.host}/dev/app`, `${registry.host}/prod/app`];
  const source = await open(`${dev}:1`);
  const target = await open(`${prod}:1`);
  const marked = await plantScanned(source, { repository: dev, tag: '1', ...draft });
  const { now, image } = marked;
  const policy = await promotionPolicy(marked, {
    from: `${registry.host}/dev/*`,
    to: `${registry.host}/prod/*`,
  });
  const promote = (more: Partial<PromoteOptions> = {}, to = target, from = source) =>
    promoteImage(from, to, image.manifest, { policy, now, tag: '1', ...more });
  const { digest } = image.manifest.descriptor;
  return { registry, dev, prod, source, target, image, digest, now, policy, promote };
}

function withThreshold(policy: CustodyPolicy, threshold: number): CustodyPolicy {
  return {
    ...policy,
    approvals: policy.approvals.map(r => (r.name === PROMOTE.name ? { ...r, threshold } : r)),
  };
}

function approvalBy(...names: readonly string[]): PromotionApproval & { readonly opened: () => number } {
  let opened = 0;
  return {
    team: 'release',
    step: 'promote',
    creator: 'touchmark/test',
    opened: () => opened,
    signers: async (): Promise<readonly Signer[]> => {
      opened++;
      return Promise.all(names.map(name => aSigner(name)));
    },
  };
}

const writesTo = ({ requests }: TestRegistry, repository: string) =>
  requests.filter(
    ({ method, path }) => !['GET', 'HEAD'].includes(method) && path.startsWith(`/v2/${repository}/`),
  );

const digestOfTag = async (store: Store, tag = '1') =>
  (await store.fetchManifest({ tag }))?.descriptor.digest;

describe('promoting', () => {
  test('verifies, copies, approves, verifies what arrived, and then sets the tag', async () => {
    const { registry, prod, digest, now, policy, promote } = await site();
    const approval = approvalBy('rob');
    registry.clearRequests();
    const done = await promote({ approval });
    expect(done).toMatchObject({
      digest,
      repository: prod,
      refusedAt: null,
      promoted: true,
      replaced: null,
      source: { code: null },
      destination: { code: null },
    });
    expect(done.planned[0]?.claim.repo).toBe(prod);
    expect(approval.opened()).toBe(1);
    const tagged = writesTo(registry, 'prod/app').filter(({ path }) => path.endsWith('/manifests/1'));
    expect(tagged).toHaveLength(1);
    expect(writesTo(registry, 'prod/app').at(-1)).toBe(tagged[0]);
    expect(writesTo(registry, 'dev/app')).toEqual([]);
    const verdict = await verifyCustody(createStoreAccess({}), `${prod}:1`, { policy, now });
    expect(verdict).toMatchObject({ code: null, digest });
    expect(verdict.custody?.approvals.map(({ rule }) => rule).sort()).toEqual(['promote', 'scan']);
  });

  test('without the approval that the relocation asks for nothing is written', async () => {
    const { registry, promote } = await site();
    registry.clearRequests();
    const refused = await promote();
    expect(refused).toMatchObject({ refusedAt: 'source', promoted: false, copied: null, destination: null });
    expect(refused.source.custody?.findings.map(({ code }) => code)).toContain('approval-missing');
    expect(writesTo(registry, 'prod/app')).toEqual([]);
  });

  test.each([
    ['an approval that must come first is missing', { scan: false }, {}, 'approval-missing'],
    [
      'a team in the middle is not one of the policy',
      { teams: ['base', 'tools', 'app'] },
      {},
      'step-unknown',
    ],
    [
      'it was made for a repository that may not go there',
      { repository: 'registry.example/dev/app' },
      {},
      'identity-mismatch',
    ],
    ['the policy has expired', {}, { expires: new Date(0) }, 'policy-expired'],
  ] satisfies [string, Parameters<typeof site>[0], Partial<CustodyPolicy>, string][])(
    'the source is refused when %s, and no key is opened',
    async (_, draft, edit, code) => {
      const { registry, target, promote, policy } = await site(draft);
      const flow = policy.flow.filter(({ step }) => step !== 'tools');
      registry.clearRequests();
      const approval = approvalBy('rob');
      const refused = await promote({ approval, policy: { ...policy, flow, ...edit } });
      expect(refused).toMatchObject({ refusedAt: 'source', source: { code }, promoted: false });
      expect(approval.opened()).toBe(0);
      expect(writesTo(registry, 'prod/app')).toEqual([]);
      expect(await digestOfTag(target)).toBeUndefined();
    },
  );

  test('an image under the name of another one is refused', async () => {
    const { registry, promote } = await site();
    const other = await open(`${registry.host}/prod/other:1`);
    expect(await promote({ approval: approvalBy('rob') }, other)).toMatchObject({
      refusedAt: 'source',
      source: { code: 'identity-mismatch' },
    });
  });

  test('a key that is not of the approving team leaves the tag as it was', async () => {
    const { target, promote } = await site();
    await pushImage(target, anImage('before'), '1');
    const before = await digestOfTag(target);
    expect(await codeOfAsync(promote({ approval: approvalBy('app') }))).toBe('key-not-authorised');
    expect(await digestOfTag(target)).toBe(before);
  });

  test('two people promote one after the other, and the tag moves with the second', async () => {
    const { registry, target, digest, policy, promote } = await site();
    await pushImage(target, anImage('before'), '1');
    const before = await digestOfTag(target);
    const strict = withThreshold(policy, 2);
    const first = await promote({ approval: approvalBy('rob'), policy: strict });
    expect(first).toMatchObject({
      refusedAt: 'destination',
      // Without enough signers the image may not be there at all; the other finding says how many are missing.
      destination: { code: 'identity-mismatch' },
      promoted: false,
    });
    expect(first.destination?.custody?.findings.map(({ code }) => code)).toContain('threshold-not-met');
    expect(await digestOfTag(target)).toBe(before);

    registry.clearRequests();
    const second = await promote({ approval: approvalBy('ria'), policy: strict });
    expect(second).toMatchObject({ refusedAt: null, promoted: true, replaced: before });
    expect(second.copied?.bytes).toBe(0);
    expect(second.planned[0]?.digest).toBe(first.planned[0]?.digest);
    expect(await digestOfTag(target)).toBe(digest);
  });

  test('goes on where it was interrupted', async () => {
    const { registry, target, digest, promote } = await site();
    let broken = false;
    registry.setFault(({ method, path }) => {
      // The registry is gone as soon as the first signature arrives.
      if (method === 'PUT' && path.includes('prod/app/manifests/') && path.includes('.sig')) broken = true;
      return broken && path.includes('prod/app') ? { status: 403 } : undefined;
    });
    expect(await codeOfAsync(promote({ approval: approvalBy('rob') }))).toBe('oci-unauthorized');
    registry.setFault(undefined);
    expect(await digestOfTag(target)).toBeUndefined();
    registry.clearRequests();
    const done = await promote({ approval: approvalBy('rob') });
    expect(done).toMatchObject({ promoted: true, copied: { bytes: 0 } });
    expect(await digestOfTag(target)).toBe(digest);
  });

  test('what is damaged at the destination is a no, and the tag stays', async () => {
    const { registry, target, image, policy, promote } = await site();
    await promote({ approval: approvalBy('rob') });
    await pushImage(target, anImage('before'), '1');
    const before = await digestOfTag(target);
    // The destination says that it has every layer, and serves other bytes.
    const { digest, size } = image.layers[2]?.descriptor ?? image.manifest.descriptor;
    registry.setFault(({ method, path }) =>
      method === 'GET' && path === `/v2/prod/app/blobs/${digest}`
        ? { body: new Uint8Array(size) }
        : undefined,
    );
    const strict = { ...policy, evidence: 'blobs' as const };
    const error = await promote({ policy: strict, approval: approvalBy('rob') }).catch(e => e);
    expect(error).toMatchObject({ code: 'blob-digest-mismatch' });
    expect(error.details.at).toContain('/prod/app@');
    expect(await digestOfTag(target)).toBe(before);
  });

  test('a dry run says what would be claimed, writes nothing and opens no key', async () => {
    const { registry, prod, promote } = await site();
    registry.clearRequests();
    const approval = approvalBy('rob');
    const planned = await promote({ approval, dryRun: true });
    expect(planned).toMatchObject({ refusedAt: null, copied: null, destination: null, promoted: false });
    expect(planned.planned.map(({ claim }) => [claim.kind, claim.step, claim.repo])).toEqual([
      ['approve', 'promote', prod],
    ]);
    expect(approval.opened()).toBe(0);
    expect(writesTo(registry, 'prod/app')).toEqual([]);
  });

  test('within one repository the tag moves to what passes', async () => {
    const { target, digest, promote } = await site();
    await promote({ approval: approvalBy('rob') });
    const done = await promote({ tag: 'stable' }, target, target);
    expect(done).toMatchObject({ promoted: true, copied: { bytes: 0 } });
    expect(await digestOfTag(target, 'stable')).toBe(digest);
  });

  test('an approval that the policy does not ask for is refused with those it does', async () => {
    const { promote } = await site();
    const error = await promote({ approval: { ...approvalBy('rob'), step: 'release' } }).catch(e => e);
    expect(error).toMatchObject({ code: 'usage-argument', hint: expect.stringContaining('promote') });
  });
});

test('each image of an index is approved', async () => {
  const registry = await startRegistry();
  onTestFinished(() => registry.close());
  const [dev, prod] = [`${registry.host}/dev/app`, `${registry.host}/prod/app`];
  const [source, target] = [await open(`${dev}:1`), await open(`${prod}:1`)];
  const images = [
    await plantScanned(source, { repository: dev }),
    await plantScanned(source, { repository: dev, platform: { os: 'linux', architecture: 'arm64' } }),
  ] as const;
  const { manifest: index } = buildIndex(images.map(({ image }) => image));
  await source.writeManifest(index, '1');
  const policy = await promotionPolicy(images[0], {
    from: `${registry.host}/dev/*`,
    to: `${registry.host}/prod/*`,
  });
  const done = await promoteImage(source, target, index, {
    policy,
    now: images[0].now,
    tag: '1',
    approval: approvalBy('rob'),
  });
  expect(done).toMatchObject({
    promoted: true,
    destination: { code: null, index: { children: { length: 2 } } },
  });
  expect(done.approvals.map(({ subject }) => subject)).toEqual(
    images.map(({ image }) => image.manifest.descriptor.digest),
  );
});

describe('through an air gap', () => {
  /** What of a process reaches for the network. */
  function countConnections(): () => number {
    const spy = vi.spyOn(Socket.prototype, 'connect');
    onTestFinished(() => spy.mockRestore());
    return () => spy.mock.calls.length;
  }

  test('an archive is verified without a socket, and promoted on the other side', async () => {
    const { dev, target, digest, now, policy, promote } = await site();
    const file = `${await temporaryFolder()}/app.tar`;
    const archive = await open(`oci-archive:${file}:1`);
    // Development lets its own images out: as what they are there.
    const leaving = { ...policy, repositories: [dev], relocations: [], approvals: [SCAN] };
    const left = await promote({ policy: leaving }, archive);
    expect(left).toMatchObject({ promoted: true, repository: dev });

    const connections = countConnections();
    const offline = createStoreAccess({ offline: true });
    const verdict = await verifyCustody(offline, `oci-archive:${file}:1`, { policy: leaving, now });
    expect(verdict).toMatchObject({ code: null, digest, custody: { level: 'blobs' } });
    expect(connections()).toBe(0);

    const inside = await open(`oci-archive:${file}:1`);
    const arrived = await promote({ approval: approvalBy('rob') }, target, inside);
    expect(arrived).toMatchObject({ promoted: true });
    // The count means something: the way into the registry opened sockets.
    expect(connections()).toBeGreaterThan(0);
    expect(await digestOfTag(target)).toBe(digest);
  });

  test('for a layout the repository that it is meant for can be named', async () => {
    const { prod, promote } = await site();
    const layout = await open(`oci:${await temporaryFolder()}/app:1`);
    const approval = approvalBy('rob');
    expect(await promote({ approval, repository: prod }, layout)).toMatchObject({
      promoted: true,
      repository: prod,
    });
    const again = await open(`oci:${await temporaryFolder()}/again:1`);
    expect(await promote({ repository: prod }, again, layout)).toMatchObject({ promoted: true });
    // Neither end has a name now: an approval must not be given for a made-up one.
    expect(await codeOfAsync(promote({ approval }, again, layout))).toBe('usage-argument');
  });

  test('an archive is written whole or not at all', async () => {
    const { promote, policy, prod } = await site();
    const folder = await temporaryFolder();
    const archive = await open(`oci-archive:${folder}/app.tar:1`);
    const refused = await promote(
      { approval: approvalBy('rob'), policy: withThreshold(policy, 2), repository: prod },
      archive,
    );
    expect(refused).toMatchObject({ refusedAt: 'destination', promoted: false });
    await archive.close();
    expect(await readdir(folder)).toEqual([]);
  });
});

test('rules that wait for the approval are not asked of the source, all others are', async () => {
  const { policy, promote } = await site();
  const approvals = [
    ...policy.approvals,
    approvalRule({ name: 'announce', team: 'release', after: ['promote'] }),
  ];
  const refused = await promote({ approval: approvalBy('rob'), policy: { ...policy, approvals } });
  expect(refused).toMatchObject({ refusedAt: 'destination', destination: { code: 'approval-missing' } });
  const legal = [...policy.approvals, approvalRule({ name: 'legal', team: 'release' })];
  expect(
    await promote({ approval: approvalBy('rob'), policy: { ...policy, approvals: legal } }),
  ).toMatchObject({ refusedAt: 'source', source: { code: 'approval-missing' } });
});
