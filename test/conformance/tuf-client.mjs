#!/usr/bin/env node
/**
 * The client of `touchmark/tuf` behind the command line of the public TUF conformance suite (its CLIENT-CLI.md), so that the
 * suite can be pointed at this file after `npm run build`:
 *
 *   pytest tuf_conformance --entrypoint /path/to/test/conformance/tuf-client.mjs
 *
 * Exit code 0 or 1 and no other, as the suite wants it.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openClient, openFolderCache, pinRoot, requireFile } from 'touchmark/tuf';

const text = { type: 'string' };
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'metadata-dir': text,
    'metadata-url': text,
    'target-base-url': text,
    'target-dir': text,
    'target-name': { type: 'string', multiple: true, default: [] },
  },
});

/** The first bytes of a file, one more than `maxLength` at most; undefined when the server says that there is none. */
function fetchUpTo(url, maxLength) {
  return new Promise((resolve, reject) => {
    get(url, response => {
      const { statusCode } = response;
      if (statusCode !== 200) {
        response.resume();
        if (statusCode === 404) resolve(undefined);
        else reject(new Error(`${url}: status ${statusCode}`));
        return;
      }
      const chunks = [];
      let size = 0;
      response.on('data', chunk => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > maxLength) response.destroy();
      });
      response.on('close', () => {
        if (size > maxLength || response.complete) resolve(Buffer.concat(chunks).subarray(0, maxLength + 1));
        else reject(new Error(`${url}: the connection broke`));
      });
    }).on('error', reject);
  });
}

const below = (base, path) => `${base.replace(/\/?$/, '/')}${path}`;
const source = {
  metadata: (name, maxLength) => fetchUpTo(below(values['metadata-url'], name), maxLength),
  target: (path, maxLength) =>
    fetchUpTo(below(values['target-base-url'], path.split('/').map(encodeURIComponent).join('/')), maxLength),
};

async function isStored(file, info) {
  try {
    requireFile(await readFile(file), file, info);
    return true;
  } catch {
    return false;
  }
}

async function download(client, path) {
  const target = await client.findTarget(path);
  if (!target) throw new Error(`no target ${path}`);
  const file = join(values['target-dir'], encodeURIComponent(path));
  if (await isStored(file, target.info)) return;
  const bytes = await client.fetchTarget(target);
  await writeFile(`${file}.tmp`, bytes);
  await rename(`${file}.tmp`, file);
}

async function main([verb, rootFile]) {
  const cache = openFolderCache(values['metadata-dir']);
  const now = new Date();
  if (verb === 'init') return pinRoot(cache, await readFile(rootFile), now);
  if (verb !== 'refresh' && verb !== 'download') throw new Error(`no such verb: ${verb}`);
  // Real repositories are part of the suite, and one of them has a keyid that is not made from its key.
  const client = await openClient({ cache, source, now, foreignKeyids: 'accept' });
  for (const path of verb === 'download' ? values['target-name'] : []) await download(client, path);
}

main(positionals).catch(error => {
  console.error(`${error.code ?? error.name}: ${error.message}`);
  process.exitCode = 1;
});
