import { randomBytes } from 'node:crypto';
import { link, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fail, TouchmarkError, toTouchmarkError } from '../base/errors.js';
import { shellQuote } from '../base/shell-quote.js';

/**
 * Reads a small file that a flag names, with a bound that also holds for pipes and devices.
 * @throws TouchmarkError `usage-file` when it is missing, unreadable, a folder or larger than `maxSize`
 */
export async function readSmallFile(file: string, maxSize: number, flag: string): Promise<Uint8Array> {
  try {
    const handle = await open(file, 'r');
    try {
      // Of a pipe or a device the size is not known before it is read.
      const stats = await handle.stat();
      if (stats.isFile() && stats.size > maxSize) failTooLarge(file, maxSize, flag);
      const chunks: Uint8Array[] = [];
      let size = 0;
      for await (const chunk of handle.createReadStream({ autoClose: false })) {
        size += (chunk as Uint8Array).length;
        if (size > maxSize) failTooLarge(file, maxSize, flag);
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
    return fail('usage-file', `the file given with ${flag} ${reason}`, {
      details: { file },
      hint: `ls -ld ${shellQuote(file)} shows what is there`,
      cause: error,
    });
  }
}

function failTooLarge(file: string, maxSize: number, flag: string): never {
  return fail('usage-file', `the file given with ${flag} is larger than ${maxSize} bytes`, {
    details: { file, limit: maxSize },
    hint: 'is it the file that you mean? no more than this is read into memory',
  });
}

/**
 * Writes a file that a flag names: complete under its name, or not at all.
 * @throws TouchmarkError `usage-file-exists` unless `overwrite`, `usage-file` when there is no such folder, `io-failed`, `io-no-space`
 */
export async function writeOutputFile(
  file: string,
  bytes: Uint8Array,
  { overwrite }: { readonly overwrite: boolean },
): Promise<void> {
  const temporary = join(dirname(file), `.${basename(file)}.${randomBytes(8).toString('hex')}.tmp`);
  try {
    const handle = await open(temporary, 'wx', 0o644);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    // A hard link fails when the name is taken, where a rename would replace what is there.
    if (overwrite) await rename(temporary, file);
    else await link(temporary, file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') {
      fail('usage-file-exists', 'the output file exists already and was not touched', {
        details: { file },
        hint: 'choose another name, or add --yes to replace it',
      });
    }
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      fail('usage-file', 'there is no folder for the output file', {
        details: { file },
        hint: `mkdir -p ${shellQuote(dirname(file))}`,
        cause: error,
      });
    }
    throw toTouchmarkError(error);
  } finally {
    await unlink(temporary).catch(() => {});
  }
}
