import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createSigner, generateKey, type Signer } from '../../../src/crypto/index.js';
import { startRegistry } from '../../../src/testing/index.js';
import { auditTrust } from '../../../src/trust/audit.js';
import { checkoutRepository } from '../../../src/trust/checkout.js';
import { openTrustClient } from '../../../src/trust/client.js';
import { parseTrustLocation } from '../../../src/trust/location.js';
import { checkDestination, publishRepository } from '../../../src/trust/publish.js';
import {
  addTargets,
  delegateRole,
  initRepository,
  openRepository,
  publishStaged,
  refreshOnline,
  signStaged,
} from '../../../src/tuf/repository/index.js';
import { codeOfAsync, text } from '../support.js';
import { scratch, storeAccess } from './support.js';

const NOW = new Date('2030-06-01T00:00:00Z');
const newSigner = async (): Promise<Signer> => createSigner(await generateKey('ecdsa-p256'));

/** A repository that is published in a registry, and what its people hold. */
async function company() {
  const registry = await startRegistry();
  onTestFinished(() => registry.close());
  const [root, targets, online, team] = await Promise.all([
    newSigner(),
    newSigner(),
    newSigner(),
    newSigner(),
  ]);
  const role = ({ publicKey }: Signer, expiryDays: number) => ({
    keys: [{ key: publicKey }],
    threshold: 1,
    expiryDays,
  });
  const folder = await scratch();
  await initRepository(folder, {
    root: role(root, 365),
    targets: role(targets, 90),
    snapshot: role(online, 7),
    timestamp: role(online, 1),
    now: NOW,
  });
  const destination = `oci://${registry.host}/trust`;
  const member = (path: string) => ({
    path,
    open: (now = NOW) => openRepository(path, { now }),
    publish: async (now = NOW) => {
      await checkDestination(storeAccess(), { folder: path, destination });
      await publishStaged(await openRepository(path, { now }), { signers: [online] });
      return publishRepository(storeAccess(), { folder: path, destination, now });
    },
  });
  const owner = member(folder);
  await signStaged(await owner.open(), { signers: [root, targets] });
  await owner.publish();
  return { registry, destination, owner, member, root, targets, online, team, access: storeAccess() };
}

type Company = Awaited<ReturnType<typeof company>>;

async function client({ destination, owner }: Company, now = NOW) {
  const root = await readFile(join(owner.path, 'metadata', '1.root.json'));
  const location = parseTrustLocation(destination);
  const trust = await openTrustClient(storeAccess(), { location, root, folder: await scratch(), now });
  onTestFinished(() => trust.close());
  return trust.client;
}

async function checkout({ destination, owner, member }: Company, path?: string) {
  const folder = path ?? (await scratch());
  const root = await readFile(join(owner.path, 'metadata', '1.root.json'));
  const location = parseTrustLocation(destination);
  const done = await checkoutRepository(storeAccess(), { location, root, folder, now: NOW });
  return { ...member(folder), done };
}

describe('two people and a registry', () => {
  it('one delegates to a team, the team publishes from a checkout of its own, everybody reads it', async () => {
    const all = await company();
    const { owner, targets, team } = all;
    await delegateRole(await owner.open(), {
      delegator: 'targets',
      name: 'team-base',
      keys: [{ key: team.publicKey }],
      threshold: 1,
      paths: ['base/*'],
      terminating: false,
      expiryDays: 30,
    });
    await signStaged(await owner.open(), { signers: [targets, team] });
    await owner.publish();

    const theirs = await checkout(all);
    expect(theirs.done).toMatchObject({ state: 'created', roles: 2 });
    await addTargets(await theirs.open(), 'team-base', [
      { path: 'base/image', bytes: Buffer.from('sha256:…') },
    ]);
    await signStaged(await theirs.open(), { signers: [team] });
    await theirs.publish();
    const reader = await client(all);
    const found = await reader.findTarget('base/image');
    expect(found?.chain).toEqual(['targets', 'team-base']);
    expect(text(await reader.fetchTarget(found!))).toBe('sha256:…');

    // The owner has not seen that: nothing of it gets lost, and staged work of the owner stays.
    await addTargets(await owner.open(), 'targets', [{ path: 'policy.yaml', bytes: Buffer.from('policy') }]);
    await signStaged(await owner.open(), { signers: [targets] });
    expect(await codeOfAsync(owner.publish())).toBe('tuf-conflict');
    expect((await owner.open()).publishedVersion('targets')).toBe(2);
    const again = await checkout(all, owner.path);
    expect(again.done).toMatchObject({ state: 'updated', staged: ['targets'], setAside: [] });
    await again.publish();
    const later = await client(all);
    expect(await later.findTarget('base/image')).toBeDefined();
    expect(await later.findTarget('policy.yaml')).toBeDefined();
    expect(text(await later.fetchTarget((await later.findTarget('base/image'))!))).toBe('sha256:…');
  });

  it('a machine that renews timestamps works from a checkout, and an outsider finds nothing broken', async () => {
    const all = await company();
    const { destination, online, access, owner } = all;
    const cron = await checkout(all);
    const now = new Date(NOW.getTime() + 3_600_000);
    await refreshOnline(await cron.open(now), { signers: [online] });
    await publishRepository(access, { folder: cron.path, destination, now });
    expect((await client(all, now)).status.roles.timestamp.version).toBe(2);
    const root = await readFile(join(owner.path, 'metadata', '1.root.json'));
    const audit = await auditTrust(access, {
      location: parseTrustLocation(destination),
      root,
      now,
      contents: true,
    });
    expect(audit.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(audit.history).toBe(0);
  });

  it('a publication that a killed process had decided is finished before anything else is done with the folder', async () => {
    const all = await company();
    const { destination, access } = all;
    // As a process leaves it that ended right after it wrote its journal.
    const killed = await checkout(all);
    await mkdir(join(killed.path, 'staged'), { recursive: true });
    await rename(
      join(killed.path, 'metadata', 'timestamp.json'),
      join(killed.path, 'staged', 'timestamp.json'),
    );
    const moves = [{ from: 'staged/timestamp.json', to: 'metadata/timestamp.json' }];
    await writeFile(
      join(killed.path, 'staged', 'journal.json'),
      JSON.stringify({ journal: 1, moves, settled: ['staged/metadata'] }),
    );
    expect(await publishRepository(access, { folder: killed.path, destination, now: NOW })).toMatchObject({
      changed: false,
    });
  });
});
