import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SCHEMAS } from '../../src/cli/schemas.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

function packedFiles(): string[] {
  const result = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  expect(result.status, result.stderr).toBe(0);
  const packed = JSON.parse(result.stdout);
  const [entry] = Array.isArray(packed) ? packed : Object.values(packed);
  return (entry as { files: { path: string }[] }).files.map(file => file.path);
}

describe('the package', () => {
  const files = packedFiles();

  it('holds what users need', () => {
    for (const file of ['package.json', 'LICENSE', 'SECURITY.md', 'oclif.manifest.json', 'dist/cli/bin.js']) {
      expect(files).toContain(file);
    }
    for (const name of Object.keys(SCHEMAS)) expect(files).toContain(`schemas/${name}.json`);
    for (const command of ['sign', 'verify', 'key/generate'])
      expect(files).toContain(`dist/cli/commands/${command}.js`);
  });

  it('holds nothing else: no sources, tests, keys or build leftovers', () => {
    const allowed =
      /^(?:dist\/(?:cli|lib)\/.+\.(?:js|d\.ts)|dist\/cli\/package\.json|schemas\/[a-z-]+\.json|package\.json|LICENSE|README\.md|SECURITY\.md|oclif\.manifest\.json)$/;
    expect(files.filter(file => !allowed.test(file))).toEqual([]);
    expect(files.filter(file => /(?:^|\/)dist\/lib\/cli\//.test(file))).toEqual([]);
  });
});

describe('what package.json points at', () => {
  const exported = Object.entries(manifest.exports as Record<string, string | Record<string, string>>);

  it.each(exported)('%s is there', (_name, target) => {
    for (const file of typeof target === 'string' ? [target] : Object.values(target)) {
      expect(existsSync(join(root, file)), file).toBe(true);
    }
  });

  it.each(exported.filter(([, target]) => typeof target !== 'string'))(
    '%s loads and gives something',
    async (name, target) => {
      const { types, default: code } = target as { types: string; default: string };
      const module = await import(pathToFileURL(join(root, code)).href);
      expect(Object.keys(module).length, name).toBeGreaterThan(0);
      expect(Object.keys(target), 'types come first, or TypeScript does not see them').toEqual([
        'types',
        'default',
      ]);
      expect(readFileSync(join(root, types), 'utf8')).toContain('export');
    },
  );

  it('is a command that can be started', () => {
    const bin = join(root, manifest.bin.touchmark);
    expect(readFileSync(bin, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
    if (process.platform !== 'win32') accessSync(bin, constants.X_OK);
  });
});

describe('the schemas', () => {
  it('are those that the command line knows', () => {
    const names = readdirSync(join(root, 'schemas')).map(file => file.replace(/\.json$/, ''));
    expect(names.sort()).toEqual(Object.keys(SCHEMAS).sort());
  });

  const read = ['custody-policy'];

  it.each(Object.keys(SCHEMAS))('%s has its own name', name => {
    const schema = JSON.parse(readFileSync(join(root, 'schemas', `${name}.json`), 'utf8'));
    expect(schema.$id).toBe(`urn:touchmark:schema:${name}:v1`);
  });

  it.each(read)('%s, which people write, is closed: editors mark a misspelt key', name => {
    const schema = JSON.parse(readFileSync(join(root, 'schemas', `${name}.json`), 'utf8'));
    expect(schema.additionalProperties).toBe(false);
  });

  const printed = Object.keys(SCHEMAS).filter(name => !read.includes(name));
  it.each(printed)('%s, which the command line prints, names itself and is open', name => {
    const schema = JSON.parse(readFileSync(join(root, 'schemas', `${name}.json`), 'utf8'));
    expect(schema.properties.schema.const).toBe(schema.$id);
    expect(schema.additionalProperties, 'fields may be added').not.toBe(false);
  });
});

it('has a lock file that npm ci takes on every platform: no optional package is left out', () => {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { optionalDependencies?: Record<string, string>; resolved?: string }>;
  };
  const names = Object.keys(packages);
  expect(names.length).toBeGreaterThan(100);
  const missing = Object.values(packages)
    .flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
    .filter(name => !names.some(entry => entry.endsWith(`node_modules/${name}`)));
  // npm drops what a registry does not have at the moment, and npm ci then refuses the lock file everywhere.
  expect(missing).toEqual([]);
});
