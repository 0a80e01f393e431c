import { join } from 'node:path';
import { type Digest, digestAlgorithm, digestHex } from '../base/digest.js';
import { loadCached, saveCached } from './cache-file.js';
import { LayerIndex } from './layer-index.js';

/**
 * Indexes of layers by diffID, in a folder of the user's: safe to delete at any time. Whoever may write the folder decides
 * what is in it. So it serves to say who put a file there, and no verdict may rest on it: a verdict reads the layers.
 */
export interface IndexCache {
  /** @throws TouchmarkError `io-failed` when the file is there and cannot be read */
  load(diffID: Digest): Promise<LayerIndex | undefined>;
  /** @throws TouchmarkError `io-failed`, `io-no-space` */
  save(diffID: Digest, index: LayerIndex): Promise<void>;
}

const COUNT = 4;

/** @param folder made when something is saved, for this user alone */
export function openIndexCache(folder: string): IndexCache {
  const fileOf = (diffID: Digest): string =>
    join(folder, digestAlgorithm(diffID), `${digestHex(diffID)}.index`);
  return {
    async load(diffID) {
      const body = await loadCached(fileOf(diffID), diffID);
      return body && new LayerIndex(body.subarray(COUNT), body.readUInt32LE(0));
    },
    async save(diffID, index) {
      const count = Buffer.alloc(COUNT);
      count.writeUInt32LE(index.count);
      await saveCached(fileOf(diffID), diffID, [count, index.bytes]);
    },
  };
}
