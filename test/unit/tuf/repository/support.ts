import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { createSigner, generateKey, type KeyKind, type Signer } from '../../../../src/crypto/index.js';
import { createMemoryCache, openClient, openFolderSource, type TufCache } from '../../../../src/tuf/index.js';
import {
  initRepository,
  metadataScheme,
  openRepository,
  publishStaged,
  type Repository,
  signStaged,
} from '../../../../src/tuf/repository/index.js';

export const NOW = new Date('2030-06-01T00:00:00Z');
export const DAY = 86_400_000;

const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'touchmark-repository-'));
  folders.push(folder);
  return folder;
}

const pool = new Map<string, Promise<Signer>>();

/** The signer of this name, the same in every test. */
export function signerOf(name: string, kind: KeyKind = 'ecdsa-p256'): Promise<Signer> {
  const known = pool.get(`${name} ${kind}`);
  if (known) return known;
  const made = generateKey(kind).then(key => createSigner(key, { scheme: metadataScheme(kind) }));
  pool.set(`${name} ${kind}`, made);
  return made;
}

export async function keysOf(...names: string[]) {
  return Promise.all(names.map(async label => ({ key: (await signerOf(label)).publicKey, label })));
}

export async function signers(...names: string[]): Promise<Signer[]> {
  return Promise.all(names.map(name => signerOf(name)));
}

export async function setup() {
  return {
    root: { keys: await keysOf('ada', 'ben'), threshold: 2, expiryDays: 365 },
    targets: { keys: await keysOf('cyd'), threshold: 1, expiryDays: 90 },
    snapshot: { keys: await keysOf('online'), threshold: 1, expiryDays: 7 },
    timestamp: { keys: await keysOf('online'), threshold: 1, expiryDays: 1 },
    now: NOW,
  };
}

/** A repository of two root holders with nothing in it, published. */
export async function publishedRepository(folder?: string): Promise<Repository> {
  const path = folder ?? (await newFolder());
  const repository = await initRepository(path, await setup());
  await signStaged(repository, { signers: await signers('ada', 'ben', 'cyd') });
  await publishStaged(repository, { signers: await signers('online') });
  return repository;
}

export function reopen(repository: Repository, now = NOW): Promise<Repository> {
  return openRepository(repository.folder.path, { now });
}

/** A client that sees the repository for the first time, or with a cache again. */
export async function client(folder: string, cache: TufCache = createMemoryCache(), now = NOW) {
  const root = await readFile(join(folder, 'metadata', '1.root.json'));
  return openClient({
    cache,
    now,
    root,
    source: openFolderSource({ metadata: join(folder, 'metadata'), targets: join(folder, 'targets') }),
  });
}
