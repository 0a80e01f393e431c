import { expect, it } from 'vitest';
import { Deployment, type Loose } from './deployment.js';
import { judge } from './judge.js';

const deployment = new Deployment();
const root = deployment.root();

/** Where bytes lie in a bundle, and what is different about damage there. */
const PLACES: readonly (readonly [string, (bundle: Loose) => [Loose, string]])[] = [
  ['certificate', b => [b.verificationMaterial.certificate, 'rawBytes']],
  ['entry', b => [b.verificationMaterial.tlogEntries[0], 'canonicalizedBody']],
  ['promise', b => [b.verificationMaterial.tlogEntries[0].inclusionPromise, 'signedEntryTimestamp']],
  ['signature', b => [b.messageSignature, 'signature']],
  [
    'timestamp',
    b => [b.verificationMaterial.timestampVerificationData.rfc3161Timestamps[0], 'signedTimestamp'],
  ],
];

it.each(PLACES)('no damaged byte of a %s gives a yes or an exception', async (_what, place) => {
  const { bundle } = deployment.sign({ timestamp: true });
  const policy = { time: { kind: 'vouched', sources: 2 } } as const;
  const before = await judge(bundle, root, policy);
  expect(before.ok).toBe(true);
  const [parent, key] = place(bundle);
  const good = Buffer.from(parent[key], 'base64');
  const step = Math.max(1, Math.floor(good.length / 24));
  for (let at = 0; at < good.length; at += step) {
    const bad = Buffer.from(good);
    bad[at] = (bad[at] ?? 0) ^ (1 << (at % 8));
    parent[key] = bad.toString('base64');
    const result = await judge(bundle, root, policy);
    // What a timestamp says beside its signed parts counts for nothing: damage there leaves it good, and the same.
    if (result.ok && key === 'signedTimestamp') expect(result).toEqual(before);
    else expect([at, result.ok]).toEqual([at, false]);
  }
});
