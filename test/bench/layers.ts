import { createWriteStream, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { build } from 'esbuild';
import { formatTarHeader, tarPadding } from '../../src/oci/archive/tar-header.js';
import { describe } from '../../src/oci/descriptor.js';
import { openLayoutStore } from '../../src/oci/layout/index.js';
import { serializeManifest } from '../../src/oci/manifest.js';
import { MEDIA_TYPES } from '../../src/oci/media-types.js';
import { CHECKOUT } from '../peers/checkout.js';
import { median, type Run, time } from './measure.js';
import type { Bench } from './site.js';
import { type Result, times } from './table.js';

const LAYERS = 4;

/** The same bytes as one layer and as four: what they unpack to, from a layout, compared with inflating alone. */
export async function measureLayers(bench: Bench): Promise<readonly Result[]> {
  const { scratch } = bench;
  const worker = scratch.file('layers-worker.mjs');
  await build({
    entryPoints: [join(CHECKOUT, 'test/bench/layers-worker.ts')],
    outfile: worker,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'error',
  });
  const size = (bench.quick ? 16 : 256) * 1024 * 1024;
  const parts = await makeParts(scratch.file('part'), size);
  // Members one behind the other are one gzip stream.
  const whole = scratch.file('whole.gz');
  writeFileSync(whole, Buffer.concat(parts));
  const one = await writeImage(scratch.file('one'), [readFileSync(whole)]);
  const four = await writeImage(scratch.file('four'), parts);

  const candidates = [
    [process.execPath, [worker, 'inflate', one]],
    [process.execPath, [worker, 'facts', one]],
    [process.execPath, [worker, 'facts', four]],
    [process.execPath, [worker, 'content', one]],
    [process.execPath, [worker, 'content', four]],
    ['sh', ['-c', 'gzip -dc "$0" | sha256sum', whole]],
  ] as const;
  const runs: Run[][] = candidates.map(() => []);
  for (let round = -1; round < (bench.quick ? 2 : 7); round++) {
    for (const [i, [file, args]] of candidates.entries()) {
      const run = await time(file, args, bench.place);
      if (round >= 0) runs[i]?.push(run);
    }
  }
  const [inflate = 0, single = 0, several = 0, content = 0, contents = 0, shell = 0] = runs.map(list =>
    median(list.map(run => run.milliseconds)),
  );
  const peak = Math.max(...runs.slice(1, 5).flatMap(list => list.map(run => run.peakMiB)));
  const total = LAYERS * (size / 2 ** 20);
  const speed = (time: number): string => `${((total * 1000) / time).toFixed(0)} MiB/s`;
  const against = (what: string, own: number, name: string, other: number, bar: string): Result => ({
    what: `${total} MiB ${what}`,
    ours: speed(own),
    theirs: `${name} ${speed(other)}`,
    ratio: times(other / own),
    bar,
  });
  return [
    against('in one layer', single, 'inflating alone', inflate, '≥ 0.75'),
    against('in one layer', single, '`gzip -dc \\| sha256sum`', shell, '> 1'),
    against(`in ${LAYERS} layers`, several, 'in one layer', single, '> 1'),
    against(
      'in one layer, with the digest of each file and the tree',
      content,
      'inflating alone',
      inflate,
      '≥ 0.75',
    ),
    against(`in ${LAYERS} layers, the same`, contents, 'in one layer', content, '≥ 1.15'),
    { what: 'peak memory', ours: `${peak.toFixed(0)} MiB`, theirs: '', ratio: '', bar: '< 150 MB' },
  ];
}

/** Gzip of `size` bytes each. */
async function makeParts(file: string, size: number): Promise<readonly Buffer[]> {
  const parts: Buffer[] = [];
  for (let i = 0; i < LAYERS; i++) {
    const content = Readable.from(takeFiles(i / LAYERS, size), { objectMode: false });
    await pipeline(content, createGzip({ level: 6, chunkSize: 1024 * 1024 }), createWriteStream(file));
    parts.push(readFileSync(file));
  }
  return parts;
}

/**
 * The entries of a tar, some `size` bytes, of the files that any checkout has: programs, sources and data. Without an end
 * mark, so that several are one; `share` says where among the files to begin.
 */
async function* takeFiles(share: number, size: number): AsyncGenerator<Uint8Array> {
  const folder = join(CHECKOUT, 'node_modules');
  const found = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && !entry.parentPath.includes('.cache'))
    .map(entry => join(entry.parentPath, entry.name))
    .sort();
  const files = [process.execPath, ...found];
  let left = size;
  for (let i = Math.floor(share * files.length), taken = 0; left > 0; i = (i + 1) % files.length, taken++) {
    const body = readFileSync(files[i] as string);
    const path = `${share}/${Math.floor(taken / files.length)}/${i}-${basename(files[i] as string)}`;
    yield formatTarHeader({ path, size: body.length });
    yield body;
    yield new Uint8Array(tarPadding(body.length));
    left -= body.length;
  }
}

async function writeImage(folder: string, layers: readonly Uint8Array[]): Promise<string> {
  const store = await openLayoutStore({ location: folder });
  const config = Buffer.from('{}');
  const configDescriptor = describe(MEDIA_TYPES.ociConfig, config);
  const descriptors = layers.map(layer => describe(`${MEDIA_TYPES.ociLayer}+gzip`, layer));
  await store.writeBlob(configDescriptor, config);
  for (const [i, descriptor] of descriptors.entries())
    await store.writeBlob(descriptor, layers[i] as Uint8Array);
  await store.writeManifest(serializeManifest({ config: configDescriptor, layers: descriptors }), 'v1');
  await store.commit();
  await store.close();
  return folder;
}
