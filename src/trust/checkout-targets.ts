import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mapConcurrently } from '../base/concurrency.js';
import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { asFileError, writeFileDurably } from '../files/safe-files.js';
import { isFile, requireFile } from '../tuf/file-check.js';
import type { TargetInfo, Targets } from '../tuf/metadata.js';
import { targetName } from '../tuf/names.js';
import { readFileUpTo, type TufSource } from '../tuf/source.js';

/**
 * Fetches what roles list into a folder, each file verified before it is written. What lies there already and holds is not
 * asked for again; what the repository does not keep is named in the result.
 * @throws TouchmarkError `tuf-length-mismatch`, `tuf-hash-mismatch`, `tuf-hash-unsupported`, `tuf-format`, `limit-exceeded`
 */
export async function fetchTargets(
  source: TufSource,
  folder: string,
  roles: Iterable<Targets>,
  concurrency = 8,
): Promise<{ readonly fetched: number; readonly missing: readonly string[] }> {
  // By name: several roles may list one file.
  const wanted = new Map<string, { readonly path: string; readonly info: TargetInfo }>();
  for (const { targets } of roles)
    for (const [path, info] of targets) wanted.set(targetName(path, info, true), { path, info });
  const missing: string[] = [];
  let fetched = 0;
  await mapConcurrently([...wanted], concurrency, async ([name, { path, info }]) => {
    const what = `the target ${JSON.stringify(path.slice(0, 120))}`;
    const file = join(folder, ...name.split('/'));
    const stored = await readFileUpTo(file, info.length + 1);
    if (stored && isFile(stored, info)) return;
    if (info.length > LIMITS.tufTargetSize)
      fail('limit-exceeded', `${what} has ${info.length} bytes; at most ${LIMITS.tufTargetSize} are read`);
    const bytes = await source.target(name, info.length);
    if (!bytes) {
      missing.push(path);
      return;
    }
    requireFile(bytes, what, info);
    await mkdir(dirname(file), { recursive: true }).catch(error => {
      throw asFileError(error, 'make the folder', dirname(file));
    });
    await writeFileDurably(file, [bytes]);
    fetched++;
  });
  return { fetched, missing: missing.sort() };
}
