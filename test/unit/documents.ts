import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openStore, type StoreAccess } from '../../src/oci/open.js';
import { parseReference } from '../../src/oci/reference.js';
import { buildImage, buildLayer, pushImage, type TestLayer } from '../../src/testing/image.js';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const run = promisify(execFile);

export interface Snippet {
  readonly language: string;
  readonly text: string;
}

/** The fenced parts of a document of the repository. */
export async function snippetsOf(document: string): Promise<readonly Snippet[]> {
  const content = await readFile(join(root, document), 'utf8');
  return [...content.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map(([, language = '', text = '']) => ({
    language,
    text,
  }));
}

/** The shell snippets as one script. A command behind `!` must fail; to the shell that is no failure of the script. */
export function scriptOf(snippets: readonly Snippet[]): string {
  return snippets
    .filter(({ language }) => language === 'sh')
    .map(({ text }) => text.replace(/^! (.*)$/gm, 'if $1; then echo "this was to fail: $1" >&2; exit 99; fi'))
    .join('\n');
}

/** An environment in which `touchmark` is the built command line, put into `folder`. */
export async function environmentIn(
  folder: string,
): Promise<{ readonly PATH: string; readonly HOME: string }> {
  await mkdir(join(folder, 'bin'));
  const program = join(folder, 'bin', 'touchmark');
  await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'dist/cli/bin.js')}' "$@"\n`);
  await chmod(program, 0o755);
  return { PATH: `${join(folder, 'bin')}:${process.env['PATH']}`, HOME: folder };
}

/** Makes `folder` a home in which docker trust was used, as notary recorded it, with the passwords of its keys in files. */
export async function useDockerTrust(folder: string): Promise<void> {
  const trust = join(folder, '.docker', 'trust');
  await cp(join(root, 'test/vectors/tuf/docker-trust'), trust, { recursive: true });
  // Git does not keep that they are private.
  for (const file of await readdir(join(trust, 'private'))) await chmod(join(trust, 'private', file), 0o600);
  const passwords = { root: 'rootpass1', targets: 'targetspass1', team: 'delegpass1' };
  for (const [name, password] of Object.entries(passwords))
    await writeFile(join(folder, `${name}.txt`), password);
}

/**
 * What three teams have built on each other, before anybody marked it: `base/os:1`, `runtime/node:1`, `shop/app:1.4`. Each names
 * its base, as builders do.
 */
export async function pushTeamImages(access: StoreAccess, host: string): Promise<void> {
  const layers: TestLayer[] = [];
  let annotations: Readonly<Record<string, string>> = {};
  const source = 'https://git.example.com/shop/app';
  const config = {
    User: '10001',
    ExposedPorts: { '8080/tcp': {} },
    Labels: { 'org.opencontainers.image.source': source },
  };
  for (const [reference, file] of [
    ['base/os:1', 'etc/os-release'],
    ['runtime/node:1', 'usr/bin/node'],
    ['shop/app:1.4', 'opt/app/main.js'],
  ] as const) {
    layers.push(buildLayer({ [file]: reference }));
    const parsed = parseReference(`${host}/${reference}`);
    const image = buildImage({ layers, annotations, ...(file.startsWith('opt') && { config: { config } }) });
    annotations = {
      'org.opencontainers.image.base.name': `${host}/${reference}`,
      'org.opencontainers.image.base.digest': await pushImage(
        await openStore(parsed, access),
        image,
        parsed.tag,
      ),
    };
  }
}
