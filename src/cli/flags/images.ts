import { decodeUtf8 } from '../../base/bytes.js';
import { fail } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { readSmallFile } from '../files.js';
import { Flags } from '../oclif.js';

/** For commands that take any number of images in one process. */
export const imagesFlag = {
  images: Flags.string({
    helpValue: 'FILE',
    summary: 'references, one a line, # comments; - is standard input',
  }),
};

/**
 * The images of the command line and those of `--images`, in this order.
 * @param readStdin reads the list from standard input
 * @throws TouchmarkError `usage-argument` when there is none, `usage-file`
 */
export async function readImages(
  argv: readonly string[],
  list: string | undefined,
  readStdin: (purpose: string, maxSize: number) => Promise<Uint8Array>,
  example: string,
): Promise<readonly string[]> {
  const references = [...argv, ...(list === undefined ? [] : await readList(list, readStdin))];
  if (references.length === 0) fail('usage-argument', 'no image is given', { hint: example });
  return references;
}

async function readList(
  file: string,
  readStdin: (purpose: string, maxSize: number) => Promise<Uint8Array>,
): Promise<readonly string[]> {
  const bytes =
    file === '-'
      ? await readStdin('--images', LIMITS.imageListSize)
      : await readSmallFile(file, LIMITS.imageListSize, '--images');
  const text =
    decodeUtf8(bytes) ?? fail('usage-file', 'the list of images is not UTF-8 text', { details: { file } });
  return text
    .split(/\r?\n/)
    .map(entry => entry.replace(/(?:^|\s)#.*$/, '').trim())
    .filter(entry => entry !== '');
}
