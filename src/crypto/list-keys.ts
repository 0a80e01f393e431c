import { readdir } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import type { ReasonCode } from '../base/codes.js';
import { fail, type TouchmarkError, toTouchmarkError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { readKeyPath } from './key-reference.js';
import { describeSource, type KeyDescription } from './manage-keys.js';

export type KeyListEntry =
  | {
      readonly file: string;
      readonly ok: true;
      readonly description: KeyDescription;
      /** The other half: the file of the same name with the other extension, when it is a key of the other sort. */
      readonly pairedWith?: string;
      /** True when both halves could be read and are not the same key. */
      readonly mismatch?: true;
    }
  | { readonly file: string; readonly ok: false; readonly code: ReasonCode; readonly error: TouchmarkError };

const EXTENSIONS = ['.key', '.pub', '.pem'];

/**
 * Lists the key files of a folder (`*.key`, `*.pub`, `*.pem`), by name. Never asks for a password; a file that cannot be
 * used is listed with the reason.
 *
 * @throws TouchmarkError `usage-file` when there is no such folder, `limit-exceeded`, `io-failed`
 */
export async function listKeys(folder: string): Promise<readonly KeyListEntry[]> {
  const names = await readFolder(folder);
  const entries: KeyListEntry[] = [];
  for (const name of names) {
    const file = join(folder, name);
    try {
      entries.push({ file, ok: true, description: await describeSource(await readKeyPath(file)) });
    } catch (thrown) {
      const error = toTouchmarkError(thrown);
      entries.push({ file, ok: false, code: error.code, error });
    }
  }
  return withPairs(entries);
}

async function readFolder(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(error => {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw toTouchmarkError(error);
    return fail('usage-file', `there is no folder ${folder}`, { details: { folder } });
  });
  if (entries.length > LIMITS.keyFolderEntries) {
    fail(
      'limit-exceeded',
      `${folder} has ${entries.length} entries; at most ${LIMITS.keyFolderEntries} are looked at`,
    );
  }
  return entries
    .filter(entry => !entry.isDirectory() && EXTENSIONS.includes(extname(entry.name)))
    .map(entry => entry.name)
    .sort();
}

function withPairs(entries: readonly KeyListEntry[]): readonly KeyListEntry[] {
  const halves = new Map<string, KeyDescription>();
  const half = (file: string, isPrivate: boolean) => `${isPrivate ? 'private' : 'public'} ${stem(file)}`;
  for (const entry of entries) {
    if (entry.ok) halves.set(half(entry.file, entry.description.isPrivate), entry.description);
  }
  return entries.map(entry => {
    const other = entry.ok && halves.get(half(entry.file, !entry.description.isPrivate));
    if (!entry.ok || !other) return entry;
    const [left, right] = [entry.description.key?.keyid, other.key?.keyid];
    const mismatch = left !== undefined && right !== undefined && left !== right;
    return { ...entry, pairedWith: other.where, ...(mismatch && { mismatch }) };
  });
}

function stem(file: string): string {
  return basename(file, extname(file));
}
