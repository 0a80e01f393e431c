import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that holds package.json. Looked for upwards, as this code also runs from a bundle elsewhere in the checkout. */
export const CHECKOUT = findUpwards(dirname(fileURLToPath(import.meta.url)), 'package.json');

/** The command line as users run it. */
export const CLI = join(CHECKOUT, 'dist/cli/bin.js');

/** What is expensive to make and the same for every checkout: peers built from source, Debian images. */
export const CACHE = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'touchmark');

function findUpwards(folder: string, name: string): string {
  if (existsSync(join(folder, name))) return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new Error(`no ${name} above the test helpers`);
  return findUpwards(parent, name);
}
