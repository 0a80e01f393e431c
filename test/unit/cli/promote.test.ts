import { readFileSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { SCHEMAS } from '../../../src/cli/schemas.js';
import { createStoreAccess, openStore } from '../../../src/oci/open.js';
import { parseReference } from '../../../src/oci/reference.js';
import { startRegistry } from '../../../src/testing/registry.js';
import { type MarkedImage, writePolicy } from '../custody-images.js';
import { plantScanned } from '../sign/marked.js';
import { type CliResult, runCli, temporaryFolder } from './run-cli.js';

const env = { TOUCHMARK_PASSWORD: 'pw', CI: 'true' };

/** A registry with a scanned image in `dev/app`, policies for it, and the keys of the release team. */
async function site() {
  const cwd = temporaryFolder();
  const run = (...argv: string[]) => runCli(argv, { cwd, env });
  const registry = await startRegistry();
  onTestFinished(() => registry.close());
  const [dev, prod] = [`${registry.host}/dev/app`, `${registry.host}/prod/app`];
  const access = createStoreAccess();
  onTestFinished(() => access.close());
  const source = await openStore(parseReference(`${dev}:1`), access);
  const marked = await plantScanned(source, { repository: dev, tag: '1', now: new Date() });
  for (const name of ['rob', 'ria']) expect((await run('key', 'generate', name)).exitCode).toBe(0);
  await writePolicies(cwd, marked, registry.host);
  const tagAt = async (reference: string) => {
    const store = await openStore(parseReference(reference), access);
    return (await store.fetchManifest({ tag: '1' }))?.descriptor.digest;
  };
  return { cwd, run, registry, dev, prod, tagAt, digest: marked.image.manifest.descriptor.digest };
}

/** policy.yaml: production takes it from development once released; outgoing.yaml: development lets it out. */
async function writePolicies(cwd: string, marked: MarkedImage, host: string): Promise<void> {
  const scan =
    '  - { name: scan, team: security, threshold: 1, maxAge: 7d, evidence: [{ type: scan-report }] }';
  await writePolicy(cwd, marked, ['approvals:', scan], 'outgoing.yaml');
  const file = await writePolicy(cwd, marked, [
    'approvals:',
    scan,
    '  - { name: promote, team: release, threshold: 2, after: [scan] }',
    `scope: { repositories: ["${host}/prod/*"], relocations: [{ from: "${host}/dev/*", to: "${host}/prod/*", via: promote }] }`,
  ]);
  const release = '  release: { signers: { rob: { keys: ["rob.pub"] }, ria: { keys: ["ria.pub"] } } }';
  writeFileSync(file, readFileSync(file, 'utf8').replace('teams:\n', `teams:\n${release}\n`));
  expect(join(cwd, 'policy.yaml')).toBe(file);
}

// biome-ignore lint/suspicious/noExplicitAny: the schema has checked it
const documentOf = ({ stdout }: CliResult): any => SCHEMAS.promote.parse(JSON.parse(stdout));

describe('promote', () => {
  test('two people hand an image to production; text and JSON have the same exit code', async () => {
    const { run, dev, prod, digest, tagAt } = await site();
    const promote = (...more: string[]) =>
      run('promote', '--policy', 'policy.yaml', `${dev}@${digest}`, `${prod}:1`, ...more);
    const by = (name: string) => ['--approve', 'promote', '--team', 'release', '--key', `${name}.key`];

    const bare = await promote('-o', 'json');
    expect(bare.exitCode).toBe(12);
    expect(documentOf(bare)).toMatchObject({
      promoted: false,
      refusedAt: 'source',
      copied: null,
      verdicts: { source: { code: 'identity-mismatch' }, destination: null },
    });
    const words = await promote();
    expect(words.exitCode).toBe(12);
    expect(words.stderr).toContain('does not pass at the source; nothing was written');
    expect(words.stderr).toContain('moving it needs the approval promote');

    const planned = documentOf(await promote(...by('rob'), '--dry-run', '-o', 'json'));
    expect(planned).toMatchObject({
      ok: true,
      dryRun: true,
      promoted: false,
      repository: prod,
      approvals: [
        { team: 'release', step: 'promote', keyids: [], document: { kind: 'approve', repo: prod } },
      ],
    });
    expect(await tagAt(`${prod}:1`)).toBeUndefined();

    const first = await promote(...by('rob'));
    expect(first.exitCode).toBe(12);
    expect(first.stderr).toContain('does not pass at the destination');
    expect(first.stderr).toContain('waits for another signer of the team');
    expect(await tagAt(`${prod}:1`)).toBeUndefined();

    const second = await promote(...by('ria'), '-o', 'json');
    expect(second.exitCode).toBe(0);
    expect(documentOf(second)).toMatchObject({
      ok: true,
      promoted: true,
      tag: '1',
      replaced: null,
      copied: { bytes: 0 },
      verdicts: { source: { code: null }, destination: { code: null, custody: { verdict: 'pass' } } },
      approvals: [{ keyids: { length: 1 } }],
    });
    expect(await tagAt(`${prod}:1`)).toBe(digest);
  });

  test('goes through an air gap, where nothing asks a registry', async () => {
    const { cwd, run, registry, dev, digest } = await site();
    const left = await run('promote', '--policy', 'outgoing.yaml', `${dev}:1`, 'oci-archive:app.tar');
    expect(left.exitCode).toBe(0);
    expect(left.stdout).toContain('promoted: oci-archive:app.tar:1');
    registry.clearRequests();
    const inside = await run(
      ...[
        'promote',
        '--policy',
        'outgoing.yaml',
        '--offline',
        'oci-archive:app.tar',
        'oci:inside',
        '-o',
        'json',
      ],
    );
    expect(inside.exitCode).toBe(0);
    expect(documentOf(inside)).toMatchObject({
      digest,
      promoted: true,
      verdicts: { destination: { custody: { level: 'blobs' } } },
    });
    expect(await readdir(cwd)).toContain('inside');
    expect(registry.requests).toEqual([]);
  });

  test('moves a tag away from another image, and signs what a tag names, only when told to', async () => {
    const { run, dev, prod } = await site();
    const approve = ['--approve', 'promote', '--team', 'release', '--key', 'rob.key', '--key', 'ria.key'];
    const asked = await run('promote', '--policy', 'policy.yaml', ...approve, `${dev}:1`, `${prod}:1`);
    expect(asked.exitCode).toBe(2);
    expect(asked.stderr).toContain('usage-no-terminal');
    const yes = await run('promote', '--yes', '--policy', 'policy.yaml', ...approve, `${dev}:1`, `${prod}:1`);
    expect(yes.exitCode).toBe(0);
    expect(yes.stdout).toMatch(/approved {4}promote by team release for .*\/prod\/app/);
  });

  test.each([
    [
      'an approval without a team',
      ['--approve', 'promote', 'oci:a:1', 'oci:b:1'],
      /--team TEAM and --key REF/,
    ],
    ['evidence without an approval', ['--evidence', 'x=y', 'oci:a:1', 'oci:b:1'], /--evidence belongs to/],
    ['a name for what has one', ['--as', 'r.example/a', 'oci:a:1', 'r.example/a:1'], /leave --as out/],
    ['a docker archive to write', ['oci:a:1', 'docker-archive:b.tar'], /usage-read-only/],
  ])('refuses %s', async (_, argv, message) => {
    const { run } = await site();
    const refused = await run('promote', '--policy', 'policy.yaml', ...argv);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toMatch(message);
  });
});
