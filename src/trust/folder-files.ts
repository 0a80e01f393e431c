import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { mapConcurrently } from '../base/concurrency.js';
import { type Digest, finishDigest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import { asFileError, isMissing } from '../files/safe-files.js';
import { TARGETS } from './repository-form.js';

/** A published file of a repository in a folder. */
export interface FolderFile {
  /** As in the repository: `3.targets.json`, `targets/a/<hash>.b`. */
  readonly name: string;
  readonly path: string;
}

/**
 * What a folder publishes: its `metadata/` and `targets/`. Files whose names begin with a dot are not of it.
 * @throws TouchmarkError `usage-file` for a link or a device, `io-failed`
 */
export async function listFolder(folder: string): Promise<readonly FolderFile[]> {
  const metadata = await listBelow(join(folder, 'metadata'), '', false);
  const targets = await listBelow(join(folder, 'targets'), TARGETS, true);
  return [...metadata.filter(({ name }) => name.endsWith('.json')), ...targets];
}

async function listBelow(folder: string, prefix: string, deep: boolean): Promise<readonly FolderFile[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(error => {
    if (isMissing(error)) return [];
    throw asFileError(error, 'read', folder);
  });
  const files: FolderFile[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    const name = `${prefix}${entry.name}`;
    if (entry.isFile()) files.push({ name, path });
    else if (entry.isDirectory()) {
      if (deep) files.push(...(await listBelow(path, `${name}/`, true)));
    } else {
      fail('usage-file', `${path} is not a file: it would not be published as it is read`, {
        hint: 'put the file itself in its place',
        details: { file: path },
      });
    }
  }
  return files;
}

/** A file of a folder as it was read once. */
export interface MeasuredFile {
  readonly path: string;
  readonly digest: Digest;
  readonly size: number;
}

/**
 * Digest and size of everything that a folder publishes, by name. The name of a target holds its hash: one that `known` has
 * with that digest, and that has that size, is not read again.
 */
export async function measureFolder(
  folder: string,
  known: ReadonlyMap<string, Pick<MeasuredFile, 'digest' | 'size'>> = new Map(),
): Promise<ReadonlyMap<string, MeasuredFile>> {
  const files = await listFolder(folder);
  const measured = await mapConcurrently(files, 16, async ({ name, path }) => {
    const listed = name.startsWith(TARGETS) ? known.get(name) : undefined;
    const hash = name.slice(name.lastIndexOf('/') + 1).split('.', 1)[0];
    const isKnown = listed?.digest === `sha256:${hash}` && listed.size === (await sizeOf(path));
    const { digest, size } = isKnown ? listed : await digestOf(path);
    return [name, { path, digest, size }] as const;
  });
  return new Map(measured);
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    throw asFileError(error, 'read', path);
  }
}

async function digestOf(path: string): Promise<Pick<MeasuredFile, 'digest' | 'size'>> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of readInChunks(path)) {
    size += chunk.length;
    hash.update(chunk);
  }
  return { digest: finishDigest(hash, 'sha256'), size };
}

export async function* readInChunks(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path) as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw asFileError(error, 'read', path);
  }
}
