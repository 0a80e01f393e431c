import { EXIT_CODES, type ExitCode, type ReasonCode } from '../base/codes.js';
import { mapConcurrently } from '../base/concurrency.js';
import type { StoreAccess } from '../oci/open.js';
import { type ImageVerdict, type VerifyOptions, verifyImage } from './verify-image.js';

export interface VerifyImagesOptions extends VerifyOptions {
  /** Images that are looked at at once. Default 16. */
  readonly concurrency?: number;
  /** Called as each image is done, in the order in which they finish. */
  readonly onVerdict?: (verdict: ImageVerdict, done: number, total: number) => void;
}

/** Verifies many images over shared connections and tokens; verdicts in the order of the references. */
export async function verifyImages(
  access: StoreAccess,
  references: readonly string[],
  options: VerifyImagesOptions,
): Promise<readonly ImageVerdict[]> {
  let done = 0;
  return mapConcurrently(references, options.concurrency ?? 16, async reference => {
    const verdict = await verifyImage(access, reference, options);
    options.onVerdict?.(verdict, ++done, references.length);
    return verdict;
  });
}

/** With several images the first of these that is present is the exit code of the whole. */
const SEVERITY: readonly ExitCode[] = [
  2, 18, 17, 15, 14, 12, 16, 10, 11, 1, 22, 21, 24, 20, 23, 130, 143,
] as ExitCode[];

/** The one reason code that stands for many images; null when every one is a yes. No image at all is not a yes. */
export function worstCode(codes: readonly (ReasonCode | null)[]): ReasonCode | null {
  if (codes.length === 0) return 'usage-argument';
  const bad = codes.filter(code => code !== null);
  return bad.sort((a, b) => rank(a) - rank(b))[0] ?? null;
}

function rank(code: ReasonCode): number {
  const at = SEVERITY.indexOf(EXIT_CODES[code]);
  return at < 0 ? SEVERITY.length : at;
}
