import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mapConcurrently } from '../../src/base/concurrency.js';
import { requirePeers } from '../peers/require-peers.js';
import { openSite, type Site, verdictOf } from './site.js';

const absent = await requirePeers(['docker-registry', 'skopeo']);

const WRITERS = 32;
const names = Array.from({ length: WRITERS }, (_, i) => `signer-${i}`);

describe.skipIf(absent)(`${WRITERS} processes that sign one digest at once, without a referrers API`, () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite('writers');
    await mapConcurrently(names, 3, name => site.ok('key', 'generate', name));
  });
  afterAll(() => site?.close());

  const counted = async (image: string, carrier: string): Promise<number> => {
    const keys = names.flatMap(name => ['--key', `${name}.pub`]);
    const verdict = await verdictOf(site, image, ...keys, '--carrier', carrier);
    return verdict.threshold.valid;
  };

  it('leave all their signatures there, in both carriers', async () => {
    const image = await site.publish('many');
    const started = performance.now();
    const outcomes = await Promise.all(
      names.map(name => site.run('sign', image.pinned, '--key', `${name}.key`, '-o', 'json')),
    );
    const seconds = (performance.now() - started) / 1000;
    for (const { code, stdout } of outcomes) expect(code, stdout).toBe(0);
    for (const carrier of ['simplesigning', 'bundle'])
      expect(await counted(image.pinned, carrier)).toBe(WRITERS);
    console.log(`touchmark: ${WRITERS} of ${WRITERS} in both carriers, ${seconds.toFixed(1)} s`);
  });
});
