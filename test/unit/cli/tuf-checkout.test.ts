import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scratch, serve, writeRepository } from '../trust/support.js';
import { Simulator } from '../tuf/simulator.js';
import { runCli } from './run-cli.js';

async function home() {
  const repository = await Simulator.create();
  repository.addTarget('targets', 'a/tool', 'hello');
  repository.release('targets');
  const cwd = await scratch();
  await writeFile(join(cwd, 'root.json'), repository.files.get('1.root.json')!);
  return { repository, cwd };
}

describe('touchmark tuf checkout', () => {
  it('makes a folder from a web server, says so, and finds it current the next time', async () => {
    const { repository, cwd } = await home();
    const { url } = await serve(repository);
    const argv = ['tuf', 'checkout', '--root', 'root.json', '--targets', url, 'work'];
    const first = await runCli(argv, { cwd });
    expect(first).toMatchObject({ exitCode: 0, stderr: '' });
    expect(first.stdout).toMatch(/^work {2}made\n {2}from http:.*: 1 role, root 1, targets 2/);
    expect((await readdir(join(cwd, 'work', 'targets', 'a'))).length).toBe(1);
    await mkdir(join(cwd, 'work', 'staged', 'metadata'), { recursive: true });
    await writeFile(join(cwd, 'work', 'staged', 'metadata', 'targets.json'), '{}');
    const again = await runCli([...argv, '-o', 'json'], { cwd, env: { TOUCHMARK_ROOT: 'nothing.json' } });
    expect(JSON.parse(again.stdout)).toMatchObject({
      schema: 'urn:touchmark:schema:tuf-checkout:v1',
      ok: true,
      state: 'current',
      staged: ['targets'],
    });
  });

  it('takes the root from its variable, and a folder as the source', async () => {
    const { repository, cwd } = await home();
    await writeRepository(repository, join(cwd, 'published'));
    const done = await runCli(['tuf', 'checkout', 'published', 'work', '--offline'], {
      cwd,
      env: { TOUCHMARK_ROOT: 'root.json' },
    });
    expect(done.exitCode).toBe(0);
    expect(await readdir(join(cwd, 'work', 'metadata'))).toContain('timestamp.json');
  });

  it('says why not: no root, another root, a rolled back repository', async () => {
    const { repository, cwd } = await home();
    await writeRepository(repository, join(cwd, 'published'));
    expect(await runCli(['tuf', 'checkout', 'published', 'work'], { cwd })).toMatchObject({ exitCode: 2 });
    const other = await Simulator.create();
    await other.rotate('timestamp');
    await other.rotate('root');
    await writeFile(join(cwd, 'other.json'), other.file('root'));
    const argv = ['tuf', 'checkout', 'published', 'work', '--root'];
    expect((await runCli([...argv, 'other.json'], { cwd })).exitCode).toBe(17);
    expect((await runCli([...argv, 'root.json'], { cwd })).exitCode).toBe(0);
    repository.release('targets');
    const { url } = await serve(repository);
    expect((await runCli(['tuf', 'checkout', url, 'work', '--root', 'root.json'], { cwd })).exitCode).toBe(0);
    const ahead = await runCli([...argv, 'root.json'], { cwd });
    expect(ahead).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('rolled back') });
    // A folder that never had what the repository now says cannot have published on from it.
    await rm(join(cwd, 'work'), { recursive: true });
    expect((await runCli(['tuf', 'checkout', url, 'work', '--root', 'root.json'], { cwd })).exitCode).toBe(0);
    const rolledBack = await runCli([...argv, 'root.json'], { cwd });
    expect(rolledBack).toMatchObject({ exitCode: 17, stdout: '' });
    expect(rolledBack.stderr).toContain('tuf-rollback');
    expect(await readdir(join(cwd, 'work', 'metadata'))).toContain('3.targets.json');
  });
});
