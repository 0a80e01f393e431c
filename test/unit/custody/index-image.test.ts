import { expect, test } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import { type CustodyVerdict, verify, verifyIndex } from '../../../src/custody/index.js';
import { MEDIA_TYPES } from '../../../src/oci/media-types.js';
import { aPolicy, digestOf, NOW, tell } from './world.js';

const child = (digest: string, more: object = {}) => ({
  mediaType: MEDIA_TYPES.ociManifest,
  digest,
  size: 1,
  platform: { os: 'linux', architecture: 'amd64' },
  ...more,
});
const asked = async () => ({ marks: [], policy: await aPolicy(), now: NOW, tagGiven: false });
const judge = async (
  manifests: readonly object[],
  children: readonly CustodyVerdict[],
  mediaType: string = MEDIA_TYPES.ociIndex,
) => {
  const bytes = utf8(JSON.stringify({ schemaVersion: 2, manifests }));
  const { verdict, code } = await verifyIndex({ ...(await asked()), index: { mediaType, bytes }, children });
  return [verdict, code];
};

test('an index passes when every image in it does', async () => {
  const { input } = await tell();
  const good = await verify(input);
  const { manifest } = good.subject;
  expect(await judge([child(manifest)], [good])).toEqual(['pass', null]);
  expect(await judge([child(manifest)], [])).toEqual(['indeterminate', 'layer-unavailable']);
  expect(await judge([child(manifest), child(digestOf('other'))], [good])).toEqual([
    'indeterminate',
    'layer-unavailable',
  ]);
  expect(await judge([], [good])).toEqual(['fail', 'manifest-unsupported']);
  expect((await judge([child(manifest)], [good], MEDIA_TYPES.ociManifest))[1]).toBe('manifest-unsupported');
  expect(await judge([child(manifest, { mediaType: MEDIA_TYPES.ociIndex })], [good])).toEqual([
    'fail',
    'index-nested',
  ]);
  const old = await verify({ ...input, now: new Date('2027-01-20T00:00:00Z') });
  expect(await judge([child(manifest)], [old])).toEqual(['fail', 'mark-stale']);
});

test('attestations are no images; an image that calls itself one is', async () => {
  const good = await verify((await tell()).input);
  const annotations = { 'vnd.docker.reference.type': 'attestation-manifest' };
  const unknown = { os: 'unknown', architecture: 'unknown' };
  const image = child(good.subject.manifest);
  const other = digestOf('attestation');
  expect(await judge([image, child(other, { annotations, platform: unknown })], [good])).toEqual([
    'pass',
    null,
  ]);
  expect((await judge([image, child(other, { annotations })], [good]))[0]).toBe('indeterminate');
  expect((await judge([image, child(other, { platform: unknown })], [good]))[0]).toBe('indeterminate');
});

test('an index that is an image too is refused', async () => {
  const good = await verify((await tell()).input);
  const bytes = utf8(
    JSON.stringify({ schemaVersion: 2, manifests: [child(good.subject.manifest)], layers: [] }),
  );
  const result = await verifyIndex({
    ...(await asked()),
    index: { mediaType: MEDIA_TYPES.ociIndex, bytes },
    children: [good],
    tagGiven: true,
  });
  expect(result).toMatchObject({ verdict: 'fail', code: 'manifest-ambiguous' });
});
