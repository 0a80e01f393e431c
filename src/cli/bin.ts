#!/usr/bin/env node
/**
 * The process. Nothing is imported before the two cheap things are done: Node's compile cache (22 and newer), and the
 * answer to a bare `--version`.
 */
import nodeModule from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

declare const TOUCHMARK_VERSION: string;

const { enableCompileCache } = nodeModule as { enableCompileCache?: (folder: string) => void };
if (enableCompileCache) {
  // Never Node's default place: anybody may put compiled code into a folder below /tmp, and it would run here.
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  enableCompileCache(join(cache, 'touchmark', 'compiled'));
}

// Until an answer was given and written there is none: a process that runs out of things to do must not look like a yes.
process.exitCode = 1;

if (process.argv.length === 3 && process.argv[2] === '--version') {
  process.exitCode = 0;
  process.stdout.write(`touchmark ${TOUCHMARK_VERSION}\n`);
} else {
  const { main } = await import('./main.js');
  await main(process.argv.slice(2), new URL('../../', import.meta.url));
}
