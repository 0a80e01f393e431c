import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BlameReport } from '../../src/verify/blame-report.js';
import { requirePeers } from '../peers/require-peers.js';
import { custodyOf } from './custody-answer.js';
import { type CustodySite, openCustodySite, type TeamReferences } from './custody-site.js';
import { fetchManifest, listTags, repositoryOf } from './registry-http.js';

const absent = await requirePeers(['docker-registry', 'skopeo', 'umoci', 'debootstrap', 'zstd']);

/** In order: each test goes on where the one before it stopped, as the teams do. */
describe.skipIf(absent)('a Debian image that three teams build, from repository to repository', () => {
  let site: CustodySite;
  let images: TeamReferences;
  beforeAll(async () => {
    site = await openCustodySite('custody');
    images = await site.pushTeams('debian');
  });
  afterAll(() => site?.close());

  /** `custody mark -o json` that is to be refused; what it left in the repository must be the image alone. */
  const refusedMark = async (image: string, ...args: string[]) => {
    const about = ['--policy', site.policy, '--yes', '-o', 'json'];
    const outcome = await site.run('custody', 'mark', image, ...about, ...args);
    expect(await listTags(repositoryOf(image))).toEqual(['v1']);
    return { exitCode: outcome.code, code: (outcome.json()['error'] as { code: string }).code };
  };

  it('the base needs two people: nobody builds on what one of them signed', async () => {
    const marked = await site.claim('mark', 'base', 'linus', images.base, '--step', 'base');
    expect(marked.claims).toMatchObject([{ kind: 'add', team: 'base', missingSigners: 1 }]);
    const short = { code: 'threshold-not-met', exitCode: 14 };
    expect(await custodyOf(site, images.base, { handover: 'runtime' })).toMatchObject(short);
    const onBase = ['--team', 'runtime', '--step', 'runtime', '--base', images.base, '--key', 'ada.key'];
    expect(await refusedMark(images.runtime, ...onBase)).toEqual(short);

    const coSigned = await site.claim('co-sign', 'base', 'grace', images.base);
    expect(coSigned.claims).toMatchObject([{ claim: marked.claims[0]?.claim, missingSigners: 0 }]);
    expect(await custodyOf(site, images.base, { handover: 'runtime' })).toMatchObject({
      exitCode: 0,
      custody: { chain: [{ step: 'base', signers: ['grace', 'linus'] }] },
    });
  });

  it('each next team checks what it was handed and marks its own layer', async () => {
    const onBase = ['--team', 'runtime', '--step', 'runtime', '--base', images.base];
    // With the key of another team, and with one of nobody: whoever answers for a layer must be of the team.
    for (const key of ['ben.key', 'eve.key']) {
      expect(await refusedMark(images.runtime, ...onBase, '--key', key)).toEqual({
        code: 'key-not-authorised',
        exitCode: 12,
      });
    }
    const on = (base: string, step: string) => ['--step', step, '--base', base];
    const runtime = await site.claim('mark', 'runtime', 'ada', images.runtime, ...on(images.base, 'runtime'));
    const pinnedBase = `${repositoryOf(images.base)}@${(await fetchManifest(images.base)).digest}`;
    expect(runtime.base).toBe(pinnedBase);
    const app = await site.claim('mark', 'app', 'ben', images.app, ...on(images.runtime, 'app'));
    expect(app.claims[0]?.chain).toMatchObject([{ step: 'base' }, { step: 'runtime' }, { step: 'app' }]);
    // Again: what is there already is not written twice.
    const before = await fetchManifest(`${repositoryOf(images.app)}:${tagOf(app.digest)}.custody`);
    const again = await site.claim('mark', 'app', 'ben', images.app, ...on(images.runtime, 'app'));
    expect(again.claims[0]?.claim).toBe(app.claims[0]?.claim);
    const after = await fetchManifest(`${repositoryOf(images.app)}:${tagOf(app.digest)}.custody`);
    expect(after.digest).toBe(before.digest);
  });

  it('is not finished before it was scanned', async () => {
    expect(await custodyOf(site, images.app)).toMatchObject({ code: 'approval-missing', exitCode: 15 });
    await site.scan(images.app);
    expect(await custodyOf(site, images.app)).toMatchObject({
      exitCode: 0,
      custody: { approvals: [{ rule: 'scan', signers: ['sec'] }] },
    });
  });

  it('says of each file which team put it there, and of what is gone whose it was and who deleted it', async () => {
    const blame = async (...args: string[]) => {
      const outcome = await site.run('blame', images.app, '--policy', site.policy, '-o', 'json', ...args);
      expect(outcome.code, outcome.stderr).toBe(0);
      return outcome.json() as unknown as BlameReport;
    };
    const all = await blame();
    expect(all.layers.map(({ team }) => team)).toEqual(['base', 'runtime', 'app']);
    const owners = new Map(all.paths.map(path => [path.path, path]));
    expect(owners.size).toBeGreaterThan(3000);
    const sample = {
      '/usr/bin/dash': 0,
      '/etc/debian_version': 0,
      '/etc/services': 1,
      '/opt/app/bin/serve': 2,
    };
    for (const [path, layer] of Object.entries(sample)) {
      expect(owners.get(path), path).toMatchObject({
        content: layer,
        metadata: layer,
        name: layer,
        history: [],
      });
    }
    // The package that the runtime team installed is in the database that the base team made.
    expect(owners.get('/var/lib/dpkg/status')).toMatchObject({ content: 1, history: [{ content: 0 }] });
    expect(await blame('/usr/bin/dash')).toMatchObject({ paths: [owners.get('/usr/bin/dash')] });

    const { deleted } = await blame('--deleted');
    const gone = new Map(deleted.map(({ path, deletedBy, was }) => [path, `${was.name} by ${deletedBy}`]));
    expect(gone.get('/etc/ethertypes')).toBe('1 by 2');
    expect(gone.get('/usr/share/common-licenses')).toBe('0 by 2');
    expect(gone.get('/usr/share/common-licenses/GPL-3')).toBe('0 by 2');
    for (const path of gone.keys()) expect(owners.has(path), path).toBe(false);
    expect(await blame('--at', 'runtime', '/etc/ethertypes')).toMatchObject({ paths: [{ content: 1 }] });
  });

  it.each(['manifest', 'blobs'])('says at level %s who put every layer there', async level => {
    const { digest, json } = await fetchManifest(images.app);
    const answer = await custodyOf(site, images.app, { flags: ['--level', level] });
    expect(answer).toMatchObject({ ok: true, digest, pinned: `${repositoryOf(images.app)}@${digest}` });
    expect(answer.custody).toMatchObject({
      verdict: 'pass',
      level,
      chain: [
        { kind: 'add', team: 'base', seq: 0, span: { from: 0, to: 1 }, signers: ['grace', 'linus'] },
        { kind: 'add', team: 'runtime', seq: 1, span: { from: 1, to: 2 }, signers: ['ada'] },
        { kind: 'add', team: 'app', seq: 2, span: { from: 2, to: 3 }, signers: ['ben'], manifest: digest },
      ],
    });
    expect(answer.custody?.layers).toMatchObject(
      ['base', 'runtime', 'app'].map((team, index) => {
        return { index, team, digest: json.layers?.[index]?.digest, evidence: level };
      }),
    );
    expect(answer.custody?.findings.map(({ code }) => code)).toEqual(['tag-unpinned']);
  });

  it('shows the same to people', async () => {
    const { stdout } = await site.ok('custody', 'verify', images.app, '--policy', site.policy);
    expect(stdout).toContain('base → runtime → app');
    expect(stdout).toMatch(/0\s+sha256:\w+.*\s+base\s+base\s+grace, linus/);
  });
});

const tagOf = (digest: string): string => digest.replace(':', '-');
