import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import type { CustodyPolicy } from '../../../src/custody/index.js';
import { createStoreAccess } from '../../../src/oci/open.js';
import { loadKeys, parsePolicy, policyKeyReader } from '../../../src/policy/index.js';
import { listClaim } from '../../../src/sign/list-claims.js';
import { buildIndex } from '../../../src/testing/image.js';
import { createMemoryCache } from '../../../src/tuf/index.js';
import { computeKeyid, openKey } from '../../../src/tuf/keys.js';
import {
  addRoleKey,
  removeRoleKey,
  removeTargets,
  revokeRole,
  signStaged,
} from '../../../src/tuf/repository/index.js';
import { verifyImage } from '../../../src/verify/index.js';
import { requireSigned } from '../../../src/verify/trust-policies.js';
import { DAY } from '../custody/world.js';
import { aSigner, temporaryFolder } from '../images.js';
import {
  baseImage,
  NOW,
  onTop,
  openWorkshop,
  signersOf,
  upToApp,
  type Workshop,
  withStep,
} from '../sign/workshop.js';
import { codeOfAsync } from '../support.js';
import { openTrustWorld, type TrustWorld } from './trust-world.js';

/** Attacks of CUSTODY.md section 8 that TUF sees, with a repository, a client and images that are there. */

type Edit = (policy: CustodyPolicy) => Partial<CustodyPolicy>;

/** Three images are marked, and their teams list it. */
async function company(edit: Edit = () => ({ index: 'complete' })) {
  const plain = await openWorkshop('a registry');
  const images = await upToApp(plain);
  await plain.mark('app', { base: 'runtime' });
  const workshop = { ...plain, policy: { ...plain.policy, ...edit(plain.policy) } };
  const world = await openTrustWorld(workshop);
  for (const team of ['base', 'runtime', 'app']) await world.listMarks(team, team);
  return { workshop, world, images };
}

const repositoryOf = (workshop: Workshop, name = 'app') => `${workshop.registry?.host}/shop/${name}`;

async function codeOf(
  workshop: Workshop,
  world: TrustWorld,
  policy = workshop.policy,
): Promise<string | null> {
  const trust = await world.trust(policy);
  return (await workshop.verify('app', { policy, trust })).code;
}

/** A copy of what is published now, as somebody serves it later. */
async function snapshotOf({ folder }: TrustWorld): Promise<string> {
  const copy = join(await temporaryFolder(), 'frozen');
  await cp(folder, copy, { recursive: true });
  return copy;
}

test('honest: everything is delegated, listed and there', async () => {
  const { workshop, world } = await company();
  const trust = await world.trust(workshop.policy);
  expect(await workshop.verify('app', { policy: workshop.policy, trust })).toMatchObject({
    code: null,
    custody: { verdict: 'pass' },
  });
  expect((await workshop.verify('app', { policy: workshop.policy })).code).toBe('tuf-root-missing');
});

test('A7: the registry hides that the base was withdrawn', async () => {
  const { workshop, world } = await company();
  await world.listMarks('base', 'base', { withdrawn: 'a hole in its libc' });
  const outcome = await workshop.verify('app', {
    policy: workshop.policy,
    trust: await world.trust(workshop.policy),
  });
  expect(outcome.code).toBe('base-withdrawn');
  expect(outcome.custody?.findings[0]?.message).toContain('a hole in its libc');
});

test('A8: the registry rolls a tag back to an older image whose marks all hold', async () => {
  const { workshop, world, images } = await company();
  const newer = onTop(images.runtime, 'opt/app/fixed');
  await workshop.push('app', newer);
  await workshop.mark('app', { base: 'runtime' });
  await world.listMarks('app', 'app');
  await world.release('app', repositoryOf(workshop), '1');
  const trust = await world.trust(workshop.policy);
  expect(await workshop.verify('app', { policy: workshop.policy, trust })).toMatchObject({
    code: null,
    release: { role: 'release', digest: newer.manifest.descriptor.digest },
  });
  await workshop.push('app', images.app);
  const outcome = await workshop.verify('app', { policy: workshop.policy, trust });
  expect(outcome.code).toBe('release-rollback');
  expect(outcome.custody?.findings.filter(({ severity }) => severity === 'fail')).toHaveLength(1);
});

test('A9 and C7: metadata is frozen, with or without the online key, and ends when it expires', async () => {
  const { workshop, world } = await company();
  const frozen = await snapshotOf(world);
  const later = new Date(NOW.getTime() + 2 * DAY);
  await world.refresh(later);
  const view = (folder?: string) => world.view({ now: later, ...(folder && { folder }) });
  expect(await codeOfAsync(view(frozen))).toBe('tuf-expired');
  const facts = await (await view()).factsFor(workshop.policy);
  const trust = { facts, releaseOf: (await view()).releaseOf };
  expect((await workshop.verify('app', { policy: workshop.policy, trust })).code).toBeNull();
});

test('A10: older metadata is served to somebody who has seen newer', async () => {
  const { workshop, world } = await company();
  const old = await snapshotOf(world);
  await world.listMarks('base', 'base', { withdrawn: 'bad' });
  const cache = createMemoryCache();
  await world.view({ cache });
  expect(await codeOfAsync(world.view({ cache, folder: old }))).toBe('tuf-rollback');
  expect(await codeOf(workshop, world)).toBe('base-withdrawn');
});

test('A22: a claim that is listed for the image is kept back', async () => {
  const { workshop, world, images } = await company();
  const [claim] = await workshop.claims('app', images.app);
  await world.list('team-app', [listClaim({ ...claim!, expires: '2030-01-01T00:00:00Z' })], 'alan');
  expect(await codeOf(workshop, world)).toBe('mark-missing');
  expect(await codeOf(workshop, world, { ...workshop.policy, index: 'present' })).toBeNull();
});

test('B7: a base that its channel has left behind', async () => {
  const { workshop, world } = await company(
    withStep('base', { currency: { channel: 'stable', maxBehind: 0 } }),
  );
  await world.channel('stable', 'base');
  expect(await codeOf(workshop, world)).toBeNull();
  await workshop.push('newer', baseImage({ layers: [{ 'etc/os-release': 'ID=newer' }] }));
  await world.channel('stable', 'newer');
  expect(await codeOf(workshop, world)).toBe('base-behind');
});

describe('a team changes its key', () => {
  async function rotated(index: CustodyPolicy['index']) {
    const { workshop, world } = await company(() => ({ index }));
    const { key, keyid } = await entryOf(world, 'team-app');
    expect(key).toBe((await aSigner('alan')).publicKey.keyid);
    await addRoleKey(await world.repository(), 'team-app', {
      key: (await aSigner('anna')).publicKey,
      label: 'anna',
    });
    await removeRoleKey(await world.repository(), 'team-app', keyid);
    await signStaged(await world.repository(), { signers: await signersOf('paul') });
    return { workshop, world };
  }

  test('C4: marks of the old key stand where the team of today lists them', async () => {
    const { workshop, world } = await rotated('present');
    const listed = await world.repository().then(repository => repository.next('team-app'));
    const entries = [...(listed?.targets ?? [])].map(([path, info]) => ({ path, ...info }));
    await world.list('team-app', entries, ['anna', 'paul']);
    expect(await codeOf(workshop, world)).toBeNull();
    expect(await codeOf(workshop, world, { ...workshop.policy, index: 'off' })).toBe('key-retired');
  });

  test('C3: what the old key signs and the team does not list is nothing', async () => {
    const { workshop, world } = await rotated('present');
    const listed = await world.repository().then(repository => repository.next('team-app'));
    await removeTargets(await world.repository(), 'team-app', [...(listed?.targets.keys() ?? [])]);
    await world.publish('anna', 'paul');
    expect(await codeOf(workshop, world)).toBe('mark-unlisted');
  });
});

async function entryOf(world: TrustWorld, role: string) {
  const targets = await (await world.repository()).next('targets');
  const [keyid = ''] = targets?.delegations?.roles.find(({ name }) => name === role)?.keyids ?? [];
  const key = targets?.delegations?.keys.get(keyid);
  expect(key && computeKeyid(key.raw)).toBe(keyid);
  const opened = key && openKey(key);
  return { keyid, key: opened?.usable ? opened.identity : undefined };
}

test('C6: a team that is not delegated any more', async () => {
  const { workshop, world } = await company();
  await revokeRole(await world.repository(), 'team-runtime');
  await world.publish('paul');
  expect(await codeOf(workshop, world)).toBe('team-not-delegated');
});

describe('C8: a policy from a file', () => {
  const document = (version: number, name = 'shop') =>
    utf8(
      `custody: 1\nname: ${name}\nversion: ${version}\nscope: { repositories: ["registry.example/shop/*"] }\n` +
        `teams: { app: { signers: { ada: { keys: [${JSON.stringify(PEM)}] } } } }\n` +
        'flow: [{ step: app, team: app, kinds: [add], threshold: 1 }]\n',
    );
  const PEM =
    '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n';

  test('must be the one that its owners signed', async () => {
    const workshop = await openWorkshop('a layout');
    const world = await openTrustWorld(workshop);
    const { policies: none } = await world.view();
    const load = async (bytes: Uint8Array) =>
      (await loadKeys(parsePolicy(bytes, 'shop.yaml', 'yaml'), policyKeyReader('.'))).policy;
    const [old, current, next, other] = await Promise.all(
      [document(6), document(7), document(8), document(7, 'mine')].map(load),
    );
    const repository = 'registry.example/shop/app';
    await requireSigned(old!, repository, none);
    await world.list('targets', [{ path: 'policy/shop.yaml', bytes: document(7) }], 'paul');
    const { policies } = await world.view();
    await requireSigned(current!, repository, policies);
    await requireSigned(old!, 'registry.example/else/app', policies);
    expect(await codeOfAsync(requireSigned(old!, repository, policies))).toBe('policy-rollback');
    expect(await codeOfAsync(requireSigned(next!, repository, policies))).toBe('policy-rollback');
    expect(await codeOfAsync(requireSigned(other!, repository, policies))).toBe('usage-argument');
    expect(await codeOfAsync(requireSigned(old!, undefined, policies))).toBe('policy-rollback');
    expect((await policies.forRepository(repository))?.policy.version).toBe(7);
    expect(await policies.forRepository('registry.example/else/app')).toBeUndefined();
  });
});

describe('an index', () => {
  async function indexed(edit: Edit) {
    const workshop = await openWorkshop('a registry');
    const image = baseImage();
    const index = buildIndex([image]);
    const flow = workshop.policy.flow.filter(({ step }) => step === 'base');
    const policy = { ...workshop.policy, flow, ...edit(workshop.policy) };
    await workshop.push('base', index);
    await workshop.mark('base', { policy: { ...workshop.policy, flow } });
    const world = await openTrustWorld(workshop);
    await world.listMarks('base', 'base');
    const verify = async () => workshop.verify('base', { policy, trust: await world.trust(policy) });
    return { workshop, world, verify, index, image };
  }

  test('is held to what TUF lists, and so is each image in it', async () => {
    const { verify, world, image, workshop } = await indexed(() => ({ index: 'complete' }));
    expect((await verify()).code).toBeNull();
    const [claim] = await workshop.claims('base', image);
    await world.list('team-base', [listClaim(claim!, 'bad')], 'linus');
    expect((await verify()).code).toBe('mark-withdrawn');
  });

  test('is rolled back like an image', async () => {
    const { verify, world, workshop } = await indexed(() => ({ index: 'present' }));
    await world.release('base', repositoryOf(workshop, 'base'), '1');
    expect((await verify()).code).toBeNull();
    await workshop.push('base', buildIndex([baseImage(), onTop(baseImage(), 'etc/new')]));
    expect((await verify()).index?.findings.map(({ code }) => code)).toContain('release-rollback');
  });
});

describe('signatures and releases', () => {
  async function released() {
    const workshop = await openWorkshop('a registry');
    const world = await openTrustWorld(workshop);
    await workshop.push('app', baseImage());
    await world.release('app', repositoryOf(workshop), '1');
    const access = createStoreAccess({});
    onTestFinished(() => access.close());
    const { releaseOf } = await world.view();
    const verify = (reference = workshop.reference('app')) =>
      verifyImage(access, reference, { keys: [], releaseOf });
    return { workshop, world, verify };
  }

  test('a released tag is a yes by the role that released it, without any key', async () => {
    const { verify } = await released();
    expect(await verify()).toMatchObject({ code: null, release: { role: 'release' } });
  });

  test('another image under the tag is none', async () => {
    const { verify, workshop } = await released();
    await workshop.push('app', onTop(baseImage(), 'evil'));
    expect((await verify()).code).toBe('release-rollback');
  });

  test('what nobody released is no yes, nor what is named by digest', async () => {
    const { verify, workshop } = await released();
    await workshop.push('runtime', baseImage());
    expect((await verify(workshop.reference('runtime'))).code).toBe('tuf-target-unlisted');
    const { digest } = await verify();
    expect((await verify(`${workshop.reference('app')}@${digest}`)).code).toBe('tuf-target-unlisted');
  });
});
