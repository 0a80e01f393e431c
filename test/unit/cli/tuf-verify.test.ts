import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { scratch, serve, writeRepository } from '../trust/support.js';
import { Simulator } from '../tuf/simulator.js';
import { runCli } from './run-cli.js';

async function home() {
  const repository = await Simulator.create();
  repository.addTarget('targets', 'a/tool', 'hello');
  repository.release('targets');
  const cwd = await scratch();
  await writeFile(join(cwd, 'root.json'), repository.files.get('1.root.json')!);
  await writeRepository(repository, join(cwd, 'published'));
  return { repository, cwd };
}

const argv = ['tuf', 'verify', '--root', 'root.json'];

it('tells who signs what until when, and what was found', async () => {
  const { cwd } = await home();
  const done = await runCli([...argv, '--targets', 'published'], { cwd });
  expect(done).toMatchObject({ exitCode: 0, stderr: '' });
  expect(done.stdout).toContain('published  holds');
  expect(done.stdout).toMatch(/targets +2 {2}2031-01-01 {2}1 of 1 +1\n/);
  expect(done.stdout).toContain('warning root-threshold-one: one key alone can replace everything');
  const strict = await runCli([...argv, '--fail-on', 'warning', '-o', 'json', 'published'], { cwd });
  expect(strict.exitCode).toBe(19);
  expect(JSON.parse(strict.stdout)).toMatchObject({
    schema: 'urn:touchmark:schema:tuf-verify:v1',
    ok: false,
    exitCode: 19,
    history: 2,
    contents: null,
  });
});

it('a repository that clients refuse is exit 17, one that cannot be asked exit 20', async () => {
  const { repository, cwd } = await home();
  repository.roles.get('targets')!.signers = [];
  repository.release('targets');
  const server = await serve(repository);
  const broken = await runCli([...argv, server.url], { cwd });
  expect(broken.exitCode).toBe(17);
  expect(broken.stdout).toContain('error tuf-threshold');
  expect(broken.stderr).toContain('tuf-broken');
  server.mischief = (_path, _request, response) => {
    response.writeHead(401).end();
    return true;
  };
  expect(await runCli([...argv, server.url], { cwd })).toMatchObject({ exitCode: 20, stdout: '' });
});
