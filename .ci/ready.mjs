/**
 * Makes a checkout ready to run: dependencies when they are missing or older than the lock file, a build when it is
 * missing or older than its sources. Needs nothing but Node and npm; says nothing when there is nothing to do.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

function modified(path) {
  return existsSync(join(root, path)) ? statSync(join(root, path)).mtimeMs : 0;
}

/** Newest change below a folder; folders count too, because a file that was removed changes only its folder. */
function newest(path) {
  const full = join(root, path);
  if (!existsSync(full)) return 0;
  if (!statSync(full).isDirectory()) return modified(path);
  return Math.max(modified(path), ...readdirSync(full).map(name => newest(join(path, name))));
}

function run(title, command, args, options = {}) {
  console.error(`${title} ...`);
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    ...options,
  });
  if (result.status === 0) return;
  console.error(`${result.stdout ?? ''}${result.stderr ?? ''}${result.error ?? ''}`);
  console.error(`failed: ${[command, ...args].join(' ')}`);
  process.exit(1);
}

// npm writes this file last.
if (modified('node_modules/.package-lock.json') < modified('package-lock.json')) {
  run('installing dependencies', 'npm', ['ci', '--no-audit', '--no-fund'], {
    shell: process.platform === 'win32',
  });
}

const inputs = ['src', 'commands', 'package.json', 'tsconfig.json', 'tsconfig.build.json', '.ci/build.mjs'];
if (modified('dist/.built') < Math.max(...inputs.map(newest))) {
  run('building', process.execPath, [join('.ci', 'build.mjs')]);
}
