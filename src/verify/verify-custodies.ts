import { mapConcurrently } from '../base/concurrency.js';
import type { StoreAccess } from '../oci/open.js';
import type { CustodyOptions } from './judge-custody.js';
import { type CustodyOutcome, verifyCustody } from './verify-custody.js';

export interface VerifyCustodiesOptions extends CustodyOptions {
  /** Images that are looked at at once. Default 16. */
  readonly concurrency?: number;
  /** Called as each image is done, in the order in which they finish. */
  readonly onOutcome?: (outcome: CustodyOutcome, done: number, total: number) => void;
}

/** Verifies the custody of many images over shared connections and tokens; outcomes in the order of the references. */
export async function verifyCustodies(
  access: StoreAccess,
  references: readonly string[],
  { concurrency = 16, onOutcome, ...options }: VerifyCustodiesOptions,
): Promise<readonly CustodyOutcome[]> {
  let done = 0;
  return mapConcurrently(references, concurrency, async reference => {
    const outcome = await verifyCustody(access, reference, options);
    onOutcome?.(outcome, ++done, references.length);
    return outcome;
  });
}
