import { decodeUtf8 } from '../base/bytes.js';
import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';

/** A package as the database of its manager lists it. */
export interface Package {
  readonly ecosystem: 'deb' | 'apk' | 'rpm';
  readonly name: string;
  /** As the manager writes it, with the epoch and the distribution's revision when there are any. */
  readonly version: string;
  /** Empty when the database names none. */
  readonly architecture: string;
  /** What it was built from, where the database says so. */
  readonly source?: { readonly name: string; readonly version: string };
}

/** A database that is not as its manager writes it. Never the same as one without packages. */
export function failDamaged(problem: string): never {
  return fail('format-packages', problem);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const UNFIT = /[\s\x00-\x1f\x7f]/;

/**
 * A name, version or other field that is one word.
 * @param what for messages
 * @throws TouchmarkError `format-packages` when it is empty, too long, no UTF-8, or holds a space or a control character
 */
export function parseWord(bytes: Uint8Array, what: string): string {
  if (bytes.length === 0) failDamaged(`${what} is empty`);
  if (bytes.length > LIMITS.packageField) failDamaged(`${what} has ${bytes.length} bytes`);
  const text = decodeUtf8(bytes);
  if (text === undefined) return failDamaged(`${what} is not UTF-8`);
  if (UNFIT.test(text)) failDamaged(`${what} holds a space or a control character: ${JSON.stringify(text)}`);
  return text;
}

/** Of the packages that are in an image at once. @throws TouchmarkError `limit-exceeded` */
export function refuseTooMany(count: number): void {
  refuseMore('packages', count, LIMITS.packages);
}

/** @throws TouchmarkError `limit-exceeded` */
export function refuseMore(what: string, count: number, limit: number): void {
  if (count > limit) fail('limit-exceeded', `there are more than ${limit} ${what}`, { details: { limit } });
}
