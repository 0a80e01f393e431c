import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/**
 * Imports a TypeScript module of the tests from plain Node, which does not read TypeScript before version 22.
 * @param {string | URL} file
 */
export async function load(file) {
  const folder = fileURLToPath(new URL('../../node_modules/.cache/touchmark/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, `load-${process.pid}-${Date.now()}.mjs`);
  try {
    await build({
      entryPoints: [file instanceof URL ? fileURLToPath(file) : file],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      packages: 'external',
      logLevel: 'error',
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(outfile, { force: true });
  }
}
