import { TouchmarkError } from '../../src/base/errors.js';

/** The reason code of the error that `work` throws; undefined when it throws none. Other errors pass through. */
export function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof TouchmarkError) return error.code;
    throw error;
  }
}

export async function codeOfAsync(
  work: Promise<unknown> | (() => Promise<unknown>),
): Promise<string | undefined> {
  try {
    await (typeof work === 'function' ? work() : work);
    return undefined;
  } catch (error) {
    if (error instanceof TouchmarkError) return error.code;
    throw error;
  }
}

export function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
