import { fail } from '../base/errors.js';
import type { TufSource } from './source.js';

/**
 * A metadata file that must be there.
 * @throws TouchmarkError `tuf-unavailable`, `limit-exceeded`; a file that is longer than `listed` is left to the check of it
 */
export async function fetchMetadata(
  source: TufSource,
  name: string,
  maxSize: number,
  listed?: number,
): Promise<Uint8Array> {
  const tooLong = (length: number): never =>
    fail('limit-exceeded', `${name} has ${length} bytes or more; at most ${maxSize} are read`);
  if (listed !== undefined && listed > maxSize) tooLong(listed);
  const bytes = await source.metadata(name, listed ?? maxSize);
  if (!bytes)
    return fail('tuf-unavailable', `the repository does not have ${name}`, {
      retryable: true,
      details: { file: name.slice(0, 200) },
    });
  if (bytes.length > maxSize) tooLong(bytes.length);
  return bytes;
}
