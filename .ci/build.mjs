/**
 * Builds what package.json points at: the library (dist/lib), the command line (dist/cli), oclif.manifest.json and the
 * JSON Schemas. Everything is made in a folder beside and moved into place at the end, so that a build that fails, or
 * two at once, never leave half of one.
 *
 *   node .ci/build.mjs [--cli]     --cli: leave the library out
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Plugin } from '@oclif/core';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stage = join(root, `.build-${process.pid}`);
const packageJson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const onlyCli = process.argv.includes('--cli');

function filesUnder(folder, suffix) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith(suffix))
    .map(entry => join(entry.parentPath, entry.name));
}

function compileLibrary() {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const result = spawnSync(
    process.execPath,
    [tsc, '-p', 'tsconfig.build.json', '--outDir', join(stage, 'dist/lib')],
    {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  if (result.status !== 0) throw new Error('the library does not compile');
}

/**
 * What starts a command is bundled by itself: help and a refused command line then load two files, however many commands
 * share theirs. So is the gate, which every pipeline starts cold: among the others, each new command would cut what it loads
 * into more pieces.
 */
async function bundleCommandLine() {
  const commands = filesUnder(join(root, 'commands'), '.ts').map(file => [
    relative(root, file).split(sep).join('/').replace(/\.ts$/, ''),
    file,
  ]);
  const start = await bundle({ bin: join(root, 'src/cli/bin.ts') }, 'start');
  const cel = await bundle({ cel: join(root, 'src/policy/cel/index.ts') }, 'cel', []);
  const isGate = ([name]) => name === 'commands/verify';
  const gate = await bundle(Object.fromEntries(commands.filter(isGate)), 'gate');
  const others = commands.filter(command => !isGate(command));
  return start + cel + gate + (await bundle(Object.fromEntries(others), 'chunks'));
}

/**
 * What evaluates predicates is large, and loaded for the policies that have some: there is one copy for all commands, with
 * nothing of theirs in it, found by its name in package.json from wherever the import ends up.
 */
const celApart = {
  name: 'cel-apart',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/cel\/index\.js$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: '#cel', external: true } : undefined,
    );
  },
};

/** @param chunks the folder for what the entry points share */
async function bundle(entryPoints, chunks, plugins = [celApart]) {
  const { metafile } = await build({
    entryPoints,
    plugins,
    outdir: join(stage, 'dist/cli'),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    // Names stay as they are: a stack trace in a report from a user must be readable.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    chunkNames: `${chunks}/[name]-[hash]`,
    metafile: true,
    logLevel: 'warning',
    define: {
      TOUCHMARK_VERSION: JSON.stringify(packageJson.version),
      // Otherwise a user's own setting switches oclif's development mode on, which looks for a TypeScript project.
      'process.env.NODE_ENV': '"production"',
    },
    // oclif asks for these in development mode only.
    external: ['typescript', 'ts-node', 'tsx'],
    // oclif and what it needs are CommonJS: they call require, and one of them asks for its own folder.
    banner: {
      js: "import{createRequire as __cr}from'node:module';import{fileURLToPath as __fu}from'node:url';import{dirname as __dn}from'node:path';const require=__cr(import.meta.url),__filename=__fu(import.meta.url),__dirname=__dn(__filename);",
    },
  });
  return Object.values(metafile.outputs).reduce((sum, output) => sum + output.bytes, 0);
}

/** The manifest lets a start read one file instead of importing every command. */
async function writeManifest() {
  const plugin = new Plugin({ root: stage, type: 'core', ignoreManifest: true, errorOnManifestCreate: true });
  await plugin.load();
  const { commands, version } = plugin.manifest;
  for (const command of Object.values(commands)) {
    command.pluginName = packageJson.name;
    for (const key of ['pluginAlias', 'pluginType']) delete command[key];
  }
  writeFileSync(join(stage, 'oclif.manifest.json'), `${JSON.stringify({ commands, version })}\n`);
  return Object.keys(commands).length;
}

/** JSON Schemas are generated from the zod descriptions of what the command line prints. */
async function writeSchemas() {
  const sources = ['src/report/schemas.ts', 'src/cli/schemas.ts'].filter(file =>
    existsSync(join(root, file)),
  );
  const entry = join(stage, 'schemas-entry.mjs');
  await build({
    stdin: {
      contents: `${sources.map((file, index) => `import { SCHEMAS as s${index} } from './${file.replace(/\.ts$/, '.js')}';`).join('\n')}
        import { z } from 'zod';
        export const schemas = Object.entries({ ${sources.map((_, index) => `...s${index}`).join(', ')} })
          .map(([name, type]) => [name, z.toJSONSchema(type, { target: 'draft-2020-12', unrepresentable: 'throw' })]);`,
      resolveDir: root,
      loader: 'js',
    },
    outfile: entry,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    logLevel: 'warning',
  });
  const { schemas } = await import(pathToFileURL(entry).href);
  rmSync(entry);
  mkdirSync(join(stage, 'schemas'));
  for (const [name, { $schema, ...schema }] of schemas) {
    const document = { $schema, $id: `urn:touchmark:schema:${name}:v1`, title: name, ...schema };
    writeFileSync(join(stage, 'schemas', `${name}.json`), `${JSON.stringify(document, null, 2)}\n`);
  }
  return schemas.length;
}

/** Moves a finished part into place; what stood there before is put aside first, and back if that fails. */
function install(name) {
  const [from, to, old] = [
    join(stage, name),
    join(root, name),
    join(stage, `old-${name.replaceAll('/', '-')}`),
  ];
  mkdirSync(dirname(to), { recursive: true });
  if (existsSync(to)) renameSync(to, old);
  try {
    renameSync(from, to);
  } catch (error) {
    if (existsSync(old) && !existsSync(to)) renameSync(old, to);
    throw error;
  }
}

const started = performance.now();
try {
  mkdirSync(join(stage, 'dist'), { recursive: true });
  cpSync(join(root, 'package.json'), join(stage, 'package.json'));
  if (!onlyCli) compileLibrary();
  const bytes = await bundleCommandLine();
  const commands = await writeManifest();
  const schemas = await writeSchemas();
  const parts = ['dist/cli', 'schemas', 'oclif.manifest.json'];
  for (const part of onlyCli ? parts : ['dist/lib', ...parts]) install(part);
  // ready.mjs compares sources with this file.
  if (!onlyCli) writeFileSync(join(root, 'dist', '.built'), '');
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    `built ${commands} commands (${Math.round(bytes / 1000)} kB), ${schemas} schemas in ${seconds} s`,
  );
} finally {
  rmSync(stage, { recursive: true, force: true });
}
