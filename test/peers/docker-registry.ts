import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startChild } from './command.js';
import { PEERS } from './peer-list.js';

/** Debian's docker-registry (distribution 2.8): no referrers API, no HTTP/2, files on disk. */
export interface DockerRegistry {
  /** `localhost:PORT`, the registry part of an image reference. */
  readonly host: string;
  readonly origin: string;
  /** Where a blob, also that of a manifest, lies on disk. */
  blobFile(digest: string): string;
  stop(): Promise<void>;
}

/** The one account of a registry started with `auth`. The hash is bcrypt, the only one that distribution takes. */
export const ACCOUNT = {
  user: 'ada',
  password: 'signet-of-wax',
  hash: '$2y$04$abcdefghijklmnopqrstuuW9oDd7ctd3JFrVnp57QwOgPX0Pkf0d6',
} as const;

/**
 * Starts a registry on a free loopback port and waits until it listens.
 * @param folder for its configuration and storage; made when missing
 */
export async function startDockerRegistry(
  folder: string,
  options: { readonly auth?: boolean } = {},
): Promise<DockerRegistry> {
  mkdirSync(folder, { recursive: true });
  const storage = join(folder, 'storage');
  const passwords = join(folder, 'htpasswd');
  writeFileSync(passwords, `${ACCOUNT.user}:${ACCOUNT.hash}\n`);
  const config = {
    version: 0.1,
    log: { level: 'info', formatter: 'text', accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: storage },
      delete: { enabled: true },
      maintenance: { uploadpurging: { enabled: false } },
    },
    // Port 0: the system picks one, and the log says which. No other process can take it in between.
    http: { addr: '127.0.0.1:0', secret: 'for tests' },
    ...(options.auth && { auth: { htpasswd: { realm: 'tests', path: passwords } } }),
  };
  const file = join(folder, 'config.yml');
  writeFileSync(file, JSON.stringify(config)); // JSON is YAML.
  const child = startChild(PEERS['docker-registry'].path, ['serve', file]);
  const closed = new Promise<void>(done => child.once('close', () => done()));
  const port = await new Promise<string>((done, reject) => {
    let log = '';
    const timer = setTimeout(() => reject(new Error(`docker-registry does not listen:\n${log}`)), 30_000);
    child.once('error', reject);
    void closed.then(() => reject(new Error(`docker-registry ended:\n${log}`)));
    child.stdout?.resume();
    child.stderr?.on('data', (part: Buffer) => {
      if (log.length < 100_000) log += part;
      const found = /listening on 127\.0\.0\.1:(\d+)/.exec(log)?.[1];
      if (!found) return;
      clearTimeout(timer);
      done(found);
    });
  }).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  return {
    host: `localhost:${port}`,
    origin: `http://localhost:${port}`,
    blobFile: digest => {
      const hex = digest.replace(/^sha256:/, '');
      return join(storage, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data');
    },
    stop: () => {
      child.kill('SIGKILL'); // It keeps nothing in memory that matters, and does not end at once otherwise.
      return closed;
    },
  };
}
