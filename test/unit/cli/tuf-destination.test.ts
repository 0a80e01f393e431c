import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startRegistry } from '../../../src/testing/index.js';
import { published } from './tuf-authors.js';

async function people() {
  const registry = await startRegistry();
  onTestFinished(() => registry.close());
  return { ...(await published()), place: `oci://${registry.host}/trust`, registry };
}

const root = ['--root', 'trust/metadata/1.root.json'];

describe('tuf publish PLACE and tuf refresh PLACE', () => {
  it('send what is there, and what is staged, to a registry that everybody reads', async () => {
    const { cwd, call, tuf, tufJson, json, place } = await people();
    const first = await tuf('publish', '--key', 'online.key', place);
    expect(first).toMatch(/^published at oci:.*:latest \(4 new files, /);
    await tuf('target', 'add', 'ada.pub');
    await tuf('sign', '--key', 'ada.key', '--yes');
    const done = await tufJson('publish', '--key', 'online.key', place);
    expect(done).toMatchObject({
      versions: { targets: 2 },
      destination: { changed: true, place: `${place}:latest` },
    });
    const refreshed = await tufJson('refresh', '--key', 'online.key', place);
    expect(refreshed).toMatchObject({
      refreshed: true,
      timestamp: 3,
      destination: { uploaded: { files: 1 } },
    });
    // Nothing is due, and nothing is left to send.
    const later = await tufJson('refresh', '--within', '1h', '--key', 'online.key', place);
    expect(later).toMatchObject({ refreshed: false, destination: { changed: false } });
    const audit = await json('tuf', 'verify', ...root, '--targets', place);
    expect(audit).toMatchObject({ ok: true, contents: 1, history: 2 });
    expect((await call('tuf', 'checkout', ...root, place, 'elsewhere')).exitCode).toBe(0);
    expect(await readFile(join(cwd, 'elsewhere/metadata/timestamp.json'))).toEqual(
      await readFile(join(cwd, 'trust/metadata/timestamp.json')),
    );
  });

  it('ask first: where somebody else has published, nothing is signed, and what is staged stays', async () => {
    const { cwd, call, tuf, tufJson, place } = await people();
    await tuf('publish', '--key', 'online.key', place);
    expect((await call('tuf', 'checkout', ...root, place, 'theirs')).exitCode).toBe(0);
    const theirs = (...argv: string[]) => call('tuf', ...argv, '--dir', 'theirs');
    expect((await theirs('refresh', '--key', 'online.key', place)).exitCode).toBe(0);
    await tuf('target', 'add', 'ada.pub');
    await tuf('sign', '--key', 'ada.key', '--yes');
    const before = await readFile(join(cwd, 'trust/metadata/timestamp.json'));
    const refused = await tufJson('publish', '--key', 'online.key', place);
    expect(refused).toMatchObject({ exitCode: 23, error: { code: 'tuf-conflict' } });
    expect(await readFile(join(cwd, 'trust/metadata/timestamp.json'))).toEqual(before);
    const command = /touchmark (tuf checkout .+? DIR)/.exec(refused.error.hint)?.[1] as string;
    const checkout = command
      .replace('DIR', 'trust')
      .replace('root.json', root[1] as string)
      .split(' ');
    expect((await call(...checkout)).stdout).toContain('staged, and left as it is: targets');
    expect(await tufJson('publish', '--key', 'online.key', place)).toMatchObject({
      exitCode: 0,
      versions: { targets: 2 },
    });
  });

  it('a run that came as far as the folder is taken up again', async () => {
    const { tuf, tufJson, registry, place } = await people();
    registry.setFault(({ method }) => (method === 'PUT' ? { status: 403 } : undefined));
    expect(await tufJson('publish', '--key', 'online.key', place)).toMatchObject({ exitCode: 21 });
    registry.setFault(undefined);
    await tuf('target', 'add', 'ada.pub');
    await tuf('sign', '--key', 'ada.key', '--yes');
    registry.setFault(({ method }) => (method === 'PUT' ? { status: 403 } : undefined));
    expect(await tufJson('publish', '--key', 'online.key', place)).toMatchObject({ exitCode: 21 });
    registry.setFault(undefined);
    expect(await tufJson('publish', '--key', 'online.key', place)).toMatchObject({
      exitCode: 0,
      versions: {},
      destination: { changed: true },
    });
  });

  it('say what is no place to publish to', async () => {
    const { cwd, tufJson } = await people();
    expect(await tufJson('publish', '--key', 'online.key', 'https://tuf.example/')).toMatchObject({
      exitCode: 2,
    });
    await rm(join(cwd, 'trust/metadata/1.targets.json'));
    expect(await tufJson('publish', '--key', 'online.key', 'oci:layout:v1')).toMatchObject({ ok: false });
  });
});
