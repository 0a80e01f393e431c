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
  const concurrency = options.concurrency ?? 16;
  // While more images wait than are under way, a request saved is worth more than a step saved.
  const asking = options.asking ?? (references.length > concurrency ? 'sequential' : 'parallel');
  let done = 0;
  return mapConcurrently(references, concurrency, async reference => {
    const verdict = await verifyImage(access, reference, { ...options, asking });
    options.onVerdict?.(verdict, ++done, references.length);
    return verdict;
  });
}
