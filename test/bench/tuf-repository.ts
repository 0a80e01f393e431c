import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { CHECKOUT } from '../peers/checkout.js';
import { time } from './measure.js';
import type { Bench } from './site.js';
import { type Result, seconds } from './table.js';

/** A repository of a million targets in 16,384 succinct bins: built from nothing, then given one more target. */
export async function measureTufRepository({ scratch, place, quick }: Bench): Promise<readonly Result[]> {
  const worker = scratch.file('tuf-repository-worker.mjs');
  await build({
    entryPoints: [join(CHECKOUT, 'test/bench/tuf-repository-worker.ts')],
    outfile: worker,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'error',
  });
  const [targets, bits] = quick ? [10_000, 8] : [1_000_000, 14];
  const [folder, key] = [scratch.file('tuf-repository'), scratch.file('tuf-repository-key')];
  const what = `${targets.toLocaleString('en')} targets in ${(2 ** bits).toLocaleString('en')} succinct bins`;
  const built = await time(
    process.execPath,
    [worker, 'build', folder, key, String(targets), String(bits)],
    place,
  );
  const added = await time(process.execPath, [worker, 'add', folder, key, 'one/more'], place);
  const touched = readFileSync(join(folder, 'touched'), 'utf8');
  const alone = { theirs: '', ratio: '' };
  return [
    { what: `${what}, from nothing`, ours: seconds(built.milliseconds), ...alone, bar: '< 120 s' },
    { what: 'peak memory of that', ours: `${built.peakMiB.toFixed(0)} MiB`, ...alone, bar: '< 2 GB' },
    {
      what: 'one target more, start of the process included',
      ours: seconds(added.milliseconds),
      ...alone,
      bar: '< 2 s',
    },
    { what: 'files that this made', ours: touched, ...alone, bar: '3' },
  ];
}
