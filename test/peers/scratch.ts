import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder that a suite works in, with an environment in which no tool finds the user's own files or a network. */
export interface Scratch {
  readonly path: string;
  /** For every tool under test: an empty home, no credentials, and no way out but loopback. */
  readonly env: NodeJS.ProcessEnv;
  /** A path in the folder. */
  file(name: string): string;
  remove(): void;
}

/** The password of every key that the suites make, and of those in keys-fixtures. */
export const PASSWORD = 'touchmark';

/** Nothing listens on the discard port: who asks for anything beyond loopback gets a refused connection at once. */
const NOWHERE = 'http://127.0.0.1:9';

export function createScratch(name: string): Scratch {
  const path = mkdtempSync(join(tmpdir(), `touchmark-${name}-`));
  const file = (child: string): string => join(path, child);
  for (const folder of ['home', 'docker', 'tmp']) mkdirSync(file(folder));
  return {
    path,
    file,
    env: {
      PATH: process.env['PATH'],
      LANG: 'C.UTF-8',
      TZ: 'UTC',
      TMPDIR: file('tmp'),
      HOME: file('home'),
      XDG_CONFIG_HOME: file('home/config'),
      XDG_CACHE_HOME: file('home/cache'),
      XDG_RUNTIME_DIR: file('home/run'),
      DOCKER_CONFIG: file('docker'),
      REGISTRY_AUTH_FILE: file('docker/config.json'),
      HTTP_PROXY: NOWHERE,
      HTTPS_PROXY: NOWHERE,
      NO_PROXY: 'localhost,127.0.0.1',
      TOUCHMARK_PASSWORD: PASSWORD,
      COSIGN_PASSWORD: PASSWORD,
      // Peers that rebuild an image write its time of creation.
      SOURCE_DATE_EPOCH: '1700000000',
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}
