import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { createGzip, gunzipSync, gzipSync } from 'node:zlib';
import { formatTarHeader, tarPadding } from '../../src/oci/archive/tar-header.js';
import { describe } from '../../src/oci/descriptor.js';
import { openLayoutStore } from '../../src/oci/layout/index.js';
import { serializeManifest } from '../../src/oci/manifest.js';
import { MEDIA_TYPES } from '../../src/oci/media-types.js';
import { CHECKOUT } from '../peers/checkout.js';

/** A layer for the benchmark: gzip without an end mark in the tar, so that several behind one another are one. */
export interface Part {
  readonly gzip: Buffer;
  readonly tarSize: number;
  readonly diffID: string;
}

/** Layers of some `size` bytes each, of the files that any checkout has: programs, sources and data. */
export async function makeParts(count: number, size: number): Promise<readonly Part[]> {
  const parts: Part[] = [];
  for (let i = 0; i < count; i++) parts.push(await pack(takeFiles(i / count, size)));
  return parts;
}

/** One layer of `count` times the same content, each time under another name. */
export function makeLargePart(part: Part, count: number): Part {
  const hash = createHash('sha256');
  const body = gunzipSync(part.gzip);
  const members: Buffer[] = [];
  for (let i = 0; i < count; i++) {
    const head = formatTarHeader({ path: `data/${i}`, size: body.length });
    const tail = new Uint8Array(tarPadding(body.length));
    members.push(gzipSync(head), part.gzip, ...(tail.length > 0 ? [gzipSync(tail)] : []));
    hash.update(head).update(body).update(tail);
  }
  const tarSize = count * (512 + body.length + tarPadding(body.length));
  return { gzip: Buffer.concat(members), tarSize, diffID: `sha256:${hash.digest('hex')}` };
}

/** A layer of so many small files, in folders of twenty. */
export function makeManyFiles(layer: number, count: number): Promise<Part> {
  return pack(
    (function* () {
      const body = Buffer.from('some text\n');
      for (let i = 0; i < count; i++) {
        const folder = `usr/lib/layer-${layer}/package-${Math.floor(i / 400)}/module-${Math.floor(i / 20)}`;
        yield formatTarHeader({ path: `${folder}/some-file-name-${i}.py`, size: body.length });
        yield body;
        yield new Uint8Array(tarPadding(body.length));
      }
    })(),
  );
}

export function joinParts(parts: readonly Part[], diffID: string): Part {
  const tarSize = parts.reduce((sum, part) => sum + part.tarSize, 0);
  return { gzip: Buffer.concat(parts.map(({ gzip }) => gzip)), tarSize, diffID };
}

async function pack(content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<Part> {
  const hash = createHash('sha256');
  let tarSize = 0;
  async function* watched(): AsyncGenerator<Uint8Array> {
    for await (const block of content) {
      hash.update(block);
      tarSize += block.length;
      yield block;
    }
  }
  const packed: Buffer[] = [];
  const gzip = createGzip({ level: 6, chunkSize: 1024 * 1024 });
  for await (const block of Readable.from(watched(), { objectMode: false }).pipe(gzip))
    packed.push(block as Buffer);
  return { gzip: Buffer.concat(packed), tarSize, diffID: `sha256:${hash.digest('hex')}` };
}

async function* takeFiles(share: number, size: number): AsyncGenerator<Uint8Array> {
  const folder = join(CHECKOUT, 'node_modules');
  const found = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && !entry.parentPath.includes('.cache'))
    .map(entry => join(entry.parentPath, entry.name))
    .sort();
  const files = [process.execPath, ...found];
  let left = size;
  // `share` says where among the files to begin.
  for (let i = Math.floor(share * files.length), taken = 0; left > 0; i = (i + 1) % files.length, taken++) {
    const body = readFileSync(files[i] as string);
    const path = `${share}/${Math.floor(taken / files.length)}/${i}-${basename(files[i] as string)}`;
    yield formatTarHeader({ path, size: body.length });
    yield body;
    yield new Uint8Array(tarPadding(body.length));
    left -= body.length;
  }
}

/** An image in a layout of its own, with the tag `v1`. */
export async function writeImage(folder: string, parts: readonly Part[]): Promise<string> {
  const store = await openLayoutStore({ location: folder });
  const rootfs = { type: 'layers', diff_ids: parts.map(({ diffID }) => diffID) };
  const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', config: {}, rootfs }));
  const configDescriptor = describe(MEDIA_TYPES.ociConfig, config);
  const descriptors = parts.map(({ gzip }) => describe(`${MEDIA_TYPES.ociLayer}+gzip`, gzip));
  await store.writeBlob(configDescriptor, config);
  for (const [i, descriptor] of descriptors.entries())
    await store.writeBlob(descriptor, parts[i]?.gzip as Uint8Array);
  await store.writeManifest(serializeManifest({ config: configDescriptor, layers: descriptors }), 'v1');
  await store.commit();
  await store.close();
  return folder;
}
