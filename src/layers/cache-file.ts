import { createHash } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { equalBytes } from '../base/bytes.js';
import { LIMITS } from '../base/limits.js';
import { asFileError, isMissing, writeFileDurably } from '../files/safe-files.js';

/** Counts up whenever what is kept changes, or what is refused: what an older reader let pass must be read again. */
const VERSION = 3;
const MAGIC = Buffer.from(`touchmark layers ${VERSION}\n`);
const DIGEST = 32;
/** The most that is kept in one file; what is larger is worked out anew each time. */
const LARGEST = LIMITS.layerIndexSize + 1024;

/**
 * Reads what {@link saveCached} wrote. A file that is damaged, cut, of another version or about something else is as good as
 * none. Its digest finds accidents, not intent.
 * @throws TouchmarkError `io-failed` when the file is there and cannot be read
 */
export async function loadCached(file: string, about: string): Promise<Buffer | undefined> {
  try {
    const bytes = await readBounded(file);
    const end = (bytes?.length ?? 0) - DIGEST;
    if (bytes === undefined || end < MAGIC.length || !bytes.subarray(0, MAGIC.length).equals(MAGIC))
      return undefined;
    const body = bytes.subarray(MAGIC.length, end);
    return equalBytes(digestOf(about, [body]), bytes.subarray(end)) ? body : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw asFileError(error, 'read', file);
  }
}

/**
 * @param about what the file is about: it is found under no other name
 * @throws TouchmarkError `io-failed`, `io-no-space`
 */
export async function saveCached(file: string, about: string, body: readonly Uint8Array[]): Promise<void> {
  if (body.reduce((sum, { length }) => sum + length, MAGIC.length + DIGEST) > LARGEST) return;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw asFileError(error, 'make the folder of', file);
  }
  await writeFileDurably(file, [MAGIC, ...body, digestOf(about, body)]);
}

async function readBounded(file: string): Promise<Buffer | undefined> {
  const handle = await open(file, 'r');
  try {
    const stat = await handle.stat();
    return stat.isFile() && stat.size <= LARGEST ? await readFile(handle) : undefined;
  } finally {
    await handle.close();
  }
}

function digestOf(about: string, body: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256').update(about).update('\n').update(MAGIC);
  for (const part of body) hash.update(part);
  return hash.digest();
}
