import { createHash } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { equalBytes } from '../base/bytes.js';
import { type Digest, digestAlgorithm, digestHex } from '../base/digest.js';
import { LIMITS } from '../base/limits.js';
import { asFileError, isMissing, writeFileDurably } from '../files/safe-files.js';
import { LayerIndex } from './layer-index.js';

/**
 * Indexes of layers by diffID, in a folder of the user's: safe to delete at any time. A file that is damaged, or of another
 * version, is as good as none. Its digest finds accidents, not intent: whoever may write the folder decides what is in it.
 * So it serves to say who put a file there, and no verdict may rest on it: a verdict reads the layers.
 */
export interface IndexCache {
  /** @throws TouchmarkError `io-failed` when the file is there and cannot be read */
  load(diffID: Digest): Promise<LayerIndex | undefined>;
  /** @throws TouchmarkError `io-failed`, `io-no-space` */
  save(diffID: Digest, index: LayerIndex): Promise<void>;
}

/** Counts up whenever the records change, or what is refused: what an older reader let pass must be read again. */
const VERSION = 1;
const MAGIC = Buffer.from(`touchmark layer index ${VERSION}\n`);
const COUNT = 4;
const DIGEST = 32;

/** @param folder made when something is saved, for this user alone */
export function openIndexCache(folder: string): IndexCache {
  const fileOf = (diffID: Digest): string =>
    join(folder, digestAlgorithm(diffID), `${digestHex(diffID)}.index`);
  return {
    async load(diffID) {
      const file = fileOf(diffID);
      try {
        const bytes = await readBounded(file);
        return bytes && parse(diffID, bytes);
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw asFileError(error, 'read', file);
      }
    },
    async save(diffID, index) {
      const file = fileOf(diffID);
      try {
        await mkdir(join(folder, digestAlgorithm(diffID)), { recursive: true, mode: 0o700 });
      } catch (error) {
        throw asFileError(error, 'make the folder of', file);
      }
      const head = Buffer.alloc(MAGIC.length + COUNT);
      MAGIC.copy(head);
      head.writeUInt32LE(index.count, MAGIC.length);
      await writeFileDurably(file, [head, index.bytes, digestOf(diffID, head, index.bytes)]);
    },
  };
}

async function readBounded(file: string): Promise<Buffer | undefined> {
  const handle = await open(file, 'r');
  try {
    const stat = await handle.stat();
    if (!stat.isFile() || stat.size > LIMITS.layerIndexSize + 1024) return undefined;
    return await readFile(handle);
  } finally {
    await handle.close();
  }
}

function parse(diffID: Digest, bytes: Buffer): LayerIndex | undefined {
  const start = MAGIC.length + COUNT;
  const end = bytes.length - DIGEST;
  if (end < start || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const records = bytes.subarray(start, end);
  if (!equalBytes(digestOf(diffID, bytes.subarray(0, start), records), bytes.subarray(end))) return undefined;
  return new LayerIndex(records, bytes.readUInt32LE(MAGIC.length));
}

/** The diffID is part of it: a file under another layer's name is none. */
function digestOf(diffID: Digest, head: Uint8Array, records: Uint8Array): Uint8Array {
  return createHash('sha256').update(diffID).update(head).update(records).digest();
}
