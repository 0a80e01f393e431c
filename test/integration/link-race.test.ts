import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FaultSource, startRegistry, type TestRegistry } from '../../src/testing/index.js';
import { createScratch, type Scratch } from '../peers/scratch.js';
import { smallImage, writeLayout } from '../peers/small-image.js';
import { touchmark, touchmarkOk } from '../peers/touchmark.js';

/**
 * What docker-registry 2.8 answers to one of some thousand manifests when many processes sign at once (many-writers.test.ts
 * meets it by chance): it found the link of a blob empty, because another writer was just uploading the same blob.
 */
const LINK_RACE = {
  status: 400,
  headers: { 'content-type': 'application/json' },
  body: '{"errors":[{"code":"DIGEST_INVALID","message":"provided digest did not match uploaded content"}]}',
};

describe('a registry that says once that a digest is invalid', () => {
  let scratch: Scratch;
  let registry: TestRegistry;
  beforeAll(async () => {
    scratch = createScratch('race');
    registry = await startRegistry({ referrers: false });
    await touchmarkOk(scratch, ['key', 'generate', 'ada']);
  });
  afterAll(async () => {
    await registry?.close();
    scratch?.remove();
  });

  const publish = async (name: string): Promise<string> => {
    writeLayout(scratch.file(name), { v1: smallImage(name) });
    await touchmarkOk(scratch, ['copy', `oci:${scratch.file(name)}:v1`, `${registry.host}/${name}:v1`]);
    return `${registry.host}/${name}:v1`;
  };
  const isPut =
    (suffix: RegExp) =>
    (request: Parameters<FaultSource>[0]): boolean =>
      request.method === 'PUT' && suffix.test(request.path);

  it.each([
    { carrier: 'simplesigning', tag: /\/manifests\/sha256-[a-f0-9]{64}\.sig$/ },
    { carrier: 'bundle', tag: /\/manifests\/sha256-[a-f0-9]{64}$/ },
  ])('is asked again for $carrier', async ({ carrier, tag }) => {
    const image = await publish(`once-${carrier}`);
    const hits = isPut(tag);
    let faults = 0;
    registry.setFault(request => (hits(request) && faults++ === 0 ? LINK_RACE : undefined));
    await touchmarkOk(scratch, ['sign', image, '--key', 'ada.key', '--carrier', carrier, '--yes']);
    registry.setFault(undefined);
    expect(faults).toBeGreaterThan(1);
    await touchmarkOk(scratch, ['verify', image, '--key', 'ada.pub', '--carrier', carrier]);
  });

  it('is believed in the end', async () => {
    const image = await publish('always');
    const sign = ['sign', image, '--key', 'ada.key', '--carrier', 'simplesigning', '--yes', '-o', 'json'];
    registry.setFault(request => (isPut(/\.sig$/)(request) ? LINK_RACE : undefined));
    const refused = await touchmark(scratch, sign);
    expect(refused.code).toBe(20);
    expect(refused.stdout).toContain('oci-rejected');
    registry.setFault(undefined);
    await touchmarkOk(scratch, sign);
  });
});
