import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SCHEMAS } from '../../../src/cli/schemas.js';
import { createStoreAccess, openStore } from '../../../src/oci/open.js';
import { parseReference } from '../../../src/oci/reference.js';
import { pushImage } from '../../../src/testing/image.js';
import { chainMarks, type MarkedImage, markedImage, plantArtifact, writePolicy } from '../custody-images.js';
import { runCli, temporaryFolder } from './run-cli.js';

const cwd = mkdtempSync(join(tmpdir(), 'touchmark-facts-'));
afterAll(() => rmSync(cwd, { recursive: true }));
let marked: MarkedImage;

beforeAll(async () => {
  marked = await markedImage({ now: new Date() });
  const access = createStoreAccess();
  const store = await openStore(parseReference(`oci:${join(cwd, 'app')}`), access);
  await pushImage(store, marked.image, '1');
  await plantArtifact(store, marked, { marks: await chainMarks(marked) });
  await store.commit();
  await store.close();
  await access.close();
  await writePolicy(cwd, marked);
  await writePolicy(
    cwd,
    marked,
    [
      'metadata: { user: { nonRoot: true } }',
      'predicates:',
      '  - { name: three-steps, require: "chain.size() == 3 && layers.all(l, l.evidence == \\"blobs\\")", message: "not built by three teams" }',
    ],
    'strict.yaml',
  );
});

const image = () => ['--as', marked.repository, 'oci:app:1'];

/** Files of the package that a run has executed. */
function loadedFrom(folder: string): readonly string[] {
  return readdirSync(folder)
    .flatMap(file => JSON.parse(readFileSync(join(folder, file), 'utf8')).result as { url: string }[])
    .flatMap(({ url }) => (url.startsWith('file:') ? readFileSync(new URL(url), 'utf8') : []));
}

describe('policy facts', () => {
  it('shows what predicates see, and what it rests on', async () => {
    const tried = ['user.root', 'chain.size() == 2', 'layers.size() > 0 && labels["x"] == "y"'];
    const argv = [
      'policy',
      'facts',
      '--policy',
      'policy.yaml',
      ...tried.flatMap(text => ['--try', text]),
      ...image(),
    ];
    const [text, json] = [await runCli(argv, { cwd }), await runCli([...argv, '-o', 'json'], { cwd })];
    expect([text.exitCode, json.exitCode], text.stderr).toEqual([0, 0]);
    const document = SCHEMAS['policy-facts'].parse(JSON.parse(json.stdout));
    expect(document).toMatchObject({
      verdict: 'pass',
      code: null,
      facts: {
        repository: marked.repository,
        user: { name: '', root: true },
        chain: [{ team: 'base' }, {}, {}],
      },
      standings: { user: 'proven', labels: 'asserted', created: 'asserted', chain: 'proven' },
      tried: [
        { result: 'true', why: null },
        { result: 'false', why: null },
        { result: 'none', why: 'there is no "x"' },
      ],
    });
    expect(text.stdout).toMatch(/proven +user +name "", root true/);
    expect(text.stdout).toMatch(/asserted +created/);
    expect(text.stdout).toMatch(/✓ true +user\.root/);
    expect(text.stdout).toMatch(/✗ no value +layers\.size/);
  });

  it('refuses an expression that is none, before anything is read', async () => {
    const { exitCode, stderr } = await runCli(
      ['policy', 'facts', '--policy', 'none.yaml', '--try', 'usr.root', 'oci:none:1'],
      { cwd },
    );
    expect(exitCode).toBe(2);
    expect(stderr).toContain('there is no fact "usr"');
    expect(stderr).toContain('did you mean user?');
  });

  it('proves nothing of an image whose chain does not hold, and says of another what is wrong', async () => {
    const factsUnder = async (policy: string) => {
      const run = await runCli(['policy', 'facts', '--policy', policy, '-o', 'json', ...image()], { cwd });
      expect(run.exitCode, run.stderr).toBe(0);
      return SCHEMAS['policy-facts'].parse(JSON.parse(run.stdout));
    };
    expect(await factsUnder('strict.yaml')).toMatchObject({
      code: 'metadata-denied',
      holds: true,
      standings: { user: 'proven', labels: 'asserted' },
    });
    await writePolicy(
      cwd,
      marked,
      ['approvals: [{ name: scan, team: security, threshold: 1 }]'],
      'scan.yaml',
    );
    expect(await factsUnder('scan.yaml')).toMatchObject({
      code: 'approval-missing',
      holds: false,
      standings: { user: 'asserted', digest: 'asserted' },
    });
  });
});

describe('custody verify', () => {
  it('loads nothing of CEL without a predicate, and no patterns without matches()', async () => {
    const markers = ['unlistedVariablesAreDyn', 'isUTF16Encoding'];
    const loadedWith = async (policy: string) => {
      const folder = temporaryFolder();
      await runCli(['verify', '--policy', policy, ...image()], { cwd, env: { NODE_V8_COVERAGE: folder } });
      const files = loadedFrom(folder);
      return markers.map(marker =>
        files.some(code => code.includes(`${marker}(`) || code.includes(`${marker}:`)),
      );
    };
    expect(await loadedWith('policy.yaml')).toEqual([false, false]);
    expect(await loadedWith('strict.yaml')).toEqual([true, false]);
  });

  it('says no by the rules about the finished image, and policy explain says them in words', async () => {
    const run = await runCli(['custody', 'verify', '--policy', 'strict.yaml', ...image()], { cwd });
    expect(run.exitCode).toBe(16);
    expect(run.stderr).toContain('metadata-denied');
    expect(run.stderr).toContain('runs as no user, which is root');
    const explained = await runCli(['policy', 'explain', '--policy', 'strict.yaml', ...image()], { cwd });
    expect(explained.stdout).toMatch(/✗ not held +metadata user/);
    expect(explained.stdout).toContain('runs as a number other than 0');
    expect(explained.stdout).toMatch(/✓ held +predicate three-steps/);
  });
});

it('policy check says where in a predicate a mistake is', async () => {
  await writePolicy(cwd, marked, ['predicate: "!user.root && usr.id > 0"'], 'wrong.yaml');
  const { exitCode, stderr } = await runCli(['policy', 'check', 'wrong.yaml'], { cwd });
  expect(exitCode).toBe(2);
  expect(stderr).toContain('predicate: at character 15, "usr.id > 0": there is no fact "usr"');
  expect(stderr).toContain('did you mean user?');
});
