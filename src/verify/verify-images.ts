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
