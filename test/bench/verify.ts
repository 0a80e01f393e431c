import { touchmarkOk } from '../peers/touchmark.js';
import { compare } from './measure.js';
import { type Bench, cosign, cosignSign, cosignVerifying, ours } from './site.js';
import { milliseconds, type Result, times } from './table.js';

/** One image, one process, nothing warm but the file system: the same image and signature for both tools. */
export async function measureVerify(bench: Bench): Promise<readonly Result[]> {
  const { scratch, plain, modern } = bench;
  const results: Result[] = [];
  const race = async (what: string, image: string, local: boolean, ...more: string[]): Promise<void> => {
    const reference = local ? `oci:${image}` : image;
    const [own = 0, other = 0] = await compare(
      [
        ours(what, 'verify', reference, '--key', 'ada.pub', ...more),
        cosignVerifying(bench, image, ...(local ? ['--local-image'] : [])),
      ],
      bench.quick ? 3 : 25,
      bench.place,
    );
    results.push({
      what,
      ours: milliseconds(own),
      theirs: `cosign 3 ${milliseconds(other)}`,
      ratio: times(own / other),
      bar: '≤ 1.0',
    });
  };

  const both = await bench.publish(plain.host, 'verify/both');
  await touchmarkOk(scratch, ['sign', both.pinned, '--key', 'ada.key']);
  await race('docker-registry, by tag, signed by touchmark', both.tagged, false);
  await race('docker-registry, by digest, signed by touchmark', both.pinned, false);
  for (const carrier of ['simplesigning', 'bundle'] as const) {
    const image = await bench.publish(plain.host, `verify/cosign-${carrier}`);
    const { code, stderr } = await cosignSign(scratch, 3, carrier, 'ada.key', image.pinned);
    if (code !== 0) throw new Error(stderr);
    await race(`docker-registry, by tag, ${carrier} by cosign 3`, image.tagged, false);
  }

  const referred = await bench.publish(modern.host, 'verify/referred');
  await touchmarkOk(scratch, ['sign', referred.pinned, '--key', 'ada.key']);
  await race('registry with referrers API, by tag, signed by touchmark', referred.tagged, false);

  const layout = scratch.file('saved');
  const { code, stderr } = await cosign(scratch, 3, ['save', '--dir', layout, both.pinned]);
  if (code !== 0) throw new Error(stderr);
  await race('layout saved by cosign 3, manifest only, as cosign does', layout, true, '--level', 'manifest');
  await race('layout saved by cosign 3, every byte', layout, true);
  return [...results, await countRequests(bench, referred.tagged)];
}

/** What each tool asks the registry for one `verify` by tag. */
async function countRequests(bench: Bench, image: string): Promise<Result> {
  const count = async (candidate: ReturnType<typeof ours>): Promise<number> => {
    bench.modern.clearRequests();
    await compare([candidate], 1, bench.place, 0);
    return bench.modern.requests.length;
  };
  const own = await count(ours('verify', 'verify', image, '--key', 'ada.pub'));
  const other = await count(cosignVerifying(bench, image));
  return {
    what: 'requests for one verify by tag, registry with referrers API',
    ours: String(own),
    theirs: `cosign 3 ${other}`,
    ratio: times(own / other),
    bar: '≤ 6 requests',
  };
}
