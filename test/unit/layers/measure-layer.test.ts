import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { computeDigest } from '../../../src/base/digest.js';
import { TouchmarkError } from '../../../src/base/errors.js';
import { measureLayer } from '../../../src/layers/index.js';
import { codeOfAsync } from '../support.js';
import { blobStore, LAYER, noise } from './support.js';
import { ZSTD_FIXTURES, zstdContent } from './zstd-fixtures.js';

const DOCKER = 'application/vnd.docker.image.rootfs.diff.tar';
const content = Buffer.concat([noise(700_000), Buffer.alloc(700_000, 'tar')]);
const gzip = gzipSync(content);

const measure = ({ open, descriptor }: ReturnType<typeof blobStore>, options = {}) =>
  measureLayer(open, descriptor, options);

describe('measuring a layer', () => {
  it.each([
    ['identity', LAYER, content, content],
    ['identity', DOCKER, content, content],
    ['gzip', `${LAYER}+gzip`, gzip, content],
    ['gzip', `${DOCKER}.gzip`, gzip, content],
    ['gzip', DOCKER, gzip, content],
    ['gzip', 'application/octet-stream', gzip, content],
    ['gzip', 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip', gzip, content],
    ['gzip', 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', gzip, content],
    ['zstd', `${LAYER}+zstd`, ZSTD_FIXTURES.checked, zstdContent],
    ['zstd', `${DOCKER}.zstd`, ZSTD_FIXTURES.streamed, zstdContent],
  ])('finds %s under %s', async (compression, mediaType, blob, unpacked) => {
    for (const chunk of [1000, 65_536, 2_000_000]) {
      const store = blobStore(blob, mediaType, blob, chunk);
      let read = 0;
      const onBytes = (count: number): void => {
        read += count;
      };
      expect(await measure(store, { onBytes })).toEqual({
        diffID: computeDigest(unpacked),
        size: blob.length,
        uncompressedSize: unpacked.length,
        compression,
      });
      expect(read).toBe(blob.length);
      expect(store.seen).toEqual({ opened: 1, closed: 1, read: blob.length });
    }
  });

  it('works a byte at a time', async () => {
    const store = blobStore(gzipSync('tar'), `${LAYER}+gzip`, undefined, 1);
    expect((await measure(store)).diffID).toBe(computeDigest(Buffer.from('tar')));
  });

  it.each([LAYER, `${LAYER}+gzip`, `${LAYER}+zstd`, DOCKER])(
    'takes no bytes for an empty layer: %s',
    async mediaType => {
      const empty = new Uint8Array();
      expect(await measure(blobStore(empty, mediaType))).toEqual({
        diffID: computeDigest(empty),
        size: 0,
        uncompressedSize: 0,
        compression: 'identity',
      });
    },
  );

  it.each([
    [`${LAYER}+gzip`, content],
    [`${LAYER}+gzip`, ZSTD_FIXTURES.small],
    [`${LAYER}+zstd`, gzip],
    [`${DOCKER}.gzip`, content],
    [LAYER, gzip],
    [LAYER, ZSTD_FIXTURES.small],
  ])('refuses a media type that says something else: %s', async (mediaType, blob) => {
    const error = await measure(blobStore(blob, mediaType)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TouchmarkError);
    expect(error).toMatchObject({ code: 'blob-corrupt', message: expect.stringContaining(mediaType) });
  });

  it.each([
    ['xz', Buffer.from('fd377a585a000000', 'hex')],
    ['bzip2', Buffer.from('BZh91AY&SY')],
    ['lz4', Buffer.from('04224d1860407f', 'hex')],
  ])('does not know %s', async (name, blob) => {
    for (const mediaType of [LAYER, `${LAYER}+gzip`, DOCKER]) {
      const error = await measure(blobStore(blob, mediaType)).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'layer-compression-unsupported', details: { compression: name } });
    }
  });

  it.each([`${LAYER}+gzip+encrypted`, `${LAYER}+encrypted`, `${LAYER}+xz`, `${DOCKER}.bzip2`])(
    'does not even open %s',
    async mediaType => {
      const store = blobStore(gzip, mediaType);
      expect(await codeOfAsync(measure(store))).toBe('layer-compression-unsupported');
      expect(store.seen.opened).toBe(0);
    },
  );
});

describe('a layer that cannot be measured', () => {
  const limits = { size: 10_000_000, ratio: 10, slack: 100_000 };

  it.each([
    ['gzip', gzipSync(Buffer.alloc(64 * 1024 * 1024))],
    // 64 MiB in blocks of one byte that is repeated.
    ['zstd', zstdBomb(512)],
  ])('is a bomb of %s', async (compression, bomb) => {
    const store = blobStore(bomb, `${LAYER}+${compression}`, bomb, 400);
    expect(await codeOfAsync(measure(store, { limits }))).toBe('limit-exceeded');
    expect(store.seen.closed).toBe(1);
    const roomy = { ...limits, size: 2 ** 30, slack: 2 ** 30 };
    expect(await measure(store, { limits: roomy })).toMatchObject({ uncompressedSize: 64 * 1024 * 1024 });
  });

  it('is bounded in all and by its own size', async () => {
    const store = blobStore(gzip, `${LAYER}+gzip`);
    const codeWith = (changed: object) => codeOfAsync(measure(store, { limits: { ...limits, ...changed } }));
    expect(await codeWith({})).toBeUndefined();
    expect(await codeWith({ size: content.length })).toBeUndefined();
    expect(await codeWith({ size: content.length - 1 })).toBe('limit-exceeded');
    expect(await codeWith({ ratio: 0, slack: content.length })).toBeUndefined();
    expect(await codeWith({ ratio: 1, slack: content.length - gzip.length - 1 })).toBe('limit-exceeded');
    expect(store.seen.closed).toBe(store.seen.opened);
    const opened = store.seen.opened;
    expect(await codeWith({ size: gzip.length - 1 })).toBe('limit-exceeded');
    expect(store.seen.opened, 'what is too large itself is not opened').toBe(opened);
  });

  it('is read to its end when damaged, and wrong bytes are what is said of it', async () => {
    const damaged = Buffer.from(gzip);
    damaged.fill(0xff, 300_000, 300_100);
    const own = blobStore(damaged, `${LAYER}+gzip`);
    const error = await measure(own).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'blob-corrupt', details: { digest: own.descriptor.digest } });
    expect(own.seen).toEqual({ opened: 1, closed: 1, read: gzip.length });
    const served = blobStore(gzip, `${LAYER}+gzip`, damaged);
    expect(await codeOfAsync(measure(served))).toBe('oci-digest-mismatch');
    expect(served.seen).toEqual({ opened: 1, closed: 1, read: gzip.length });
  });

  it.each([
    [`${LAYER}+gzip`, gzip],
    [`${LAYER}+zstd`, ZSTD_FIXTURES.streamed],
    [LAYER, content],
  ])('is served changed, cut short or with more behind it: %s', async (mediaType, blob) => {
    const codeWhen = (served: Uint8Array) => codeOfAsync(measure(blobStore(blob, mediaType, served)));
    const flipped = Buffer.from(blob);
    flipped[blob.length - 20] = (flipped.at(-20) ?? 0) ^ 1;
    expect(await codeWhen(flipped)).toBe('oci-digest-mismatch');
    expect(await codeWhen(Buffer.concat([blob, Buffer.from('x')]))).toBe('oci-size-mismatch');
    for (const end of [0, 1, 10, 1000, blob.length - 1]) {
      expect(await codeWhen(blob.subarray(0, end)), `at ${end}`).toBe('oci-size-mismatch');
    }
  });

  it.each([
    [`${LAYER}+gzip`, gzip],
    [`${LAYER}+zstd`, ZSTD_FIXTURES.streamed],
  ])('has a blob of the right digest that is no whole layer: %s', async (mediaType, blob) => {
    const codeOfBlob = (bytes: Uint8Array) => codeOfAsync(measure(blobStore(bytes, mediaType)));
    for (const end of [20, 1000, blob.length - 1]) {
      expect(await codeOfBlob(blob.subarray(0, end)), `at ${end}`).toBe('blob-corrupt');
    }
    expect(await codeOfBlob(Buffer.concat([blob, Buffer.from('garbage')]))).toBe('blob-trailing-data');
  });
});

/** A frame of `count` blocks of 128 KiB of zeros, four bytes each. */
function zstdBomb(count: number): Buffer {
  const size = 128 * 1024;
  const block = (last: boolean) => {
    const header = (size << 3) | (1 << 1) | (last ? 1 : 0);
    return [header & 0xff, (header >> 8) & 0xff, header >> 16, 0];
  };
  const blocks = Array.from({ length: count }, (_, i) => block(i === count - 1));
  // A window of 1 MiB.
  return Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 10 << 3, ...blocks.flat()]);
}

describe('giving up', () => {
  const large = noise(3_000_000);

  it.each([
    [LAYER, large],
    [`${LAYER}+gzip`, gzipSync(large, { level: 1 })],
  ])('ends at the next chunk with the reason, and closes the source: %s', async (mediaType, blob) => {
    const store = blobStore(blob, mediaType);
    const controller = new AbortController();
    const reason = new TouchmarkError('interrupted', 'stopped');
    let read = 0;
    const onBytes = (count: number): void => {
      read += count;
      if (read > 1_000_000) controller.abort(reason);
    };
    await expect(measure(store, { signal: controller.signal, onBytes })).rejects.toBe(reason);
    expect(store.seen.closed).toBe(1);
    expect(store.seen.read).toBeLessThan(1_400_000);
  });

  it('does not begin when it is too late already', async () => {
    const store = blobStore(large, LAYER);
    await expect(measure(store, { signal: AbortSignal.abort(new Error('late')) })).rejects.toThrow('late');
    expect(store.seen.read).toBe(0);
  });

  it.each([LAYER, `${LAYER}+gzip`, `${LAYER}+zstd`])(
    'passes on how the source broke: %s',
    async mediaType => {
      const start = { gzip, zstd: ZSTD_FIXTURES.checked }[mediaType.split('+')[1] ?? ''] ?? content;
      let closed = 0;
      async function* breaking() {
        try {
          yield start.subarray(0, 900);
          throw new TouchmarkError('net-unreachable', 'the connection broke');
        } finally {
          closed++;
        }
      }
      const { descriptor } = blobStore(start, mediaType);
      expect(await codeOfAsync(measureLayer(breaking, descriptor))).toBe('net-unreachable');
      expect(closed).toBe(1);
    },
  );
});
