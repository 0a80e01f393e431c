import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { gunzip } from '../../../src/layers/gzip.js';
import { codeOfAsync } from '../support.js';
import { collect, inputOf, noise } from './support.js';

const content = Buffer.concat([noise(3000), Buffer.alloc(5000, 'layer ')]);
const packed = gzipSync(content);
const CHUNKS = [1, 7, 1000, 65_536];

const codeOf = (bytes: Uint8Array, chunk = 65_536) => codeOfAsync(collect(gunzip(inputOf(bytes, chunk))));

describe.each(CHUNKS)('gzip in chunks of %i', chunk => {
  const unpack = (...parts: Uint8Array[]) => collect(gunzip(inputOf(Buffer.concat(parts), chunk)));

  it('is unpacked', async () => {
    expect((await unpack(packed)).equals(content)).toBe(true);
    expect((await unpack(gzipSync(''))).length).toBe(0);
  });

  it('takes several members for one stream, empty ones too', async () => {
    const unpacked = await unpack(packed, gzipSync(''), gzipSync('tail'), gzipSync(''));
    expect(unpacked.equals(Buffer.concat([content, Buffer.from('tail')]))).toBe(true);
  });

  it('ignores zeros behind the end', async () => {
    for (const zeros of [1, 511, 3000]) {
      expect((await unpack(packed, Buffer.alloc(zeros))).equals(content)).toBe(true);
    }
  });

  it('refuses anything else behind the end, also behind zeros and when it is another member', async () => {
    for (const rest of [Buffer.from('\n\n'), Buffer.from('garbage'), noise(5000)]) {
      expect(await codeOf(Buffer.concat([packed, rest]), chunk)).toBe('blob-trailing-data');
      expect(await codeOf(Buffer.concat([packed, Buffer.alloc(9), rest]), chunk)).toBe('blob-trailing-data');
    }
    expect(await codeOf(Buffer.concat([packed, Buffer.alloc(1), packed]), chunk)).toBe('blob-trailing-data');
    expect(await codeOf(Buffer.concat([packed, Buffer.alloc(5000), packed]), chunk)).toBe(
      'blob-trailing-data',
    );
  });

  it('refuses a stream that is cut short', async () => {
    const two = Buffer.concat([packed, gzipSync('tail')]);
    for (const end of [11, 500, packed.length - 9, packed.length - 1, packed.length + 5, two.length - 1]) {
      expect(await codeOf(two.subarray(0, end), chunk), `at ${end}`).toBe('blob-corrupt');
    }
  });
});

it('refuses a single byte behind the end, which might have begun another member', async () => {
  expect(await codeOf(Buffer.concat([packed, Buffer.from('\n')]))).toBe('blob-corrupt');
  expect(await codeOf(Buffer.concat([packed, Buffer.from([0, 10])]))).toBe('blob-trailing-data');
});

it('refuses gzip that is cut anywhere, and with any byte of its end changed', async () => {
  for (let end = 1; end < packed.length; end += end < packed.length - 50 ? 97 : 1) {
    expect(await codeOf(packed.subarray(0, end)), `at ${end}`).toBe('blob-corrupt');
  }
  for (let at = 1; at <= 8; at++) {
    const changed = Buffer.from(packed);
    changed[changed.length - at] = (changed.at(-at) ?? 0) ^ 1;
    expect(await codeOf(changed), `${at} before the end`).toBe('blob-corrupt');
  }
});

it('can be given up in the middle: the input is asked for nothing more', async () => {
  const large = gzipSync(Buffer.alloc(64 * 1024 * 1024));
  const input = inputOf(large, 100);
  let asked = 0;
  const next = () => {
    asked++;
    return input.next();
  };
  const blocks = gunzip({ next });
  expect((await blocks.next()).value?.length).toBeGreaterThan(0);
  await blocks.return(undefined);
  const before = asked;
  await new Promise(done => setImmediate(done));
  expect(asked).toBe(before);
  expect(asked).toBeLessThan(large.length / 100);
});

it('passes on what goes wrong with the input', async () => {
  const input = inputOf(packed.subarray(0, 500), 100);
  const failing = { next: async () => (await input.next()) ?? Promise.reject(new Error('it broke')) };
  await expect(collect(gunzip(failing))).rejects.toThrow('it broke');
});
