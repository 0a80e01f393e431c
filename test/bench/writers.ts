import { mapConcurrently } from '../../src/base/concurrency.js';
import type { Outcome } from '../peers/command.js';
import { type Carrier, cosignSign } from '../peers/cosign.js';
import { touchmark, touchmarkOk } from '../peers/touchmark.js';
import type { Bench } from './site.js';
import { type Result, seconds, times } from './table.js';

/** Many processes that sign one digest at once with a key each, in docker-registry: who is still there afterwards? */
export async function measureWriters(bench: Bench): Promise<readonly Result[]> {
  const writers = bench.quick ? 4 : 32;
  const names = Array.from({ length: writers }, (_, i) => `writer-${i}`);
  await mapConcurrently(names, 3, name => touchmarkOk(bench.scratch, ['key', 'generate', name]));
  const results: Result[] = [];
  for (const carrier of ['simplesigning', 'bundle'] as const) {
    const own = await race(bench, names, carrier, `writers/touchmark-${carrier}`, (name, image) =>
      touchmark(bench.scratch, ['sign', image, '--key', `${name}.key`, '--carrier', carrier]),
    );
    const other = await race(bench, names, carrier, `writers/cosign-${carrier}`, (name, image) =>
      cosignSign(bench.scratch, 3, carrier, `${name}.key`, image),
    );
    results.push({
      what: `${writers} writers at once, ${carrier}: signatures there afterwards`,
      ours: describeRace(own),
      theirs: `cosign 3 ${describeRace(other)}`,
      ratio: times(own.there / other.there),
      bar: `${writers} there`,
    });
  }
  return results;
}

interface Race {
  readonly there: number;
  readonly saidYes: number;
  readonly milliseconds: number;
}

function describeRace({ there, saidYes, milliseconds }: Race): string {
  return `${there} (${saidYes} exited 0), ${seconds(milliseconds)}`;
}

async function race(
  bench: Bench,
  names: readonly string[],
  carrier: Carrier,
  path: string,
  sign: (name: string, image: string) => Promise<Outcome>,
): Promise<Race> {
  const { pinned } = await bench.publish(bench.plain.host, path);
  const started = performance.now();
  const outcomes = await Promise.all(names.map(name => sign(name, pinned)));
  const milliseconds = performance.now() - started;
  const keys = names.flatMap(name => ['--key', `${name}.pub`]);
  const verified = await touchmark(bench.scratch, [
    'verify',
    pinned,
    ...keys,
    '--carrier',
    carrier,
    '-o',
    'json',
  ]);
  const { images } = verified.json() as { images: { threshold: { valid: number } }[] };
  const saidYes = outcomes.filter(({ code }) => code === 0).length;
  return { there: images[0]?.threshold.valid ?? 0, saidYes, milliseconds };
}
