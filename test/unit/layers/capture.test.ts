import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { TouchmarkError } from '../../../src/base/errors.js';
import { createCapture } from '../../../src/layers/capture.js';
import { readLayer } from '../../../src/layers/index.js';
import { createTarReader } from '../../../src/layers/tar-reader.js';
import { codeOf, codeOfAsync } from '../support.js';
import { f, link } from './constructs.js';
import { blobStore, chunksOf, LAYER, noise } from './support.js';
import { tar } from './tars.js';

const big = noise(100_000);
const bytes = tar(
  f('a', 'first'),
  { path: 'd/big', body: big },
  f('empty', ''),
  f('b', 'other'),
  link('c', 'a'),
);
const wanted = (path: string): boolean => path !== 'b';

describe('keeping the content of chosen files while a layer is read', () => {
  it.each([1, 511, 4096, 1_000_000])('in blocks of %i bytes: those, whole, and no others', chunk => {
    const capture = createCapture(wanted);
    const reader = createTarReader(() => {}, capture);
    for (const part of chunksOf(bytes, chunk)) reader.write(part);
    reader.end();
    expect([...capture.files.keys()]).toEqual(['a', 'd/big', 'empty']);
    expect(Buffer.from(capture.files.get('a') ?? []).toString()).toBe('first');
    expect(big.equals(capture.files.get('d/big') ?? new Uint8Array())).toBe(true);
    expect(capture.files.get('empty')).toHaveLength(0);
  });

  it('comes with the entries of the layer, and is empty when nothing was asked for', async () => {
    const { open, descriptor } = blobStore(gzipSync(bytes), `${LAYER}+gzip`);
    const content = await readLayer(open, descriptor, { capture: path => path === 'a' });
    expect([...content.captured].map(([path, kept]) => [path, Buffer.from(kept).toString()])).toEqual([
      ['a', 'first'],
    ]);
    expect((await readLayer(open, descriptor)).captured.size).toBe(0);
  });

  it('counts for nothing when the blob is not what the digest says', async () => {
    const whole = gzipSync(bytes);
    const other = gzipSync(tar(f('a', 'other')));
    const { open, descriptor } = blobStore(whole, `${LAYER}+gzip`, other);
    expect(await codeOfAsync(() => readLayer(open, descriptor, { capture: wanted }))).toMatch(
      /^oci-(size|digest)-mismatch$/,
    );
  });

  it('refuses the layer in which they are too large, one or all together, and takes what just fits', () => {
    const read = (file: number, layer: number): void => {
      const reader = createTarReader(() => {}, createCapture(wanted, { file, layer }));
      reader.write(bytes);
    };
    expect(codeOf(() => read(99_999, 1_000_000))).toBe('limit-exceeded');
    expect(codeOf(() => read(100_000, 100_004))).toBe('limit-exceeded');
    expect(codeOf(() => read(100_000, 100_005))).toBeUndefined();
  });

  it('a size that is only said takes no memory', async () => {
    const huge = tar({ path: 'a', size: '77777777777' });
    const { open, descriptor } = blobStore(huge, LAYER);
    const { entries } = await readLayer(open, descriptor, { capture: wanted });
    expect(entries).toBeInstanceOf(TouchmarkError);
    expect(entries).toMatchObject({ code: 'limit-exceeded' });
  });
});
