import { CLI } from '../peers/checkout.js';
import { PEERS } from '../peers/peer-list.js';
import { type Candidate, compare } from './measure.js';
import { type Bench, cosignSignArgs } from './site.js';
import { milliseconds, type Result, times } from './table.js';

/** Signing a new image in docker-registry. touchmark reads back and verifies what it wrote; cosign does not. */
export async function measureSign(bench: Bench): Promise<readonly Result[]> {
  const rounds = bench.quick ? 2 : 10;
  const warmup = 1;
  const images = (name: string) =>
    Promise.all(
      Array.from({ length: rounds + warmup }, (_, i) => bench.publish(bench.plain.host, `sign/${name}-${i}`)),
    );
  const candidate = async (
    name: string,
    file: string,
    args: (image: string) => readonly string[],
  ): Promise<Candidate> => {
    const targets = await images(name);
    return { name, file, args: round => args(targets[round]?.pinned ?? '') };
  };
  const own = (name: string, ...more: string[]) =>
    candidate(name, process.execPath, image => [CLI, 'sign', image, '--key', 'ada.key', ...more]);
  const cosign = (carrier: 'simplesigning' | 'bundle') =>
    candidate(`cosign-${carrier}`, PEERS.cosign3.path, image => [
      ...cosignSignArgs(bench.scratch, 3, carrier),
      '--key',
      'ada.key',
      image,
    ]);
  const [both = 0, simple = 0, bundle = 0, theirSimple = 0, theirBundle = 0] = await compare(
    [
      await own('both'),
      await own('simplesigning', '--carrier', 'simplesigning'),
      await own('bundle', '--carrier', 'bundle'),
      await cosign('simplesigning'),
      await cosign('bundle'),
    ],
    rounds,
    bench.place,
    warmup,
  );
  const line = (what: string, mine: number, name: string, other: number): Result => ({
    what,
    ours: milliseconds(mine),
    theirs: `${name} ${milliseconds(other)}`,
    ratio: times(mine / other),
  });
  return [
    line('sign, simplesigning', simple, 'cosign 3', theirSimple),
    line('sign, bundle', bundle, 'cosign 3', theirBundle),
    line('sign, both', both, 'cosign 3, one after the other', theirSimple + theirBundle),
  ];
}
