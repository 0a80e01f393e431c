import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createStoreAccess, openStore } from '../../../src/oci/open.js';
import { parseReference } from '../../../src/oci/reference.js';
import { buildImage, pushImage, type TestImage } from '../../../src/testing/image.js';
import { startRegistry } from '../../../src/testing/index.js';
import { documentOf } from './custody-shop.js';
import { published } from './tuf-authors.js';

const first = buildImage({ layers: [{ 'etc/a': '1' }] });
const second = buildImage({ layers: [{ 'etc/a': '2' }] });

async function released() {
  const registry = await startRegistry();
  onTestFinished(() => registry.close());
  const people = await published();
  const name = `${registry.host}/shop/app`;
  const push = async (image: TestImage, tag = '1') => {
    const access = createStoreAccess();
    const store = await openStore(parseReference(`${name}:${tag}`), access);
    await pushImage(store, image, tag);
    await store.close();
    await access.close();
  };
  const must = async (...argv: string[]) => {
    const result = await people.call(...argv);
    expect(result.exitCode, result.stderr).toBe(0);
    return result;
  };
  const publish = async () => {
    await must('tuf', 'sign', '--dir', 'trust', '--key', 'ada.key', '--yes');
    await must('tuf', 'publish', '--dir', 'trust', '--key', 'online.key', '--yes');
  };
  const trust = [
    '--root',
    join(people.cwd, 'trust/metadata/1.root.json'),
    '--tuf',
    'trust',
    '--tuf-cache',
    'seen',
  ];
  const verify = (...more: string[]) => people.call('verify', ...trust, ...more);
  await push(first);
  return { ...people, name, push, must, publish, trust, verify };
}

test('a tag that was released is a yes, another image under it exit 17, and what nobody released no yes', async () => {
  const { name, push, must, publish, verify, call, trust } = await released();
  expect((await verify(`${name}:1`)).stderr).toContain('tuf-target-unlisted');
  await must('tuf', 'target', 'add', '--dir', 'trust', '--release', `${name}:1`);
  await publish();
  const yes = await verify(`${name}:1`);
  expect(yes.exitCode, yes.stderr).toBe(0);
  expect(yes.stdout).toMatch(/released +\S+\/shop\/app:1 by role targets/);
  expect(yes.stdout).toMatch(/trust root 1, targets 2, timestamp expires in \d+/);
  const document = documentOf('verify', await verify('-o', 'json', `${name}:1`));
  expect(document.images[0]).toMatchObject({
    code: null,
    release: { role: 'targets', digest: first.manifest.descriptor.digest },
    checks: [{ id: 'release', ok: true }],
  });
  expect(document.trust.roles).toMatchObject({ root: { version: 1 }, targets: { version: 2 } });

  await push(second);
  const moved = await verify(`${name}:1`);
  expect([moved.exitCode, moved.stderr]).toEqual([17, expect.stringContaining('release-rollback')]);
  const tree = documentOf(
    'tree-inheritance',
    await call('tree', '--inheritance', ...trust, '-o', 'json', `${name}:1`),
  );
  expect(tree).toMatchObject({ policy: null, trust: { offline: false } });
  expect(tree.root.children[0].images[0].currency.names).toMatchObject([
    { name: `${name}:1`, state: 'behind', by: 'tuf', now: first.manifest.descriptor.digest },
  ]);
  await must('sign', '--key', 'ben.key', '--yes', `${name}:1`);
  const signed = await verify('--key', 'ben.pub', `${name}:1`);
  expect([signed.exitCode, signed.stderr]).toEqual([17, expect.stringContaining('release-rollback')]);
  await must('tuf', 'target', 'add', '--dir', 'trust', '--release', `${name}:1`);
  await publish();
  expect((await verify('--key', 'ben.pub', `${name}:1`)).exitCode).toBe(0);
  const unsigned = await verify('--key', 'eve.pub', `${name}:1`);
  expect(unsigned.exitCode).toBe(12);
}, 120_000);

test('what is asked about signatures is not left out silently where no key is given', async () => {
  const { name, verify } = await released();
  const { exitCode, stderr } = await verify('--threshold', '2', `${name}:1`);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining('--threshold')]);
}, 60_000);

test('a channel has its newest release first, and keeps what was in it', async () => {
  const { name, push, must, publish, cwd } = await released();
  const add = () =>
    must('tuf', 'target', 'add', '--dir', 'trust', '--release', `${name}:1`, '--channel', 'stable');
  await add();
  await publish();
  await push(second);
  await add();
  await publish();
  const folder = join(cwd, 'trust/targets/release/channels');
  const channels = readdirSync(folder).map(
    file => JSON.parse(readFileSync(join(folder, file), 'utf8')).releases,
  );
  expect(channels).toContainEqual([[second.manifest.descriptor.digest], [first.manifest.descriptor.digest]]);
}, 120_000);
