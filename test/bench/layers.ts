import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { CHECKOUT } from '../peers/checkout.js';
import { PEERS } from '../peers/peer-list.js';
import { joinParts, makeLargePart, makeManyFiles, makeParts, writeImage } from './layers-images.js';
import { median, type Run, time } from './measure.js';
import type { Bench } from './site.js';
import { milliseconds, type Result, times } from './table.js';

const LAYERS = 4;

/** As much as level `content` finds out, by the fastest tools of a shell: digests of the blob, of the tar and of each file. */
const PIPELINE = `set -e
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
mkfifo "$work/blob" "$work/tar"; mkdir "$work/files"
openssl dgst -sha256 < "$work/blob" & openssl dgst -sha256 < "$work/tar" &
tee "$work/blob" < "$1" | igzip -dc | tee "$work/tar" | tar -x -C "$work/files" -f -
wait
find "$work/files" -type f -print0 | xargs -0 openssl dgst -sha256
`;

interface Timed extends Omit<Run, 'stderr'> {
  /** Of the command and all that it started, in milliseconds. */
  readonly cpu: number;
}

/**
 * What layers unpack to and what is in them, from a layout, compared with inflating alone, with a shell's tools and with
 * umoci; the memory that the largest take; and one path of an image that is known.
 */
export async function measureLayers(bench: Bench): Promise<readonly Result[]> {
  const { scratch, quick } = bench;
  const worker = await buildWorker(scratch.file('layers-worker.mjs'));
  const size = (quick ? 16 : 256) * 1024 * 1024;
  const parts = await makeParts(LAYERS, size);
  const whole = joinParts(parts, `sha256:${'0'.repeat(64)}`);
  const [wholeFile, script] = [scratch.file('whole.gz'), scratch.file('pipeline.sh')];
  writeFileSync(wholeFile, whole.gzip);
  writeFileSync(script, PIPELINE);
  const one = await writeImage(scratch.file('one'), [whole]);
  const four = await writeImage(scratch.file('four'), parts);
  const bundle = scratch.file('bundle');
  const umoci = [
    'unpack',
    ...(process.getuid?.() === 0 ? [] : ['--rootless']),
    '--image',
    `${four}:v1`,
    bundle,
  ];
  const candidates = {
    inflate: [process.execPath, worker, 'inflate', one],
    facts: [process.execPath, worker, 'facts', one],
    factsOfFour: [process.execPath, worker, 'facts', four],
    content: [process.execPath, worker, 'content', one],
    contentOfFour: [process.execPath, worker, 'content', four],
    gzip: ['bash', '-c', 'gzip -dc "$0" | sha256sum', wholeFile],
    igzip: ['bash', '-c', 'igzip -dc "$0" | openssl dgst -sha256', wholeFile],
    pipeline: ['bash', script, wholeFile],
    umoci: [PEERS.umoci.path, ...umoci],
  } satisfies Record<string, readonly string[]>;
  const runs = await runInTurn(bench, candidates, quick ? 2 : 7, () =>
    rmSync(bundle, { recursive: true, force: true }),
  );
  const total = (LAYERS * size) / 2 ** 20;
  const speed = (time: number): string => `${((total * 1000) / time).toFixed(0)} MiB/s`;
  const against = (
    what: string,
    own: keyof typeof candidates,
    name: string,
    other: keyof typeof candidates,
    bar: string,
  ): Result => ({
    what: `${total} MiB ${what}`,
    ours: speed(runs[own].milliseconds),
    theirs: `${name} ${speed(runs[other].milliseconds)}`,
    ratio: `${times(runs[other].milliseconds / runs[own].milliseconds)} (CPU ${times(runs[other].cpu / runs[own].cpu)})`,
    bar,
  });
  const inOne = 'in one layer, with the digest of each file and the tree';
  return [
    against('in one layer', 'facts', 'inflating alone', 'inflate', '≥ 0.75'),
    against('in one layer', 'facts', '`gzip -dc \\| sha256sum`', 'gzip', '> 1'),
    against('in one layer', 'facts', '`igzip -dc \\| openssl dgst`', 'igzip', ''),
    against(`in ${LAYERS} layers`, 'factsOfFour', 'in one layer', 'facts', '> 1'),
    against(inOne, 'content', 'inflating alone', 'inflate', '≥ 0.75'),
    against(inOne, 'content', '`igzip`, `openssl dgst` and `tar` for the same', 'pipeline', '> 1'),
    against(`in ${LAYERS} layers, the same`, 'contentOfFour', 'in one layer', 'content', '≥ 1.15'),
    against(`in ${LAYERS} layers, the same`, 'contentOfFour', '`umoci unpack`', 'umoci', '≥ 5'),
    ...(await measureLarge(bench, worker)),
    ...(await measureKnown(bench, worker, four)),
  ];
}

async function buildWorker(outfile: string): Promise<string> {
  await build({
    entryPoints: [join(CHECKOUT, 'test/bench/layers-worker.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'error',
  });
  return outfile;
}

/** Medians, over rounds in which all have their turn. */
async function runInTurn<Name extends string>(
  bench: Bench,
  candidates: Readonly<Record<Name, readonly string[]>>,
  rounds: number,
  clean: () => void = () => {},
): Promise<Readonly<Record<Name, Timed>>> {
  const names = Object.keys(candidates) as Name[];
  const runs = new Map<Name, Timed[]>(names.map(name => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const name of names) {
      const run = await timeWithCpu(bench, candidates[name]);
      clean();
      if (round >= 0) runs.get(name)?.push(run);
    }
  }
  const summed = names.map(name => {
    const list = runs.get(name) ?? [];
    const of = (pick: (run: Timed) => number): number => median(list.map(pick));
    const peakMiB = Math.max(...list.map(run => run.peakMiB));
    return [name, { milliseconds: of(run => run.milliseconds), cpu: of(run => run.cpu), peakMiB }];
  });
  return Object.fromEntries(summed) as Record<Name, Timed>;
}

/** The shell says what it and all that it waited for took; the worker says its own peak. */
async function timeWithCpu({ place }: Bench, command: readonly string[]): Promise<Timed> {
  const run = await time('bash', ['-c', 'TIMEFORMAT="cpu %U %S"; time "$0" "$@"', ...command], place);
  const [, user = '0', system = '0'] = /^cpu ([\d.]+) ([\d.]+)$/m.exec(run.stderr) ?? [];
  const peak = Number(/^peak (\d+)$/m.exec(run.stderr)?.[1] ?? 0) / 1024;
  return { ...run, cpu: 1000 * (Number(user) + Number(system)), peakMiB: peak };
}

async function measureLarge(bench: Bench, worker: string): Promise<readonly Result[]> {
  const { scratch, quick } = bench;
  // What packs well, so that the blob itself fits into memory here.
  const large = makeLargePart(await makeManyFiles(LAYERS, quick ? 10_000 : 250_000), 17);
  const files = quick ? 20_000 : 500_000;
  const many = [];
  for (let i = 0; i < LAYERS; i++) many.push(await makeManyFiles(i, files / LAYERS));
  const candidates = {
    large: [process.execPath, worker, 'content', await writeImage(scratch.file('large'), [large])],
    many: [process.execPath, worker, 'content', await writeImage(scratch.file('many'), many)],
  };
  const runs = await runInTurn(bench, candidates, 1);
  const row = (what: string, peakMiB: number): Result => ({
    what: `peak memory, ${what}`,
    ours: `${peakMiB.toFixed(0)} MiB`,
    theirs: '',
    ratio: '',
    bar: '< 238 MiB (250 MB)',
  });
  const gibibytes = (large.tarSize / 2 ** 30).toFixed(1);
  return [
    row(`a layer of ${gibibytes} GiB`, runs.large.peakMiB),
    row(`an image of ${files} files`, runs.many.peakMiB),
  ];
}

/** One path of an image whose layers were read before, in a process of its own, less what a process takes that does nothing. */
async function measureKnown(bench: Bench, worker: string, four: string): Promise<readonly Result[]> {
  const { scratch, quick } = bench;
  const cache = scratch.file('known');
  const candidates = {
    nothing: [process.execPath, worker, 'nothing', four, cache],
    known: [process.execPath, worker, 'path', four, cache],
    knownMany: [process.execPath, worker, 'path', scratch.file('many'), cache],
  };
  const runs = await runInTurn(bench, candidates, quick ? 2 : 9);
  const row = (what: string, { milliseconds: wall, cpu }: Timed): Result => ({
    what: `whose one path of ${what} is, layers known, beyond start-up`,
    ours: `${milliseconds(wall - runs.nothing.milliseconds)} (CPU ${milliseconds(cpu - runs.nothing.cpu)})`,
    theirs: '',
    ratio: '',
    bar: '< 100 ms',
  });
  return [row('that image', runs.known), row('the image of many files', runs.knownMany)];
}
