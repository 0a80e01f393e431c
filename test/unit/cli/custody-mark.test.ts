import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { buildImage, buildIndex, buildLayer, buildTar } from '../../../src/testing/image.js';
import { startRegistry } from '../../../src/testing/registry.js';
import { app, base, documentOf, markUpTo, openShop, PASSWORD, runtime } from './custody-shop.js';
import { temporaryFolder } from './run-cli.js';

const ON_RUNTIME = ['--step', 'app', '--base', 'oci:shop:runtime'];

describe('custody mark', () => {
  test('three teams, two people in one of them: text, documents, and what the verifier says', async () => {
    const shop = await openShop(temporaryFolder());
    const { custody, run } = shop;
    const first = await custody('mark', 'oci:shop:base', 'base', 'linus', '--step', 'base');
    expect(first.exitCode).toBe(0);
    expect(first.stdout).toMatch(
      /^oci:shop@sha256:[0-9a-f]{64} {2}marked\n {2}add base by team base, layer 0\n/,
    );
    expect(first.stdout).toContain('  waits     for 1 more signer of team base: touchmark custody co-sign');
    const second = await custody('mark', 'oci:shop:base', 'base', 'grace', '--step', 'base', '-o', 'json');
    expect(second.stderr).toMatch(/signs the claim that team base made at 20/);
    expect(documentOf('custody-mark', second).claims).toMatchObject([
      { team: 'base', step: 'base', signers: ['grace', 'linus'], missingSigners: 0 },
    ]);
    await custody(
      'mark',
      'oci:shop:runtime',
      'runtime',
      'ada',
      '--step',
      'runtime',
      '--base',
      'oci:shop:base',
    );
    const marked = await custody('mark', 'oci:shop:app', 'app', 'alan', ...ON_RUNTIME, '-o', 'json');
    expect(marked.exitCode).toBe(0);
    const document = documentOf('custody-mark', marked);
    expect(document).toMatchObject({
      ok: true,
      dryRun: false,
      digest: app.manifest.descriptor.digest,
      base: `oci:shop@${runtime.manifest.descriptor.digest}`,
      index: null,
      claims: [
        { kind: 'add', team: 'app', step: 'app', document: { span: { from: 2, to: 3 } }, missingSigners: 0 },
      ],
    });
    expect(document.claims[0].chain.map(({ step }: { step: string }) => step)).toEqual([
      'base',
      'runtime',
      'app',
    ]);

    const before = shop.state();
    const again = await custody('mark', 'oci:shop:app', 'app', 'alan', ...ON_RUNTIME);
    expect(again.stdout.match(/was there already/g)).toHaveLength(2);
    expect(shop.state()).toBe(before);

    await custody(
      'approve',
      'oci:shop:app',
      'security',
      'sue',
      '--step',
      'scan',
      '--evidence',
      'policy.yaml',
    );
    const verified = await run('custody', 'verify', 'oci:shop:app', '--policy', 'policy.yaml');
    expect(verified.exitCode, verified.stderr).toBe(0);
  });

  test('a dry run opens no key, writes nothing, and says what would be claimed - or refused', async () => {
    const shop = await openShop(temporaryFolder());
    await markUpTo(shop, 'runtime');
    const before = shop.state();
    const dry = (...more: string[]) =>
      shop.custody('mark', 'oci:shop:app', 'app', 'nobody', ...ON_RUNTIME, '--dry-run', ...more);
    const text = await dry();
    expect(text.exitCode).toBe(0);
    expect(text.stdout).toContain('nothing written');
    expect(text.stdout).toContain('"prev": {');
    expect(documentOf('custody-mark', await dry('-o', 'json'))).toMatchObject({
      dryRun: true,
      claims: [{ signatures: [], artifact: null, chain: [], signers: [], missingSigners: 1 }],
    });
    // The team may not: no key is needed to know it.
    const options = [...ON_RUNTIME, '--dry-run', '-o', 'json'];
    const refused = await shop.custody('mark', 'oci:shop:app', 'security', 'nobody', ...options);
    expect(refused.exitCode).toBe(12);
    expect(documentOf('failure', refused)).toMatchObject({ error: { code: 'key-not-authorised' } });
    expect(shop.state()).toBe(before);
  });

  test('each refusal has its exit code, in text and in JSON, and writes nothing', async () => {
    const shop = await openShop(temporaryFolder());
    await markUpTo(shop, 'runtime');
    await shop.push('oci:shop:squashed', buildImage({ layers: [buildLayer({ all: 'x' })] }));
    await shop.push('oci:shop:alone', buildImage({ base, layers: [{ b: 'b' }] }));
    const before = shop.state();
    const cases: readonly [number, string, string, string, ...string[]][] = [
      [10, 'no-marks', 'oci:shop:app', 'alan', '--step', 'app', '--base', 'oci:shop:alone'],
      [11, 'oci-not-found', 'oci:shop:none', 'alan', ...ON_RUNTIME],
      [12, 'key-not-authorised', 'oci:shop:app', 'eve', ...ON_RUNTIME],
      [15, 'custody-collapsed', 'oci:shop:squashed', 'alan', ...ON_RUNTIME],
      [15, 'base-mismatch', 'oci:shop:alone', 'alan', ...ON_RUNTIME],
      [2, 'usage-argument', 'oci:shop:app', 'alan', ...ON_RUNTIME, '--expires', '2027-02-31'],
      [22, 'key-not-found', 'oci:shop:app', 'nobody', ...ON_RUNTIME],
    ];
    for (const [code, reason, image, key, ...more] of cases) {
      const text = await shop.custody('mark', image, 'app', key, ...more);
      const json = await shop.custody('mark', image, 'app', key, ...more, '-o', 'json');
      expect([reason, text.exitCode, json.exitCode]).toEqual([reason, code, code]);
      expect(text.stderr).toMatch(new RegExp(`code +${reason} \\(exit ${code}\\)`));
      expect(documentOf('failure', json)).toMatchObject({
        ok: false,
        exitCode: code,
        error: { code: reason },
      });
    }
    expect(shop.state()).toBe(before);
  });

  test('a tag is not marked without a yes where nobody can be asked', async () => {
    const shop = await openShop(temporaryFolder());
    const before = shop.state();
    const unasked = await shop.run(
      ...['custody', 'mark', 'oci:shop:base', '--team', 'base', '--step', 'base'],
      ...['--policy', 'policy.yaml', '--key', 'linus.key'],
    );
    expect(unasked.exitCode).toBe(2);
    expect(unasked.stderr).toContain('--yes');
    expect(shop.state()).toBe(before);
  });

  test('neither password nor key is in any output, not even with --debug', async () => {
    const shop = await openShop(temporaryFolder());
    const { stdout, stderr, exitCode } = await shop.custody(
      ...(['mark', 'oci:shop:base', 'base', 'linus', '--step', 'base', '--debug', '-o', 'json'] as const),
    );
    expect(exitCode).toBe(0);
    const key = readFileSync(join(shop.cwd, 'linus.key'), 'utf8').split('\n')[1] ?? '';
    expect(key.length).toBeGreaterThan(40);
    for (const secret of [PASSWORD, key]) expect(stdout + stderr).not.toContain(secret);
  });

  test('an archive that holds no marks is refused', async () => {
    const shop = await openShop(temporaryFolder());
    const layer = buildTar({ 'etc/os-release': 'ID=demo' });
    const manifest = [{ Config: 'config.json', RepoTags: ['demo:1'], Layers: ['layer.tar'] }];
    const archive = buildTar({
      'manifest.json': JSON.stringify(manifest),
      'config.json': base.config,
      'layer.tar': layer,
    });
    writeFileSync(join(shop.cwd, 'base.tar'), archive);
    const before = shop.state();
    const result = await shop.custody('mark', 'docker-archive:base.tar', 'base', 'linus', '--step', 'base');
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toMatch(/code +usage-read-only/);
    expect(shop.state()).toBe(before);
  });
});

describe('custody mark in a registry', () => {
  async function inRegistry() {
    const registry = await startRegistry({ referrers: false });
    onTestFinished(() => registry.close());
    const shop = await openShop(temporaryFolder(), `${registry.host}/shop/*`);
    return { registry, shop, at: (name: string) => `${registry.host}/shop/${name}:1` };
  }

  test('a tag that moves while it is marked was resolved once', async () => {
    const { registry, shop, at } = await inRegistry();
    await shop.push(at('base'), base);
    await shop.custody('mark', at('base'), 'base', 'linus', '--step', 'base');
    await shop.custody('co-sign', at('base'), 'base', 'grace');
    await shop.push(at('runtime'), runtime);
    const evil = buildImage({ base, layers: [{ evil: 'x' }] });
    for (const name of ['base', 'runtime']) {
      await shop.push(at(name).replace(/:1$/, ':evil'), evil);
    }
    const asked: string[] = [];
    registry.setFault(({ method, path }) => {
      const name = /^\/v2\/shop\/(base|runtime)\/manifests\/1$/.exec(path)?.[1];
      if (name !== undefined) asked.push(`${method} ${name}`);
      // Both tags move as soon as both have been asked for.
      else if (asked.length >= 2)
        for (const moved of ['base', 'runtime'])
          registry.repository(`shop/${moved}`).tags.set('1', evil.manifest.descriptor.digest);
      return undefined;
    });
    const marked = await shop.custody(
      ...([
        'mark',
        at('runtime'),
        'runtime',
        'ada',
        '--step',
        'runtime',
        '--base',
        at('base'),
        '-o',
        'json',
      ] as const),
    );
    expect(marked.exitCode, marked.stderr).toBe(0);
    expect(asked.sort()).toEqual(['GET base', 'GET runtime']);
    expect(documentOf('custody-mark', marked)).toMatchObject({
      digest: runtime.manifest.descriptor.digest,
      base: `${at('base').replace(/:1$/, '')}@${base.manifest.descriptor.digest}`,
    });
    expect(marked.stderr).toContain(`${at('runtime')} is ${runtime.manifest.descriptor.digest}`);
  });

  test('an index: a claim for each platform, and one about the index', async () => {
    const { shop, at } = await inRegistry();
    const images = ['amd64', 'arm64'].map(architecture =>
      buildImage({ layers: [{ etc: architecture }], platform: { os: 'linux', architecture } }),
    );
    await shop.push(at('base'), buildIndex(images));
    const mark = (...more: string[]) =>
      shop.custody('mark', at('base'), 'base', 'linus', '--step', 'base', '-o', 'json', ...more);
    const one = documentOf('custody-mark', await mark('--platform', 'linux/arm64'));
    expect(one).toMatchObject({ index: null, claims: [{ platform: 'linux/arm64' }] });
    const all = documentOf('custody-mark', await mark());
    expect(all.claims.map(({ platform }: { platform: string }) => platform)).toEqual([
      'linux/amd64',
      'linux/arm64',
    ]);
    expect(all.index).toMatchObject({ document: { kind: 'index', children: [{}, {}] } });
    const text = await shop.custody('co-sign', at('base'), 'base', 'grace');
    expect(text.stdout).toMatch(/linux\/amd64 {2}add base[\s\S]*linux\/arm64 {2}add base/);
    const withdraw = async (...more: string[]) =>
      documentOf(
        'custody-withdraw',
        await shop.custody('withdraw', at('base'), 'base', 'linus', '-o', 'json', ...more),
      );
    expect((await withdraw('--platform', 'linux/arm64', '--dry-run')).withdrawals).toHaveLength(1);
    const withdrawn = await withdraw();
    expect(withdrawn.withdrawals.map(({ subject }: { subject: string }) => subject)).toEqual(
      images.map(({ manifest }) => manifest.descriptor.digest),
    );
  });
});
