import { fail } from '../base/errors.js';
import type { Descriptor } from '../oci/descriptor.js';

const COMPRESSIONS = ['identity', 'gzip', 'zstd'] as const;

/** How the tar of a layer is packed. */
export type Compression = (typeof COMPRESSIONS)[number];

/** The beginnings that container runtimes look for, so that no tool sees another compression here than they do. */
const MAGIC: readonly (readonly [name: string, bytes: readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b, 0x08]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['lz4', [0x04, 0x22, 0x4d, 0x18]],
];

/** Behind the media type of an image layer, of OCI and of Docker: empty or how it is packed. */
const LAYER_TYPE =
  /^application\/vnd\.(?:oci\.image\.layer\.(?:nondistributable\.)?v1|docker\.image\.rootfs\.(?:foreign\.)?diff)\.tar(?:[+.](.*))?$/;

/**
 * Finds how a layer is packed, from its first bytes (all of them when there are fewer than six).
 * @throws TouchmarkError `layer-compression-unsupported`; `blob-corrupt` when the media type says something else than the bytes
 */
export function detectCompression(
  start: Uint8Array,
  descriptor: Pick<Descriptor, 'mediaType' | 'digest'>,
): Compression {
  const { mediaType, digest } = descriptor;
  refuseUnknownType(descriptor);
  const found = sniff(start);
  if (!isCompression(found)) {
    return fail('layer-compression-unsupported', `the layer ${digest} is compressed with ${found}`, {
      hint: 'touchmark reads layers that are plain, gzip or zstd',
      details: { digest, compression: found },
    });
  }
  const stated = statedCompression(mediaType);
  // No bytes are no files to every runtime, whatever they are called.
  if (start.length === 0 || stated === undefined || stated === found) return found;
  const nameOf = (compression: string): string =>
    compression === 'identity' ? 'not compressed' : `compressed with ${compression}`;
  const message = `the layer ${digest} is ${nameOf(found)}; its media type ${mediaType} says that it is ${nameOf(stated)}`;
  return fail('blob-corrupt', message, {
    hint: 'tools disagree on what such a layer holds: build or push the image again with another tool',
    details: { digest, mediaType, compression: found },
  });
}

/** @throws TouchmarkError `layer-compression-unsupported` when the media type alone says that it cannot be unpacked here */
export function refuseUnknownType({ mediaType, digest }: Pick<Descriptor, 'mediaType' | 'digest'>): void {
  const suffix = LAYER_TYPE.exec(mediaType)?.[1];
  if (!mediaType.endsWith('+encrypted') && (suffix === undefined || isCompression(suffix))) return;
  fail('layer-compression-unsupported', `the layer ${digest} has the media type ${mediaType}`, {
    hint: 'touchmark reads layers that are plain, gzip or zstd, and not encrypted',
    details: { digest, mediaType },
  });
}

/** What the media type promises; undefined when it leaves it open, as Docker's does that names no compression. */
function statedCompression(mediaType: string): Compression | undefined {
  const type = LAYER_TYPE.exec(mediaType);
  const suffix = type?.[1];
  if (suffix !== undefined) return isCompression(suffix) ? suffix : undefined;
  return type && !mediaType.includes('.docker.') ? 'identity' : undefined;
}

function sniff(start: Uint8Array): string {
  const known = MAGIC.find(([, bytes]) => bytes.every((byte, i) => start[i] === byte));
  return known?.[0] ?? (isSkippable(start) ? 'zstd' : 'identity');
}

/** A frame that decoders of zstd pass over (RFC 8878, section 3.1.2); seekable formats keep their tables in such. */
export function isSkippable(start: Uint8Array): boolean {
  const [first = 0, ...rest] = start.subarray(0, 4);
  return first >> 4 === 5 && [0x2a, 0x4d, 0x18].every((byte, i) => rest[i] === byte);
}

function isCompression(name: string): name is Compression {
  return (COMPRESSIONS as readonly string[]).includes(name);
}
