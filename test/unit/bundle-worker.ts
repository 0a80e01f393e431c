import { basename, join } from 'node:path';
import { build } from 'esbuild';

/** Bundles a test's child process, with what it imports, into `folder`. Gives the file to run. */
export async function bundleWorker(source: URL, folder: string): Promise<string> {
  const outfile = join(folder, basename(source.pathname).replace(/\.ts$/, '.mjs'));
  await build({
    entryPoints: [source.pathname],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outfile,
  });
  return outfile;
}
