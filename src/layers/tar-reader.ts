import { createHash, type Hash, hash } from 'node:crypto';
import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { tarChecksumHolds } from '../oci/archive/tar-fields.js';
import { TAR_BLOCK, tarPadding } from '../oci/archive/tar-header.js';
import type { Capture } from './capture.js';
import { REBUILD } from './entry-path.js';
import { ENTRY, type LayerEntry } from './layer-index.js';
import { parseTarEntry, readTarNumbers } from './tar-entry.js';
import { extend, NO_EXTENSION } from './tar-extension.js';

/** Takes an archive in blocks of any size. Both throw TouchmarkError; then neither may be called again. */
export interface TarReader {
  write(block: Uint8Array): void;
  end(): void;
}

/**
 * Reads the tar of a layer (POSIX ustar and pax, GNU) entry by entry, with the digest of each file, and holds nothing.
 * Whatever two container runtimes could take for different files is refused, by the code of its fault:
 * `layer-not-tar`, `layer-ambiguous`, `layer-path-invalid`, `layer-trailing-data`, `limit-exceeded`.
 * @param capture takes the content of the files that it chooses
 */
export function createTarReader(onEntry: (entry: LayerEntry) => void, capture?: Capture): TarReader {
  const header = Buffer.alloc(TAR_BLOCK);
  /** Bytes of the header that are there, while it is not whole. */
  let have = 0;
  let extension = NO_EXTENSION;
  /** The extended header that is being read, and its type. */
  let extended: { readonly flag: string; readonly bytes: Buffer } | undefined;
  /** The file whose content is being read, and its running hash once that came in more than one part. */
  let file: LayerEntry | undefined;
  let running: Hash | undefined;
  /** Room for its content, when that is kept. */
  let kept: Buffer | undefined;
  let body = 0;
  let padding = 0;
  let zeroBlocks = 0;

  function readHeader(block: Buffer): void {
    if (isZero(block)) {
      zeroBlocks++;
      if (extension !== NO_EXTENSION) ambiguous('an extended header has no entry behind it');
      return;
    }
    if (zeroBlocks > 0) ambiguous('there is a block of zeros between two entries');
    if (!tarChecksumHolds(block)) notTar('a header has a wrong checksum');
    const flag = String.fromCharCode(block[156] as number);
    if (flag === 'x' || flag === 'L' || flag === 'K') {
      const size = sizeOfExtension(block);
      extended = { flag, bytes: Buffer.allocUnsafe(size) };
      expectBody(size);
      return;
    }
    if (flag === 'g') ambiguous('the layer has a global pax header');
    if (flag === 'S') ambiguous('the layer holds a sparse file');
    const entry = parseTarEntry(block, extension);
    extension = NO_EXTENSION;
    if (entry.kind !== ENTRY.file) {
      onEntry(entry);
      return;
    }
    file = entry;
    running = undefined;
    kept = capture?.open(entry.path, entry.size);
    expectBody(entry.size);
  }

  function expectBody(size: number): void {
    body = size;
    padding = tarPadding(size);
    if (size === 0) endBody(new Uint8Array());
  }

  /** @param last the part of the body that was not yet taken; all of it when it came as one */
  function endBody(last: Uint8Array): void {
    if (extended) {
      extension = extend(extension, extended.flag, extended.bytes);
      extended = undefined;
    } else if (file) {
      const digest = running ? running.update(last).digest() : hash('sha256', last, 'buffer');
      onEntry({ ...file, digest });
      file = undefined;
      running = undefined;
    }
  }

  function takeBody(part: Uint8Array): void {
    if (extended) extended.bytes.set(part, extended.bytes.length - body);
    else kept?.set(part, kept.length - body);
    body -= part.length;
    if (body === 0) endBody(part);
    else if (file) {
      running ??= createHash('sha256');
      running.update(part);
    }
  }

  return {
    write(chunk) {
      const block = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
      for (let at = 0; at < block.length; ) {
        const left = block.length - at;
        if (body > 0) {
          const step = Math.min(body, left);
          takeBody(block.subarray(at, at + step));
          at += step;
        } else if (padding > 0) {
          const step = Math.min(padding, left);
          padding -= step;
          at += step;
        } else if (zeroBlocks >= 2) {
          if (!isZero(block.subarray(at))) {
            fail('layer-trailing-data', 'there are bytes behind the end of the tar archive', {
              hint: REBUILD,
            });
          }
          return;
        } else if (have === 0 && left >= TAR_BLOCK) {
          readHeader(block.subarray(at, at + TAR_BLOCK));
          at += TAR_BLOCK;
        } else {
          const step = Math.min(TAR_BLOCK - have, left);
          block.copy(header, have, at, at + step);
          have += step;
          at += step;
          if (have < TAR_BLOCK) continue;
          have = 0;
          readHeader(header);
        }
      }
    },
    end() {
      // Archives without an end mark are read alike by all runtimes, as long as they end with an entry.
      if (body > 0 || padding > 0 || have > 0) notTar('it is cut short');
      if (extension !== NO_EXTENSION) ambiguous('an extended header has no entry behind it');
    },
  };
}

function sizeOfExtension(block: Buffer): number {
  const { size } = readTarNumbers(block);
  if (size > LIMITS.tarHeaderSize) {
    fail('limit-exceeded', `the layer has an extended header of ${size} bytes`, {
      details: { limit: LIMITS.tarHeaderSize },
    });
  }
  return size;
}

const ZEROS = Buffer.alloc(TAR_BLOCK);

function isZero(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += TAR_BLOCK) {
    const end = Math.min(at + TAR_BLOCK, bytes.length);
    if (bytes[at] !== 0 || ZEROS.compare(bytes, at, end, 0, end - at) !== 0) return false;
  }
  return true;
}

function notTar(problem: string): never {
  return fail('layer-not-tar', `the layer is not a tar archive: ${problem}`, { hint: REBUILD });
}

function ambiguous(problem: string): never {
  return fail('layer-ambiguous', problem, { hint: REBUILD });
}
