import { open } from 'node:fs/promises';
import { fail, TouchmarkError } from '../base/errors.js';

/**
 * Reads a small file that a flag names, with a bound that also holds for pipes and devices.
 * @throws TouchmarkError `usage-file` when it is missing, unreadable, a folder or larger than `maxSize`
 */
export async function readSmallFile(file: string, maxSize: number, flag: string): Promise<Uint8Array> {
  try {
    const handle = await open(file, 'r');
    try {
      const chunks: Uint8Array[] = [];
      let size = 0;
      for await (const chunk of handle.createReadStream({ autoClose: false })) {
        size += (chunk as Uint8Array).length;
        if (size > maxSize) {
          fail('usage-file', `the file given with ${flag} is larger than ${maxSize} bytes`, {
            details: { file },
          });
        }
        chunks.push(chunk as Uint8Array);
      }
      return Buffer.concat(chunks);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof TouchmarkError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const reason =
      code === 'ENOENT'
        ? 'does not exist'
        : code === 'EISDIR'
          ? 'is a folder'
          : `cannot be read (${code ?? 'error'})`;
    return fail('usage-file', `the file given with ${flag} ${reason}`, { details: { file }, cause: error });
  }
}
