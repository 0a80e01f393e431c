import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { fail } from '../../base/errors.js';
import type { RepositoryFolder } from './folder.js';

/**
 * What is published is never written over, also where no timestamp leads to it yet: it may be one half of what somebody else
 * published, on its way here.
 * @param files the SHA-256 in hex of what is to be published, by name below `metadata/`
 * @throws TouchmarkError `tuf-conflict`
 */
export async function requireFree(
  folder: RepositoryFolder,
  files: ReadonlyMap<string, string>,
): Promise<void> {
  const there = new Set(await folder.list('metadata'));
  for (const [name, sha256] of files) {
    if (!there.has(basename(name))) continue;
    const bytes = await folder.read(name);
    if (bytes === undefined || createHash('sha256').update(bytes).digest('hex') === sha256) continue;
    fail('tuf-conflict', `${folder.at(name)} is there already, and says something else`, {
      hint: 'fetch what others published: touchmark tuf checkout; delete the file only if nobody can have read it',
      details: { file: folder.at(name) },
    });
  }
}
