/**
 * `npm start`: the main job, offline, on a layout on disk. Three teams build on each other's image; each verifies what it was
 * handed, adds its layer, signs, and hands on. The last one to receive it verifies every link, and refuses what was changed.
 * Every command is printed before it runs; pasted into a shell in this folder, they do the same.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const environment = { ...process.env, TOUCHMARK_PASSWORD: 'a password for this demonstration', CI: 'true' };
for (const name of Object.keys(environment))
  if (/^TOUCHMARK_(?!PASSWORD$)/.test(name)) delete environment[name];

const say = text => process.stdout.write(`${text}\n`);
const failures = [];

function quote(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`;
}

/** Prints a command line, runs it, and holds its exit code against what the story expects. */
function run(program, words, { expect = 0, quiet = false } = {}) {
  const script = { touchmark: 'dist/cli/bin.js' }[program] ?? `test/demo/${program}.mjs`;
  const shown = program === 'touchmark' ? 'touchmark' : `node ${script}`;
  say(`$ ${[shown, ...words.map(quote)].join(' ')}`);
  const result = spawnSync(process.execPath, [script, ...words], {
    cwd: root,
    env: environment,
    encoding: 'utf8',
  });
  if (!quiet) process.stdout.write(`${result.stdout}${result.stderr}`);
  if (result.status !== expect) {
    if (quiet) process.stdout.write(`${result.stdout}${result.stderr}`);
    failures.push(`${shown} ${words.join(' ')}: exit code ${result.status}, expected ${expect}`);
  }
  return result.stdout;
}

function layersOf(reference) {
  const { layers } = JSON.parse(run('touchmark', ['inspect', reference, '-o', 'json'], { quiet: true }));
  return layers.map(layer => layer.digest);
}

rmSync(join(root, 'work'), { recursive: true, force: true });
mkdirSync(join(root, 'work'));

say('# Three teams, three keys. Run these lines yourself, in this folder:');
say('$ alias touchmark="node dist/cli/bin.js"');
say(`$ export TOUCHMARK_PASSWORD=${quote(environment.TOUCHMARK_PASSWORD)}`);
say('$ mkdir -p work');
for (const team of ['base', 'runtime', 'app', 'eve'])
  run('touchmark', ['key', 'generate', `work/${team}`], { quiet: true });

say('\n# The base team builds an image and signs it.');
run('add-layer', ['oci:work/image:base', 'etc/os-release=ID=demo']);
run('touchmark', [
  'sign',
  'oci:work/image:base',
  '--key',
  'work/base.key',
  '--as',
  'registry.example/base',
  '--yes',
]);

say('\n# The runtime team checks what it was handed, adds its layer, signs, and hands on.');
run('touchmark', [
  'verify',
  'oci:work/image:base',
  '--key',
  'work/base.pub',
  '--as',
  'registry.example/base',
]);
run('add-layer', ['oci:work/image:runtime', '--from', 'oci:work/image:base', 'usr/bin/run=#!/bin/sh']);
run('touchmark', [
  'sign',
  'oci:work/image:runtime',
  '--key',
  'work/runtime.key',
  '--as',
  'registry.example/runtime',
  '--yes',
]);

say('\n# The application team does the same.');
run('touchmark', [
  'verify',
  'oci:work/image:runtime',
  '--key',
  'work/runtime.pub',
  '--as',
  'registry.example/runtime',
]);
run('add-layer', ['oci:work/image:app', '--from', 'oci:work/image:runtime', 'app/main=echo hello']);
run('touchmark', [
  'sign',
  'oci:work/image:app',
  '--key',
  'work/app.key',
  '--as',
  'registry.example/app',
  '--yes',
]);

say('\n# It travels as one file, signatures and all, to where it will run.');
for (const tag of ['base', 'runtime', 'app']) {
  run('touchmark', ['copy', `oci:work/image:${tag}`, `oci-archive:work/delivery.tar:${tag}`]);
}

say(
  '\n# There, every link of the chain is verified: who signed it, and that each image only adds to the one before.',
);
let before = [];
for (const team of ['base', 'runtime', 'app']) {
  const reference = `oci-archive:work/delivery.tar:${team}`;
  run('touchmark', ['verify', reference, '--key', `work/${team}.pub`, '--as', `registry.example/${team}`]);
  const layers = layersOf(reference);
  const extended = layers.length === before.length + 1 && before.every((digest, i) => layers[i] === digest);
  say(
    `  ${team}: ${extended ? `layer ${layers.length - 1} is theirs, the ${before.length} below are untouched` : 'BROKEN CHAIN'}`,
  );
  if (!extended) failures.push(`the layers of ${team} do not extend those below`);
  before = layers;
}

say('\n# Someone changes one byte of a layer: refused.');
run('touchmark', ['copy', 'oci-archive:work/delivery.tar:app', 'oci:work/tampered:app'], { quiet: true });
run('flip-byte', ['work/tampered', before.at(-1)]);
run(
  'touchmark',
  ['verify', 'oci:work/tampered:app', '--key', 'work/app.pub', '--as', 'registry.example/app'],
  { expect: 18 },
);

say('\n# Someone adds a layer of their own and signs it with their own key: refused.');
run('add-layer', [
  'oci:work/tampered:evil',
  '--from',
  'oci:work/image:app',
  'app/backdoor=curl evil.example',
]);
run(
  'touchmark',
  ['sign', 'oci:work/tampered:evil', '--key', 'work/eve.key', '--as', 'registry.example/app', '--yes'],
  { quiet: true },
);
run(
  'touchmark',
  ['verify', 'oci:work/tampered:evil', '--key', 'work/app.pub', '--as', 'registry.example/app'],
  { expect: 12 },
);

if (failures.length > 0) {
  process.stderr.write(`\nnot as expected:\n${failures.map(failure => `  ${failure}\n`).join('')}`);
  process.exitCode = 1;
} else {
  say('\n# All as expected: the chain verified, both changed images were refused. The files are in work/.');
}
