import { homedir } from 'node:os';
import { join } from 'node:path';

/** What may be made again lies here, for this user alone. */
export function cacheFolder(part: string): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'touchmark', part);
}
