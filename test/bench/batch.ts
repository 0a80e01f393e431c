import { writeFileSync } from 'node:fs';
import { mapConcurrently } from '../../src/base/concurrency.js';
import { CLI } from '../peers/checkout.js';
import { cosignVerifyArgs } from '../peers/cosign.js';
import { PEERS } from '../peers/peer-list.js';
import { touchmarkOk } from '../peers/touchmark.js';
import { time } from './measure.js';
import type { Bench } from './site.js';
import { type Result, seconds, times } from './table.js';

const REPOSITORIES = 10;

/** Many signed images: one process of ours, `xargs -P 2` of cosign's on a sample of them. */
export async function measureBatch(bench: Bench): Promise<readonly Result[]> {
  const total = bench.quick ? 40 : 1000;
  const sample = bench.quick ? 10 : 100;
  const numbers = Array.from({ length: total }, (_, i) => i);
  const images = await mapConcurrently(numbers, 4, i =>
    bench.publish(bench.plain.host, `batch/${i % REPOSITORIES}`, `v${i}`),
  );
  const shares = [0, 1].map(share => images.filter((_, i) => i % 2 === share).map(({ pinned }) => pinned));
  await Promise.all(
    shares.map(share =>
      touchmarkOk(bench.scratch, ['sign', ...share, '--key', 'ada.key', '--timeout', '30m'], {
        timeout: 30 * 60_000,
      }),
    ),
  );
  const list = bench.scratch.file('images.txt');
  writeFileSync(list, `${images.map(({ tagged }) => tagged).join('\n')}\n`);
  const sampled = bench.scratch.file('sample.txt');
  // Spread over all repositories, as the whole is.
  const step = Math.floor(total / sample);
  writeFileSync(
    sampled,
    `${images
      .filter((_, i) => i % step === 0)
      .slice(0, sample)
      .map(({ tagged }) => tagged)
      .join('\n')}\n`,
  );

  const verify = [CLI, 'verify', '--key', 'ada.pub', '--images', list, '-o', 'json'];
  await time(process.execPath, verify, bench.place);
  const own = await time(process.execPath, verify, bench.place);
  const theirArgs = [...cosignVerifyArgs(bench.scratch, 3, 'bundle'), '--key', 'ada.pub'];
  const xargs = ['-a', sampled, '-P', '2', '-n', '1', PEERS.cosign3.path, ...theirArgs];
  const other = await time('xargs', xargs, bench.place);
  const rate = (total * 1000) / own.milliseconds;
  const theirRate = (sample * 1000) / other.milliseconds;
  return [
    {
      what: `${total} signed images, images a second`,
      ours: `${rate.toFixed(0)}/s (${seconds(own.milliseconds)})`,
      theirs: `\`xargs -P 2 cosign\` ${theirRate.toFixed(1)}/s (${sample} of them in ${seconds(other.milliseconds)})`,
      ratio: times(rate / theirRate),
      bar: '≥ 10',
    },
    {
      what: `${total} signed images, peak memory`,
      ours: `${own.peakMiB.toFixed(0)} MiB`,
      theirs: '',
      ratio: '',
      bar: '< 200 MB',
    },
  ];
}
