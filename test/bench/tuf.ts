import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { binNameFor, createMemoryCache, encodeCanonical, openClient } from '../../src/tuf/index.js';
import { CHECKOUT } from '../peers/checkout.js';
import { runOk } from '../peers/command.js';
import { TUF_JS } from '../peers/peer-list.js';
import { measureWith, TUF_PEERS } from '../peers/tuf-peer.js';
import { NOW, Simulator } from '../unit/tuf/simulator.js';
import type { Bench } from './site.js';
import { milliseconds, type Result, times } from './table.js';

interface Files {
  readonly root: string;
  readonly canonical: string;
  readonly indented: string;
}

interface Reading {
  readonly milliseconds: number;
  readonly mebibytes: number;
}

/** Metadata of many targets, verified beside others and beside a bare `JSON.parse`; and what clients ask for. */
export async function measureTuf(bench: Bench): Promise<readonly Result[]> {
  const worker = await buildWorker(bench);
  const rounds = bench.quick ? 2 : 9;
  const results: Result[] = [];
  for (const count of bench.quick ? [1_000] : [10_000, 100_000])
    results.push(...(await measureFile(bench, worker, count, rounds)));
  results.push(...(await measureDoublings(bench, worker, bench.quick ? 500 : 12_500, rounds)));
  return [...results, ...(await countRefresh()), await countRoots(), await countBins(bench)];
}

async function buildWorker({ scratch }: Bench): Promise<string> {
  const worker = scratch.file('tuf-worker.mjs');
  await build({
    entryPoints: [join(CHECKOUT, 'test/bench/tuf-worker.ts')],
    outfile: worker,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'error',
  });
  return worker;
}

/** Each in a process of its own: what one leaves on the heap must not cost the next. */
async function readIn(worker: string, ...args: readonly string[]): Promise<Reading> {
  const { stdout } = await runOk(process.execPath, [worker, ...args], { timeout: 600_000 });
  return JSON.parse(stdout) as Reading;
}

const pathOf = (i: number): string => `releases/2030/package-${i % 977}/package-${i}.tar.gz`;
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

async function writeFiles({ scratch }: Bench, count: number): Promise<Files> {
  const repository = await Simulator.create();
  const signed = repository.signed('targets');
  for (let i = 0; i < count; i++)
    signed.targets[pathOf(i)] = { length: i, hashes: { sha256: sha256(String(i)) } };
  const { signatures } = JSON.parse(Buffer.from(repository.file('targets')).toString());
  const file = (name: string): string => scratch.file(`${count}-${name}.json`);
  const files = { root: file('root'), canonical: file('canonical'), indented: file('indented') };
  const canonical = `{"signatures":${JSON.stringify(signatures)},"signed":${Buffer.from(encodeCanonical(signed))}}`;
  writeFileSync(files.root, repository.files.get('1.root.json') as Uint8Array);
  writeFileSync(files.canonical, canonical);
  // As python-tuf and go-tuf write it: keys in order, a space a level.
  writeFileSync(files.indented, JSON.stringify(JSON.parse(canonical), null, 1));
  return files;
}

async function measureFile(
  bench: Bench,
  worker: string,
  count: number,
  rounds: number,
): Promise<readonly Result[]> {
  const files = await writeFiles(bench, count);
  const results: Result[] = [];
  for (const layout of ['canonical', 'indented'] as const) {
    const what = `parse and verify ${count} targets, ${layout}`;
    const file = files[layout];
    const own = await readIn(worker, 'verify', file, files.root, String(rounds));
    const bare = await readIn(worker, 'parse', file, files.root, String(rounds));
    const against = (name: string, other: number, bar?: string): Result => ({
      what,
      ours: milliseconds(own.milliseconds),
      theirs: `${name} ${milliseconds(other)}`,
      ratio: times(own.milliseconds / other),
      ...(bar && { bar }),
    });
    results.push(against('`JSON.parse`', bare.milliseconds, '< 5'));
    for (const peer of TUF_PEERS) {
      const other = await measureWith(peer, files.root, file, rounds);
      results.push(against(peer, other, peer === 'python-tuf' ? '< 1' : undefined));
    }
    // Its time grows with the square of the targets: a hundred thousand would take a quarter of an hour.
    if (layout === 'canonical' && count <= 10_000) {
      const other = await readIn(worker, 'tuf-js', file, files.root, '1', TUF_JS);
      results.push(against('tuf-js', other.milliseconds));
    }
  }
  return results;
}

async function measureDoublings(
  bench: Bench,
  worker: string,
  first: number,
  rounds: number,
): Promise<readonly Result[]> {
  const readings: Reading[] = [];
  const counts = [0, 1, 2, 3, 4].map(doubling => first * 2 ** doubling);
  for (const count of counts) {
    const { root, indented } = await writeFiles(bench, count);
    const { milliseconds: time } = await readIn(worker, 'verify', indented, root, String(rounds));
    const once = await readIn(worker, 'verify', indented, root, '1');
    const idle = await readIn(worker, 'nothing', root, root, '1');
    readings.push({ milliseconds: time, mebibytes: once.mebibytes - idle.mebibytes });
  }
  const growth = (value: (reading: Reading) => number): string =>
    readings
      .slice(1)
      .map((reading, i) => times(value(reading) / value(readings[i] as Reading)))
      .join(', ');
  const range = `${counts[0]} to ${counts.at(-1)} targets`;
  const last = readings.at(-1) as Reading;
  return [
    {
      what: `time, four doublings, ${range}`,
      ours: milliseconds(last.milliseconds),
      theirs: 'half as many targets',
      ratio: growth(reading => reading.milliseconds),
      bar: 'about 2 each',
    },
    {
      what: `memory, four doublings, ${range}`,
      ours: `${last.mebibytes.toFixed(0)} MiB`,
      theirs: 'half as many targets',
      ratio: growth(reading => reading.mebibytes),
      bar: 'about 2 each',
    },
  ];
}

async function countRefresh(): Promise<readonly Result[]> {
  const repository = await Simulator.create();
  const user = repository.user();
  await user.refresh();
  const cold = repository.requests.length;
  await user.refresh();
  const warm = repository.requests.length;
  return [
    { what: 'requests of a first refresh', ours: String(cold), theirs: '', ratio: '' },
    {
      what: 'requests of a refresh with nothing new',
      ours: `${warm} (${repository.requests.join(', ')})`,
      theirs: '',
      ratio: '',
      bar: '2',
    },
  ];
}

async function countRoots(): Promise<Result> {
  const repository = await Simulator.create();
  const user = repository.user();
  let before = repository.roles.get('root')!.signers;
  for (let i = 0; i < 256; i++) {
    const key = await repository.rotate('root');
    repository.roles.get('root')!.signers.push(...before);
    repository.releaseRoot();
    before = [key];
  }
  const start = performance.now();
  await user.refresh();
  const time = performance.now() - start;
  const stored = await user.stored('root');
  if (stored !== 257) throw new Error(`the client stands at root ${stored}`);
  return {
    what: 'a chain of 256 root rotations, a new key each',
    ours: `${milliseconds(time)}, ${repository.requests.length} requests`,
    theirs: '',
    ratio: '',
  };
}

/** Every bin is listed; only the one of the target that is asked for needs to be there. */
async function countBins(bench: Bench): Promise<Result> {
  const [total, bitLength] = bench.quick ? [10_000, 8] : [1_000_000, 14];
  const bins = 2 ** bitLength;
  const repository = await Simulator.create();
  const key = await repository.newKey();
  const succinct = { keyids: [key.keyid], threshold: 1, bitLength, namePrefix: 'bin' };
  const wanted = pathOf(123);
  const bin = binNameFor(succinct, wanted);
  repository.signed('targets').delegations = {
    keys: { [key.keyid]: key.key },
    succinct_roles: { keyids: [key.keyid], threshold: 1, bit_length: bitLength, name_prefix: 'bin' },
  };
  repository.addRole(bin, key);
  const { targets } = repository.signed(bin);
  for (let i = 0; i < total; i++) {
    const path = pathOf(i);
    if (binNameFor(succinct, path) === bin)
      targets[path] = { length: i, hashes: { sha256: sha256(String(i)) } };
  }
  for (let i = 0; i < bins; i++) {
    const name = `bin-${i.toString(16).padStart(Math.ceil(bitLength / 4), '0')}`;
    repository.signed('snapshot').meta[`${name}.json`] = { version: 1 };
  }
  repository.publishAll();
  let bytes = 0;
  const source = {
    target: repository.target,
    async metadata(name: string, maxLength: number) {
      const file = await repository.metadata(name, maxLength);
      bytes += file?.length ?? 0;
      return file;
    },
  };
  const cache = createMemoryCache();
  const root = repository.files.get('1.root.json') as Uint8Array;
  const ask = async (): Promise<string> => {
    repository.requests.length = 0;
    bytes = 0;
    const client = await openClient({ cache, source, root, now: NOW });
    if (!(await client.findTarget(wanted))) throw new Error(`${wanted} is not found`);
    return `${repository.requests.length} requests, ${bytes} bytes`;
  };
  const cold = await ask();
  const warm = await ask();
  return {
    what: `one of ${total} targets in ${bins} succinct bins: cold; warm`,
    ours: `${cold}; ${warm}`,
    theirs: '',
    ratio: '',
  };
}
