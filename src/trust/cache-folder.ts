import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where caches of repositories lie unless the user says otherwise. Not below the folder for caches: what has been seen of a
 * repository is what rollback and freeze are noticed by, and that is not to be cleaned away as if it could be made anew.
 */
export function defaultTrustFolder(environment: Environment): string {
  const data = environment['XDG_DATA_HOME'] || join(environment['HOME'] || homedir(), '.local', 'share');
  return join(data, 'touchmark', 'tuf');
}

/**
 * The folder of one repository: one for each place together with the root that a user began with, so that neither another
 * repository nor another root ever meets what was stored.
 */
export function trustFolderOf(parent: string, place: string, root: Uint8Array): string {
  const anchor = createHash('sha256').update(root).digest('hex');
  const key = createHash('sha256').update(`${anchor}\n${place}`, 'utf8').digest('hex').slice(0, 32);
  const readable = place
    .replace(/^[a-z+-]+:\/*/, '')
    .replace(/[^A-Za-z0-9.-]+/g, '_')
    .replace(/^[._]+|[._]+$/g, '')
    .slice(-60);
  return join(parent, readable === '' ? key : `${readable}-${key}`);
}
