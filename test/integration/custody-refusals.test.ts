import { renameSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requirePeers } from '../peers/require-peers.js';
import { skopeoCopy } from '../peers/skopeo.js';
import { custodyOf } from './custody-answer.js';
import { type CustodySite, openCustodySite, type TeamReferences } from './custody-site.js';
import {
  deleteManifest,
  fetchManifest,
  type Manifest,
  mountBlob,
  putManifest,
  repositoryOf,
} from './registry-http.js';
import { tamper } from './site.js';

const absent = await requirePeers(['docker-registry', 'skopeo', 'umoci', 'debootstrap', 'zstd']);

/** Where what belongs to an image lies in docker-registry: `.sig` and `.custody` tags, and the list of its referrers. */
const attached = (image: { readonly repository: string; readonly digest: string }, suffix = ''): string =>
  `${image.repository}:${image.digest.replace(':', '-')}${suffix}`;

describe.skipIf(absent)('what custody verify says no to', () => {
  let site: CustodySite;
  let teams: TeamReferences;
  /** The image that the app team finished, and where it lies. */
  let app: Manifest & { readonly repository: string };
  beforeAll(async () => {
    site = await openCustodySite('custody-no');
    teams = await site.pushTeams('good');
    await site.markTeams(teams);
    await site.scan(teams.app);
    app = { ...(await fetchManifest(teams.app)), repository: repositoryOf(teams.app) };
  });
  afterAll(() => site?.close());

  /** A copy of the finished image in another repository, with those of its attachments that are named. */
  const copyWith = async (name: string, suffixes: readonly string[]): Promise<string> => {
    const repository = `${site.registry.host}/shop/${name}`;
    const copy = (from: string, to: string) => skopeoCopy(site.scratch, `docker://${from}`, `docker://${to}`);
    await copy(teams.app, `${repository}:v1`);
    for (const suffix of suffixes)
      await copy(attached(app, suffix), attached({ ...app, repository }, suffix));
    return `${repository}:v1`;
  };
  /** Asks as if an image lay where the good one does: its name is not what the test is about. */
  const ask = (image: string, policy = site.policy, ...flags: string[]) =>
    custodyOf(site, image, { policy, flags: ['--as', app.repository, ...flags] });
  const codesOf = async (image: string): Promise<readonly string[]> =>
    ((await ask(image)).custody?.findings ?? [])
      .filter(({ severity }) => severity !== 'warning')
      .map(({ code }) => code);
  const layer = (at: number): string => app.json.layers?.[at]?.digest ?? '';

  describe('bytes that were changed (18)', () => {
    it('a layer of each team, in a copy on disk', async () => {
      const folder = site.scratch.file('copy');
      await site.ok('copy', teams.app, `oci:${folder}:v1`);
      const verify = () => custodyOf(site, `oci:${folder}:v1`);
      expect((await verify()).exitCode).toBe(0);
      for (const at of [0, 1, 2]) {
        const undo = tamper(`${folder}/blobs/sha256/${layer(at).slice('sha256:'.length)}`);
        expect(await verify()).toMatchObject({ code: 'blob-digest-mismatch', exitCode: 18 });
        undo();
      }
      expect((await verify()).exitCode).toBe(0);
    });

    it('a layer in the registry’s storage: seen by who reads layers, and by nobody else', async () => {
      const undo = tamper(site.registry.blobFile(layer(1)));
      try {
        expect(await ask(teams.app, site.policy, '--level', 'blobs')).toMatchObject({
          code: 'blob-digest-mismatch',
          exitCode: 18,
          custody: { layers: [{}, { team: 'runtime', evidence: 'marks' }, {}] },
        });
        // The owner signed this digest; whoever pulls finds out that these bytes are not the ones.
        expect(await ask(teams.app, site.policy, '--level', 'manifest')).toMatchObject({ exitCode: 0 });
      } finally {
        undo();
      }
      expect((await ask(teams.app, site.policy, '--level', 'blobs')).exitCode).toBe(0);
    });
  });

  describe('marks that are not there', () => {
    it('of an image that skopeo copied alone: all (10)', async () => {
      expect(await ask(await copyWith('alone', []))).toMatchObject({ code: 'no-marks', exitCode: 10 });
    });

    it('of one that came with its signatures: those of the teams before (15)', async () => {
      const image = await copyWith('signed', ['.sig']);
      expect(await ask(image)).toMatchObject({ code: 'prev-missing', exitCode: 15 });
      expect(await codesOf(image)).toEqual(['prev-missing', 'step-missing']);
    });

    it('of one that came with its custody artifact: none', async () => {
      expect(await ask(await copyWith('carried', ['.custody']))).toMatchObject({ exitCode: 0 });
    });

    it('deleted in the registry: what is listed and gone is no yes (24), what is not even listed a no (15)', async () => {
      const image = await copyWith('deleted', ['.sig', '.custody']);
      const repository = repositoryOf(image);
      const custody = await fetchManifest(attached({ ...app, repository }, '.custody'));
      const { mediaType, digest, size } = custody;
      const list = attached({ ...app, repository });
      const artifactType = 'application/vnd.touchmark.custody.chain.v1+json';
      await putManifest(list, { ...EMPTY_INDEX, manifests: [{ mediaType, digest, size, artifactType }] });
      expect((await ask(image)).exitCode).toBe(0);
      await deleteManifest(repository, digest);
      expect(await ask(image)).toMatchObject({ code: 'layer-unavailable', exitCode: 24 });
      await putManifest(list, EMPTY_INDEX);
      expect(await ask(image)).toMatchObject({ code: 'prev-missing', exitCode: 15 });
    });
  });

  it('a layer that the registry withholds: could not be decided (24)', async () => {
    const file = site.registry.blobFile(layer(0));
    renameSync(file, `${file}.withheld`);
    try {
      expect(await ask(teams.app, site.policy, '--level', 'blobs')).toMatchObject({
        code: 'layer-unavailable',
        exitCode: 24,
        custody: { verdict: 'indeterminate' },
      });
    } finally {
      renameSync(`${file}.withheld`, file);
    }
    expect((await ask(teams.app, site.policy, '--level', 'blobs')).exitCode).toBe(0);
  });

  it('marks of one image on another, and on another’s name (12)', async () => {
    const other = await site.push('v1', 'lifted');
    const there = { ...(await fetchManifest(other)), repository: repositoryOf(other) };
    await skopeoCopy(
      site.scratch,
      `docker://${attached(app, '.sig')}`,
      `docker://${attached(there, '.sig')}`,
    );
    const lifted = await ask(other);
    expect(lifted).toMatchObject({ code: 'no-marks', exitCode: 10 });
    expect(lifted.custody?.findings.map(({ code }) => code)).toContain('mark-other-subject');

    const renamed = await copyWith('renamed', ['.custody']);
    expect(await custodyOf(site, renamed)).toMatchObject({ code: 'identity-mismatch', exitCode: 12 });
  });

  it('an image that does not stand on the base it is said to stand on (15)', async () => {
    const other = await site.push('runtime', 'other-runtime');
    const mark = async (base: string) => {
      const who = ['--team', 'app', '--step', 'app', '--key', 'ben.key', '--policy', site.policy];
      const more = ['--base', base, '--yes', '-o', 'json'];
      return (await site.run('custody', 'mark', teams.app, ...who, ...more)).json();
    };
    expect(await mark(other)).toMatchObject({ exitCode: 10, error: { code: 'no-marks' } });
    await site.claim('mark', 'runtime', 'ada', other, '--step', 'runtime', '--base', teams.base);
    expect(await mark(other)).toMatchObject({ exitCode: 15, error: { code: 'base-mismatch' } });
  });

  describe('layers in another compression', () => {
    let zstd: string;
    let there: Manifest & { readonly repository: string };
    beforeAll(async () => {
      // Through a layout: in the registry skopeo would find the gzip blobs and take those.
      const layout = `oci:${site.scratch.file('zstd')}:v1`;
      const options = ['--dest-compress', '--dest-compress-format', 'zstd'];
      await skopeoCopy(site.scratch, `oci:${site.images.layout}:team-app`, layout, options);
      zstd = await site.push(layout, 'zstd');
      there = { ...(await fetchManifest(zstd)), repository: repositoryOf(zstd) };
      expect(there.json.config?.digest).toBe(app.json.config?.digest);
    });

    it('made by a mirror: the marks are about another manifest (12), which a policy may forgive', async () => {
      await skopeoCopy(
        site.scratch,
        `docker://${attached(app, '.sig')}`,
        `docker://${attached(there, '.sig')}`,
      );
      const custody = (await fetchManifest(attached(app, '.custody'))).json;
      for (const blob of [custody.config, ...(custody.layers ?? [])])
        await mountBlob(app.repository, there.repository, blob?.digest ?? '');
      const { mediaType, digest, size } = there;
      const subject = { mediaType, digest, size };
      await putManifest(attached(there, '.custody'), { ...custody, subject });

      const refused = await ask(zstd);
      expect(refused).toMatchObject({ code: 'subject-mismatch', exitCode: 12 });
      expect(refused.custody?.findings[0]?.hint).toContain('identity: content');
      const forgiving = site.writePolicy('content.json', { identity: 'content' });
      const accepted = await ask(zstd, forgiving);
      expect(accepted).toMatchObject({ exitCode: 0, custody: { level: 'blobs' } });
      expect(accepted.custody?.findings.map(({ code }) => code)).toContain('identity-content');
    });

    it('made by the builder of the app team: its base’s layers are read and found to be the same', async () => {
      const built = await site.push(`docker://${zstd}`, 'built');
      await site.claim('mark', 'app', 'ben', built, '--step', 'app', '--base', teams.runtime);
      await site.scan(built);
      // Nobody signed these digests of the first two layers: the policy asks for less, they are read all the same.
      expect(await custodyOf(site, built)).toMatchObject({
        exitCode: 0,
        custody: { layers: [{ evidence: 'blobs' }, { evidence: 'blobs' }, { evidence: 'manifest' }] },
      });
      expect(await custodyOf(site, built, { flags: ['--level', 'blobs'] })).toMatchObject({
        exitCode: 0,
        custody: { level: 'blobs', layers: [{ team: 'base' }, { team: 'runtime' }, { team: 'app' }] },
      });
    });
  });

  // Last: it ends the image that the other tests are about.
  it('what its team took back, and what is built on it from then on (15)', async () => {
    const withdraw = async (image: string, team: string, key: string): Promise<number> => {
      const who = ['--team', team, '--key', `${key}.key`, '--policy', site.policy, '--yes'];
      return (await site.run('custody', 'withdraw', image, ...who)).code;
    };
    const mark = async (...more: string[]) => {
      const who = ['--team', 'runtime', '--step', 'runtime', '--key', 'ada.key', '--policy', site.policy];
      const on = ['--base', teams.base, '--renew', '--yes', '-o', 'json'];
      return (await site.run('custody', 'mark', teams.runtime, ...who, ...on, ...more)).json();
    };

    expect(await withdraw(teams.base, 'base', 'ada')).toBe(12);
    expect((await custodyOf(site, teams.base, { handover: 'runtime' })).exitCode).toBe(0);
    expect(await withdraw(teams.base, 'base', 'linus')).toBe(0);
    expect(await custodyOf(site, teams.base, { handover: 'runtime' })).toMatchObject({
      code: 'mark-withdrawn',
      exitCode: 15,
    });
    expect(await mark()).toMatchObject({ exitCode: 15, error: { code: 'mark-withdrawn' } });
    // Marked all the same, it brings the withdrawal along.
    expect(await mark('--insecure-unchecked-base')).toMatchObject({ exitCode: 0 });
    expect(await custodyOf(site, teams.runtime, { handover: 'app' })).toMatchObject({
      code: 'base-withdrawn',
      exitCode: 15,
    });
    // What was built before carries the chain of that time; its own team has to take it back.
    expect((await ask(teams.app)).exitCode).toBe(0);
    expect(await withdraw(teams.app, 'app', 'ben')).toBe(0);
    expect(await custodyOf(site, teams.app)).toMatchObject({ code: 'mark-withdrawn', exitCode: 15 });
  });
});

const EMPTY_INDEX = {
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.index.v1+json',
  manifests: [],
} as const;
