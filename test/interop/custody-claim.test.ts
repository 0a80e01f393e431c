import { writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildImage } from '../../src/testing/image.js';
import { openSite, type Site } from '../integration/site.js';
import { describeOutcome, run } from '../peers/command.js';
import { type CosignMajor, cosignVerify } from '../peers/cosign.js';
import { PEERS } from '../peers/peer-list.js';
import { skopeoCopy } from '../peers/skopeo.js';
import { smallImage, writeLayout } from '../peers/small-image.js';

/** A team that has nothing but cosign: `custody claim` prints the command, and what it makes counts as a mark. */

let site: Site;
beforeAll(async () => {
  site = await openSite('custody-claim', { keys: ['base', 'app'] });
  const team = (name: string) => `  ${name}: { signers: { ${name}: { keys: ["${name}.pub"] } } }`;
  const step = (name: string) => `  - { step: ${name}, team: ${name}, kinds: [add], threshold: 1 }`;
  const lines = [
    'custody: 1',
    'name: shop',
    'version: 1',
    `scope: { repositories: ["${site.registry.host}/*", "${site.registry.host}/other/*"] }`,
    'teams:',
    ...['base', 'app'].map(team),
    'evidence: manifest',
    'flow:',
    ...['base', 'app'].map(step),
  ];
  writeFileSync(site.scratch.file('policy.yaml'), `${lines.join('\n')}\n`);
});
afterAll(() => site.close());

/** Base and app in repositories of their own, the base marked. */
async function publish(name: string): Promise<{ readonly base: string; readonly app: string }> {
  const base = smallImage(name);
  const app = buildImage({ base, layers: [{ 'opt/app/main': name }] });
  const layout = site.scratch.file(`layout-${name}`);
  writeLayout(layout, { base, app });
  const at = (tag: string) => `${site.registry.host}/${name}-${tag}:1`;
  for (const tag of ['base', 'app'])
    await skopeoCopy(site.scratch, `oci:${layout}:${tag}`, `docker://${at(tag)}`);
  const about = ['--team', 'base', '--step', 'base', '--policy', 'policy.yaml', '--key', 'base.key', '--yes'];
  await site.ok('custody', 'mark', at('base'), ...about);
  return { base: at('base'), app: at('app') };
}

const verify = (image: string) =>
  site.run('custody', 'verify', image, '--policy', 'policy.yaml', '-o', 'json');

interface ClaimDocument {
  readonly pinned: string;
  readonly claims: readonly { readonly claim: string; readonly command: string }[];
}

describe.each<CosignMajor>([2, 3])('cosign %s', major => {
  test('makes a mark with the printed command, and takes no withdrawal for a signature', async () => {
    const { base, app } = await publish(`with-${major}`);
    const about = ['--team', 'app', '--step', 'app', '--policy', 'policy.yaml'];
    const printed = await site.ok(
      'custody',
      'claim',
      app,
      ...about,
      '--base',
      base,
      '--carry',
      '--key',
      'app.key',
      '-o',
      'json',
    );
    const { claims, pinned } = printed.json() as unknown as ClaimDocument;
    expect((await verify(app)).code).not.toBe(0);

    const { path } = PEERS[major === 2 ? 'cosign2' : 'cosign3'];
    const env = { ...site.scratch.env, PATH: `${dirname(path)}:${process.env['PATH']}` };
    const signed = await run('sh', ['-c', claims[0]?.command ?? 'false'], { cwd: site.scratch.path, env });
    expect(signed.code, describeOutcome(signed)).toBe(0);
    const verdict = await verify(pinned);
    expect(verdict.code, verdict.stderr).toBe(0);

    const check = async () => {
      const outcome = await cosignVerify(site.scratch, major, 'simplesigning', 'app.pub', pinned);
      expect(outcome.code, describeOutcome(outcome)).toBe(0);
      return JSON.parse(outcome.stdout);
    };
    const before = await check();
    expect(before).toHaveLength(1);
    expect(before[0].optional).toMatchObject({ 'custody.team': 'app', 'custody.claim': claims[0]?.claim });
    await site.ok(
      'custody',
      'withdraw',
      pinned,
      '--team',
      'app',
      '--policy',
      'policy.yaml',
      '--key',
      'app.key',
      '--yes',
    );
    expect((await verify(pinned)).code).toBe(15);
    expect(await check()).toEqual(before);
  });
});

test('a name that the image gets elsewhere is printed as well', async () => {
  const { base, app } = await publish('elsewhere');
  const repository = `${site.registry.host}/other/app`;
  const about = ['--team', 'app', '--step', 'app', '--policy', 'policy.yaml', '--as', repository];
  const printed = await site.ok(
    'custody',
    'claim',
    app,
    ...about,
    '--base',
    base,
    '--carry',
    '--key',
    'app.key',
    '-o',
    'json',
  );
  const { claims, pinned } = printed.json() as unknown as ClaimDocument;
  for (const name of ['cosign2', 'cosign3'] as const) {
    const env = { ...site.scratch.env, PATH: `${dirname(PEERS[name].path)}:${process.env['PATH']}` };
    const signed = await run('sh', ['-c', claims[0]?.command ?? 'false'], { cwd: site.scratch.path, env });
    expect(signed.code, describeOutcome(signed)).toBe(0);
  }
  const copy = `${repository}:1`;
  await site.ok('copy', pinned, copy);
  const verdict = await verify(copy);
  expect(verdict.code, verdict.stderr).toBe(0);
});
