// Many processes change one fallback tag and one `.sig`-like tag of docker-registry 2.8 at once; counts what is left.
// node test/integration/registry-merge/run.mjs [WRITERS [ROUNDS]]
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const here = import.meta.dirname;
const writers = Number(process.argv[2] ?? 32);
const rounds = Number(process.argv[3] ?? 1);
const folder = mkdtempSync(join(tmpdir(), 'registry-merge-'));
const libraryFile = join(folder, 'library.mjs');
await build({
  entryPoints: [join(here, 'library.ts')],
  outfile: libraryFile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  logLevel: 'error',
});
const library = pathToFileURL(libraryFile).href;

const port = await new Promise(resolve => {
  const probe = createServer().listen(0, '127.0.0.1', () => {
    const { port } = probe.address();
    probe.close(() => resolve(port));
  });
});
writeFileSync(
  join(folder, 'config.yml'),
  `version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: ${join(folder, 'data')} } }
http: { addr: "127.0.0.1:${port}" }
`,
);
const registry = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' });
try {
  for (;;) {
    const up = await fetch(`http://127.0.0.1:${port}/v2/`).then(
      r => r.ok,
      () => false,
    );
    if (up) break;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  const { createRegistrySession, openRegistryStore, parseManifest } = await import(library);
  const session = createRegistrySession({});
  let lost = 0;
  for (let round = 1; round <= rounds; round++) {
    const location = `127.0.0.1:${port}/lab/round${round}`;
    const hex = round.toString(16).padStart(64, '0');
    const subject = {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: `sha256:${hex}`,
      size: 2,
    };
    const began = performance.now();
    const start = Date.now() + 250 * writers * Number(process.env.TOGETHER ?? 0.2);
    const results = await Promise.all(
      Array.from({ length: writers }, (_, i) =>
        runWriter([library, location, JSON.stringify(subject), String(i), String(start)]),
      ),
    );
    const wall = Math.round(performance.now() - began);
    const store = openRegistryStore({ transport: 'registry', location }, session);
    const listed = new Set((await store.listReferrers(subject.digest)).descriptors.map(d => d.digest));
    const layers = new Set(
      parseManifest(await store.fetchManifest({ tag: 'merged.sig' })).layers.map(l => l.digest),
    );
    const kept = results.filter(r => r.ok && listed.has(r.referrer)).length;
    const keptLayers = results.filter(r => r.ok && layers.has(r.layer)).length;
    const ok = results.filter(r => r.ok);
    const of = key => ok.map(r => r[key]).sort((a, b) => a - b);
    const [attach, tag, requests] = [of('attach'), of('tag'), of('requests')];
    lost += 2 * writers - kept - keptLayers;
    console.log(
      JSON.stringify({
        round,
        writers,
        kept,
        keptLayers,
        wall,
        attach: [attach[0], attach.at(-1)],
        tag: [tag[0], tag.at(-1)],
        requests: requests.reduce((a, b) => a + b, 0),
      }),
    );
    for (const r of results) if (!r.ok) console.log(`  failed: ${r.error}`);
  }
  await session.close();
  console.log(lost === 0 ? 'nothing lost' : `LOST ${lost}`);
  process.exitCode = lost === 0 ? 0 : 1;
} finally {
  registry.kill();
  rmSync(folder, { recursive: true, force: true });
}

function runWriter(args) {
  return new Promise(resolve => {
    const child = spawn(process.execPath, [join(here, 'writer.mjs'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout.on('data', d => (out += d));
    child.stderr.on('data', d => (err += d));
    child.on('close', code =>
      resolve(code === 0 ? { ok: true, ...JSON.parse(out) } : { ok: false, error: err.slice(0, 400) }),
    );
  });
}
