import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

/** The packages that importing `entry` loads at once, dynamic imports left out. */
async function packagesOf(entry: string): Promise<string[]> {
  const root = join(import.meta.dirname, '../../..');
  const { metafile } = await build({
    entryPoints: [join(root, entry)],
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
  });
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const { path, kind, external } of metafile.inputs[file]?.imports ?? []) {
      if (kind === 'import-statement' && !external) visit(path);
    }
  };
  visit(entry);
  return [...seen].flatMap(file => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []);
}

test('verifying and reading keys load no curve and no cipher; signing does', async () => {
  expect(await packagesOf('src/crypto/index.ts')).toEqual([]);
  expect(await packagesOf('src/crypto/signer.ts')).toContain('@noble/curves');
});
