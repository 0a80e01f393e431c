import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LIMITS } from '../base/limits.js';
import { asFileError, writeFileDurably } from '../files/safe-files.js';
import type { TufClient } from '../tuf/client.js';
import { isFile } from '../tuf/file-check.js';
import type { FoundTarget } from '../tuf/search.js';
import { readFileUpTo } from '../tuf/source.js';

/**
 * The same client, with a folder that keeps what it fetches: a target that is there already is not asked for again, and an
 * offline run still has it. What lies there is held to the listed length and hashes each time, so it proves nothing by
 * lying there. Large targets are not kept.
 */
export function withTargetCache(client: TufClient, folder: string): TufClient {
  const fileOf = ({ info }: FoundTarget) => {
    const facts = JSON.stringify([info.length, Object.entries(info.hashes).sort()]);
    return join(folder, createHash('sha256').update(facts, 'utf8').digest('hex'));
  };
  return {
    ...client,
    async fetchTarget(target) {
      if (target.info.length > LIMITS.tufCachedTarget) return client.fetchTarget(target);
      const file = fileOf(target);
      const kept = await readFileUpTo(file, target.info.length + 1);
      if (kept && isFile(kept, target.info)) return kept;
      const bytes = await client.fetchTarget(target);
      await mkdir(folder, { recursive: true }).catch(error => {
        throw asFileError(error, 'make the folder', folder);
      });
      await writeFileDurably(file, [bytes]);
      return bytes;
    },
  };
}
