import { randomBytes } from 'node:crypto';
import { TouchmarkError } from '../../../src/base/errors.js';

export const random = (length: number): Uint8Array => randomBytes(length);

/** The failure of some work, which must be one of ours. */
export async function failure(work: () => unknown): Promise<TouchmarkError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof TouchmarkError) return error;
    throw error;
  }
  throw new Error('nothing failed');
}
