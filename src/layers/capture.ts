import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { type EntryPath, showPath } from './entry-path.js';

/** How many bytes one file may have that is kept, and all that are kept of a layer. */
export interface CaptureLimits {
  readonly file: number;
  readonly layer: number;
}

const DEFAULT_LIMITS: CaptureLimits = { file: LIMITS.capturedFile, layer: LIMITS.capturedLayer };

/** Content of chosen files, kept while a layer is read. */
export interface Capture {
  /** @returns room for the whole file; undefined when it is not chosen. Throws TouchmarkError `limit-exceeded` */
  open(path: EntryPath, size: number): Buffer | undefined;
  readonly files: ReadonlyMap<EntryPath, Uint8Array>;
}

/** @param chosen asked once for every file, by the path that its entry has */
export function createCapture(
  chosen: (path: EntryPath) => boolean,
  limits: CaptureLimits = DEFAULT_LIMITS,
): Capture {
  const files = new Map<EntryPath, Buffer>();
  let total = 0;
  return {
    files,
    open(path, size) {
      if (!chosen(path)) return undefined;
      total += size;
      if (size > limits.file || total > limits.layer) {
        fail('limit-exceeded', `the file ${showPath(path)} of ${size} bytes is too large to be looked into`, {
          details: { ...limits },
        });
      }
      const bytes = Buffer.allocUnsafeSlow(size);
      files.set(path, bytes);
      return bytes;
    },
  };
}
