import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repositoryOf } from '../integration/registry-http.js';
import { describeOutcome } from '../peers/command.js';
import { cosignVerify } from '../peers/cosign.js';
import { requirePeers } from '../peers/require-peers.js';
import { digestOf, IMAGES, openShop, type Shop } from './custody-shop.js';

const absent = await requirePeers(['docker-registry', 'skopeo', 'cosign2', 'cosign3']);
const MAJORS = [2, 3] as const;

/** `custody claim` prints the command, and what it makes counts as a mark. */
describe.skipIf(absent)('a team that has nothing but cosign', () => {
  let shop: Shop;
  let base: string;
  beforeAll(async () => {
    shop = await openShop('custody-claim');
    base = await shop.push('base', IMAGES.base);
    await shop.claim('mark', 'base', 'linus', base, '--step', 'base');
    await shop.claim('co-sign', 'base', 'grace', base);
  });
  afterAll(() => shop?.close());

  const verify = (image: string) => shop.verify(image, '--policy', shop.policy);

  it.each(MAJORS)('marks with cosign %i, and cosign takes no withdrawal for a signature', async major => {
    const image = await shop.push(`with-${major}`, IMAGES.app);
    expect((await verify(image)).code).toBe('no-marks');
    const claim = await shop.markWithCosign(major, image, base);
    const chain = [{ step: 'base' }, { step: 'app', signers: ['ben'], claim }];
    expect(await verify(image)).toMatchObject({ ok: true, custody: { chain } });

    const signatures = async () => {
      const outcome = await cosignVerify(shop.scratch, major, 'simplesigning', 'ben.pub', image);
      expect(outcome.code, describeOutcome(outcome)).toBe(0);
      return JSON.parse(outcome.stdout);
    };
    const before = await signatures();
    expect(before).toMatchObject([{ optional: { 'custody.team': 'app', 'custody.claim': claim } }]);
    await shop.claim('withdraw', 'app', 'ben', image);
    expect((await verify(image)).code).toBe('mark-withdrawn');
    expect(await signatures()).toEqual(before);
  });

  it('marks for the name that the image gets elsewhere', async () => {
    const image = await shop.push('here', IMAGES.app);
    const there = `${shop.registry.host}/shop/there`;
    for (const major of MAJORS) await shop.markWithCosign(major, image, base, '--as', there);
    expect((await verify(image)).code).toBe('identity-mismatch');
    await shop.ok('copy', image, `${there}:v1`);
    const copy = `${there}@${digestOf(image)}`;
    expect(repositoryOf(copy)).toBe(there);
    expect((await verify(copy)).ok).toBe(true);
  });
});
