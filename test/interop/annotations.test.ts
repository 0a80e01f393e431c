import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSite, type Site, verdictOf } from '../integration/site.js';
import { type Carrier, type CosignMajor, cosignSign, cosignVerify } from '../peers/cosign.js';
import { requirePeers } from '../peers/require-peers.js';
import { fixtureKey } from './keys.js';

const absent = await requirePeers(['docker-registry', 'skopeo', 'cosign2', 'cosign3']);

/**
 * Values that the encoders could write differently: HTML characters, the empty string, another alphabet.
 * Not quotes and commas: cosign reads its flag as a line of CSV. An equals sign in a value is an error in cosign 2.
 */
const ANNOTATIONS: Readonly<Record<CosignMajor, readonly string[]>> = {
  2: ['build=42', 'empty=', 'html=<b>&</b>', 'city=Zürich'],
  3: ['build=42', 'empty=', 'html=<b>&</b>', 'city=Zürich', 'equation=a=b'],
};

/** cosign 2 neither writes annotations into bundles nor looks for them there: see the last test. */
const CASES = [
  { carrier: 'simplesigning', major: 2 },
  { carrier: 'simplesigning', major: 3 },
  { carrier: 'bundle', major: 3 },
] as const;

describe.skipIf(absent)('annotations of a signature', () => {
  let site: Site;
  let key: string;
  let pub: string;
  beforeAll(async () => {
    site = await openSite('annotations');
    key = fixtureKey(site.scratch, 'touchmark/ecdsa-p256.key');
    pub = fixtureKey(site.scratch, 'touchmark/ecdsa-p256.pub');
  });
  afterAll(() => site?.close());

  const flags = (values: readonly string[]): string[] => values.flatMap(value => ['-a', value]);
  const publish = async (signer: string, carrier: Carrier, major: CosignMajor): Promise<string> =>
    (await site.publish(`annotated/${signer}-${carrier}-${major}`)).pinned;

  it.each(CASES)('by touchmark are read by cosign $major in $carrier', async ({ carrier, major }) => {
    const image = await publish('touchmark', carrier, major);
    await site.ok('sign', image, '--key', key, '--carrier', carrier, ...flags(ANNOTATIONS[major]));
    const check = (values: readonly string[]) =>
      cosignVerify(site.scratch, major, carrier, pub, image, flags(values));
    for (const annotation of ANNOTATIONS[major]) expect((await check([annotation])).code, annotation).toBe(0);
    expect((await check(ANNOTATIONS[major])).code).toBe(0);
    expect((await check(['build=43'])).code).not.toBe(0);
  });

  it.each(CASES)('by cosign $major are read by touchmark in $carrier', async ({ carrier, major }) => {
    const image = await publish('cosign', carrier, major);
    const made = await cosignSign(site.scratch, major, carrier, key, image, flags(ANNOTATIONS[major]));
    expect(made.code, made.stderr).toBe(0);
    const check = (values: readonly string[]) =>
      verdictOf(site, image, '--key', pub, '--carrier', carrier, ...flags(values));
    expect((await check(ANNOTATIONS[major])).exitCode).toBe(0);
    expect(await check(['build=43'])).toMatchObject({ code: 'sig-annotation-mismatch', exitCode: 12 });
    expect(await check(['absent=1'])).toMatchObject({ code: 'sig-annotation-mismatch', exitCode: 12 });
  });

  it('are not there in a bundle by cosign 2 that was told to write them: touchmark says no to who asks for them', async () => {
    const image = await publish('cosign', 'bundle', 2);
    const made = await cosignSign(site.scratch, 2, 'bundle', key, image, flags(['build=42']));
    expect(made.code, made.stderr).toBe(0);
    const check = (values: readonly string[]) => verdictOf(site, image, '--key', pub, ...flags(values));
    expect(await check(['build=42'])).toMatchObject({ code: 'sig-annotation-mismatch', exitCode: 12 });
    expect((await check([])).exitCode).toBe(0);
    // cosign 2 itself says yes, whatever is asked for.
    const asked = await cosignVerify(site.scratch, 2, 'bundle', pub, image, flags(['build=another']));
    expect(asked.code, asked.stderr).toBe(0);
  });
});
