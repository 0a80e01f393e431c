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
import { dirname, join, posix, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Script } from 'node:vm';
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

const IMPORT = /(?<=^|[;}\n])import(?:\s*([\w$]+)\s*,?)?(?:\s*\{([^}]*)\})?(?:\s*from)?\s*"([^"]+)";/g;

/**
 * A chunk as CommonJS, which esbuild cannot split by itself. Node loads it at once, where every module of the other kind
 * is resolved, read, compiled and linked in turns of the event loop; and it takes of Node's modules what is used, where
 * an `import` reads every property that there is: `node:http` then brings all of undici on Node 24.
 *
 * esbuild writes one export statement, at the end of a chunk. The chunks form no circle (packChunks looks) and no
 * exported name is assigned twice, so the values can be handed over as they are.
 */
function toCommonJs(code, file) {
  const first = /^#!.*\n/.exec(code)?.[0] ?? '';
  let head = '"use strict";';
  let rest = code.slice(first.length).replace(IMPORT, (_, whole, names, path) => {
    const source = `require("${path}")`;
    if (whole) head += `const ${whole}=${source};`;
    if (names) head += `const{${names.replaceAll(' as ', ':')}}=${source};`;
    if (!whole && !names) head += `${source};`;
    return '';
  });
  const exported = /export\{([^}]*)\};\s*$/.exec(rest);
  if (exported) {
    const pairs = exported[1].split(',').map(pair => pair.split(' as '));
    rest = `${rest.slice(0, exported.index)}module.exports={${pairs.map(([name, as = name]) => `${as}:${name}`)}};`;
  }
  const body = rest.replace(
    /\bimport\(("[^"]+"|[\w$.]+\([\w$]+\))\)/g,
    'Promise.resolve().then(()=>require($1))',
  );
  // Whatever was overlooked is no CommonJS.
  new Script(`(function(exports,require,module,__dirname){${head}${body}\n})`, { filename: file });
  if (/\bimport\(/.test(body)) throw new Error(`${file} still imports`);
  return `${first}${head}${body}`;
}

const REQUIRE = /\brequire\("(\.[^"]+\.js)"\)/g;

/**
 * Puts the chunks that every `verify` loads into one file, each as a function that runs when it is first asked for:
 * looking for twenty files costs more than what is in them.
 * @param chunks file names below the stage and their code
 * @returns the same, with `dist/cli/shared.js` in place of those chunks
 */
function packChunks(chunks) {
  const target = (from, path) => posix.join(posix.dirname(from), path);
  const isLazy = (code, at) => code.slice(0, at).endsWith('then(()=>');
  const main = [...chunks.keys()].find(name => name.startsWith('dist/cli/chunks/main-'));
  const packed = new Set();
  const gather = name => {
    for (const { 1: path, index } of chunks.get(name).matchAll(REQUIRE)) {
      const chunk = target(name, path);
      if (packed.has(chunk) || isLazy(chunks.get(name), index)) continue;
      packed.add(chunk);
      gather(chunk);
    }
  };
  const refuseCircle = (name, path) => {
    if (path.includes(name)) throw new Error(`chunks need each other: ${[...path, name].join(', ')}`);
    for (const { 1: next, index } of chunks.get(name).matchAll(REQUIRE)) {
      if (!isLazy(chunks.get(name), index)) refuseCircle(target(name, next), [...path, name]);
    }
  };
  for (const name of chunks.keys()) refuseCircle(name, []);
  packed.add(main);
  gather(main);
  gather('dist/cli/commands/verify.js');

  const shared = 'dist/cli/shared.js';
  const link = (from, code) =>
    code.replace(REQUIRE, (whole, path) => {
      const name = target(from, path);
      if (!packed.has(name))
        return packed.has(from) ? `require(${JSON.stringify(relativeTo(shared, name))})` : whole;
      const load = packed.has(from) ? '__load' : `require(${JSON.stringify(relativeTo(from, shared))})`;
      return `${load}(${JSON.stringify(posix.basename(name))})`;
    });
  const relativeTo = (from, name) => {
    const path = posix.relative(posix.dirname(from), name);
    return path.startsWith('.') ? path : `./${path}`;
  };
  const bodies = [...packed].map(
    name => `${JSON.stringify(posix.basename(name))}(module){${link(name, chunks.get(name))}}`,
  );
  const result = new Map(
    [...chunks].filter(([name]) => !packed.has(name)).map(([name, code]) => [name, link(name, code)]),
  );
  result.set(
    shared,
    `"use strict";const loaded=new Map();module.exports=__load;function __load(name){let module=loaded.get(name);` +
      `if(!module){loaded.set(name,module={exports:{}});chunks[name](module);}return module.exports;}` +
      `const chunks={${bodies.join(',\n')}};\n`,
  );
  return result;
}

async function bundleCommandLine() {
  const entryPoints = { bin: join(root, 'src/cli/bin.ts') };
  for (const file of filesUnder(join(root, 'commands'), '.ts')) {
    const name = relative(root, file).split(sep).join('/').replace(/\.ts$/, '');
    entryPoints[name] = file;
  }
  const { outputFiles } = await build({
    entryPoints,
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
    chunkNames: 'chunks/[name]-[hash]',
    logLevel: 'warning',
    define: { TOUCHMARK_VERSION: JSON.stringify(packageJson.version) },
    write: false,
  });
  const chunks = new Map();
  for (const { path, text } of outputFiles) {
    chunks.set(relative(stage, path).split(sep).join('/'), toCommonJs(text, path));
  }
  let bytes = 0;
  for (const [name, code] of packChunks(chunks)) {
    const path = join(stage, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, code, { mode: code.startsWith('#!') ? 0o755 : 0o644 });
    bytes += Buffer.byteLength(code);
  }
  writeFileSync(join(stage, 'dist/cli/package.json'), '{ "type": "commonjs" }\n');
  return bytes;
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
