import { describe, expect, it } from 'vitest';
import { computeDigest } from '../../../src/base/digest.js';
import { LIMITS } from '../../../src/base/limits.js';
import { unzstd, ZSTD_DECODERS, type ZstdDecoder } from '../../../src/layers/zstd.js';
import { createZstdFrames } from '../../../src/layers/zstd-frames.js';
import { codeOf, codeOfAsync } from '../support.js';
import { collect, inputOf } from './support.js';
import { ZSTD_FIXTURES, zstdContent } from './zstd-fixtures.js';

const { streamed, checked, sized, small } = ZSTD_FIXTURES;
const start = zstdContent.subarray(0, 17);

/** A frame that decoders pass over. */
function skippable(size: number, nibble = 0): Uint8Array {
  const frame = Buffer.alloc(8 + size, 0x28);
  frame.set([0x50 + nibble, 0x2a, 0x4d, 0x18]);
  frame.writeUInt32LE(size, 4);
  return frame;
}

/** A frame header with this descriptor and rest, and an empty last block behind it. */
function frame(descriptor: number, ...rest: readonly number[]): Uint8Array {
  return Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, descriptor, ...rest, 1, 0, 0]);
}

const cases = ZSTD_DECODERS.flatMap(decoder => [1, 700, 65_536].map(chunk => [decoder, chunk] as const));

describe.each(cases)('zstd by the %s decoder in chunks of %i', (decoder, chunk) => {
  const unpack = (...parts: Uint8Array[]) => collect(unzstd(inputOf(Buffer.concat(parts), chunk), decoder));
  const faultOf = (...parts: Uint8Array[]) => codeOfAsync(unpack(...parts));

  it('is unpacked, however it was packed', async () => {
    for (const packed of [streamed, checked, sized]) {
      expect((await unpack(packed)).equals(zstdContent)).toBe(true);
    }
    expect((await unpack(small)).equals(start)).toBe(true);
    expect((await unpack(frame(0, 0))).length).toBe(0);
  });

  it('takes several frames for one stream', async () => {
    const unpacked = await unpack(checked, small, frame(0, 0), sized, small);
    expect(unpacked.equals(Buffer.concat([zstdContent, start, zstdContent, start]))).toBe(true);
  });

  it('passes over skippable frames wherever they stand', async () => {
    const parts = [skippable(0), small, skippable(9, 15), skippable(3000), checked, skippable(1, 10)];
    expect((await unpack(...parts)).equals(Buffer.concat([start, zstdContent]))).toBe(true);
    expect((await unpack(skippable(5), skippable(0))).length).toBe(0);
  });

  it('refuses what stands behind the last frame, zeros too', async () => {
    for (const rest of ['\0', '\0\0\0\0\0\0\0\0', 'x', 'garbage behind']) {
      expect(await faultOf(checked, Buffer.from(rest)), JSON.stringify(rest)).toBe('blob-trailing-data');
      expect(await faultOf(skippable(4), Buffer.from(rest))).toBe('blob-trailing-data');
    }
  });

  it('refuses a stream that is cut short', async () => {
    for (const end of [4, 5, 6, 8, 9, 100, streamed.length - 1]) {
      expect(await faultOf(streamed.subarray(0, end)), `at ${end}`).toBe('blob-corrupt');
    }
    for (const end of [1, 4, 5]) {
      expect(await faultOf(checked.subarray(0, checked.length - end))).toBe('blob-corrupt');
    }
    expect(await faultOf(small, skippable(9).subarray(0, 10))).toBe('blob-corrupt');
    expect(await faultOf(small, sized.subarray(0, 7))).toBe('blob-corrupt');
  });

  it('refuses a wrong checksum, reserved bits and block types, and a wrong size', async () => {
    const wrong = Buffer.from(checked);
    wrong[wrong.length - 1] = (wrong.at(-1) ?? 0) ^ 1;
    expect(await faultOf(wrong)).toBe('blob-corrupt');
    expect(await faultOf(frame(8, 0))).toBe('blob-corrupt');
    expect(await faultOf(Uint8Array.from([...frame(0, 0).subarray(0, 6), 7, 0, 0]))).toBe('blob-corrupt');
    const short = Buffer.from(sized);
    short.writeUInt32LE(zstdContent.length + 1, 5);
    expect(await faultOf(short)).toBe('blob-corrupt');
  });

  it('refuses a frame that needs a dictionary, or more memory than is given', async () => {
    expect(await faultOf(frame(1, 0, 7))).toBe('layer-compression-unsupported');
    expect(await faultOf(frame(3, 0, 0, 0, 0, 1))).toBe('layer-compression-unsupported');
    expect(await faultOf(frame(1, 0, 0))).toBeUndefined();
    // 128 MiB in the window's descriptor; the next step above; and as the size of a single segment.
    expect(await faultOf(frame(0, 17 << 3))).toBeUndefined();
    expect(await faultOf(frame(0, (17 << 3) + 1))).toBe('limit-exceeded');
    expect(await faultOf(frame(0x80 + 32, 0, 0, 0, 9))).toBe('limit-exceeded');
    expect(await faultOf(frame(0xc0 + 32, 0, 0, 0, 0, 1, 0, 0, 0))).toBe('limit-exceeded');
  });
});

const FAULTS = ['blob-corrupt', 'blob-trailing-data', 'limit-exceeded', 'layer-compression-unsupported'];

/** The digest of what comes out, or the reason code. */
async function outcomeOf(bytes: Uint8Array, decoder: ZstdDecoder): Promise<string> {
  let unpacked: Buffer | undefined;
  const code = await codeOfAsync(async () => {
    unpacked = await collect(unzstd(inputOf(bytes, 800), decoder));
  });
  return code ?? computeDigest(unpacked ?? new Uint8Array());
}

it('comes to an end on damaged bytes, and no two decoders make two contents of them', async () => {
  const faults = new Set<string>();
  for (const packed of [checked, sized, small]) {
    for (let at = 4; at < packed.length; at += packed.length > 100 ? 23 : 1) {
      const changed = Uint8Array.from(packed);
      changed[at] = (changed[at] ?? 0) ^ (at % 2 ? 1 : 0x80);
      const outcomes = await Promise.all(ZSTD_DECODERS.map(decoder => outcomeOf(changed, decoder)));
      // Builds of one library differ in what damage they find where there is no checksum.
      const contents = outcomes.filter(outcome => outcome.startsWith('sha256:'));
      expect(new Set(contents).size, `byte ${at}: ${outcomes}`).toBeLessThanOrEqual(1);
      if (packed !== sized) expect(new Set(outcomes).size, `byte ${at}: ${outcomes}`).toBe(1);
      for (const outcome of outcomes) if (!contents.includes(outcome)) faults.add(outcome);
    }
  }
  expect(faults).toContain('blob-corrupt');
  expect([...faults].filter(code => !FAULTS.includes(code))).toEqual([]);
});

it('counts frames: each costs more to decode than to write', () => {
  const one = frame(0, 0);
  const many = Buffer.alloc(one.length * LIMITS.zstdFrames);
  for (let at = 0; at < many.length; at += one.length) many.set(one, at);
  const frames = createZstdFrames();
  expect(frames.cut(many)).toHaveLength(LIMITS.zstdFrames);
  expect(codeOf(() => frames.end())).toBeUndefined();
  expect(codeOf(() => frames.cut(one))).toBe('limit-exceeded');
});
