import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What each room may import besides itself; the arrows of the architecture, from the leaves upwards. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  base: [],
  files: ['base'],
  crypto: ['base'],
  oci: ['base', 'files'],
  tuf: ['base', 'files', 'crypto'],
  trust: ['base', 'files', 'oci', 'tuf'],
  layers: ['base', 'files', 'oci'],
  packages: ['base', 'layers'],
  scans: ['base'],
  signature: ['base', 'crypto', 'oci'],
  keyless: ['base', 'files', 'crypto', 'oci', 'signature', 'sigstore'],
  sigstore: ['base', 'crypto', 'signature'],
  custody: ['base', 'crypto', 'oci', 'signature'],
  policy: ['base', 'crypto', 'oci', 'signature', 'custody'],
  verify: [
    'base',
    'crypto',
    'oci',
    'tuf',
    'trust',
    'layers',
    'packages',
    'scans',
    'signature',
    'custody',
    'policy',
  ],
  sign: [
    'base',
    'crypto',
    'oci',
    'tuf',
    'trust',
    'signature',
    'sigstore',
    'keyless',
    'custody',
    'policy',
    'verify',
  ],
  inspect: ['base', 'crypto', 'oci', 'signature', 'custody', 'policy', 'verify'],
  inheritance: ['base', 'oci', 'scans', 'custody', 'verify'],
  report: [
    'base',
    'crypto',
    'oci',
    'tuf',
    'trust',
    'scans',
    'signature',
    'custody',
    'policy',
    'verify',
    'sign',
    'inspect',
    'inheritance',
  ],
  testing: ['base', 'crypto', 'oci', 'signature'],
  index: ['base', 'crypto', 'oci', 'signature', 'verify', 'sign', 'inspect', 'report'],
  cli: [
    'base',
    'files',
    'crypto',
    'oci',
    'tuf',
    'trust',
    'scans',
    'signature',
    'custody',
    'policy',
    'verify',
    'sign',
    'inspect',
    'inheritance',
    'report',
  ],
  commands: [
    'base',
    'crypto',
    'oci',
    'tuf',
    'trust',
    'scans',
    'signature',
    'custody',
    'policy',
    'verify',
    'sign',
    'inspect',
    'inheritance',
    'report',
    'cli',
  ],
};

/** Packages and the rooms that may import them; what is not listed nobody may. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  '@oclif/core': ['cli', 'commands'],
  canonicalize: ['custody'],
  '@marcbachmann/cel-js': ['policy'],
  re2js: ['policy', 'sigstore'],
  yaml: ['policy'],
  zod: ['cli', 'policy', 'report'],
  zstddec: ['layers'],
  '@noble/ciphers': ['crypto'],
  '@noble/curves': ['crypto'],
  '@noble/hashes': ['crypto'],
};

/** The room of a file: the folder below src, `index` for the library's front door, or `commands`. */
function roomOf(file: string): string {
  const [top = '', second = ''] = relative(root, file).split(sep);
  return top === 'src' ? second.replace(/\.ts$/, '') : top;
}

const files = ['src', 'commands'].flatMap(folder =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.ts'))
    .map(entry => join(entry.parentPath, entry.name)),
);

const imports = files.flatMap(file =>
  [...readFileSync(file, 'utf8').matchAll(/(?:\bfrom|^import|\bimport\()\s*'([^'\s]+)'/gm)].map(
    ([, target = '']) => ({
      file,
      target,
    }),
  ),
);

describe('the direction of imports', () => {
  it('finds something to judge', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(imports.length).toBeGreaterThan(files.length);
    expect(new Set(files.map(roomOf))).toContain('crypto');
  });

  it('holds: every room imports only what stands below it', () => {
    const wrong = imports
      .filter(({ target }) => target.startsWith('.'))
      .map(({ file, target }) => ({
        file,
        target,
        from: roomOf(file),
        to: roomOf(join(dirname(file), target)),
      }))
      .filter(({ from, to }) => from !== to && !(ALLOWED[from] ?? []).includes(to.replace(/\.js$/, '')))
      .map(({ file, target }) => `${relative(root, file)} imports ${target}`);
    expect(wrong).toEqual([]);
  });

  it('holds for packages: only the command line knows oclif, only crypto the curves', () => {
    const wrong = imports
      .filter(({ target }) => !target.startsWith('.') && !target.startsWith('node:'))
      .filter(({ file, target }) => {
        const name = target
          .split('/')
          .slice(0, target.startsWith('@') ? 2 : 1)
          .join('/');
        return !(PACKAGES[name] ?? []).includes(roomOf(file));
      })
      .map(({ file, target }) => `${relative(root, file)} imports ${target}`);
    expect(wrong).toEqual([]);
  });

  it('imports relative files with their extension', () => {
    expect(imports.filter(({ target }) => target.startsWith('.') && !target.endsWith('.js'))).toEqual([]);
  });
});
