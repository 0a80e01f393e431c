import { type TouchmarkError, toTouchmarkError, withDetails } from '../base/errors.js';
import { loadSigner } from '../crypto/key-reference.js';
import type { Signer } from '../crypto/keys.js';
import type { CustodyPolicy } from '../custody/policy.js';
import type { StoreOptions } from '../oci/context.js';
import { createStoreAccess, openStore, type StoreAccess } from '../oci/open.js';
import { parseReference } from '../oci/reference.js';
import { attestVerdict, type WrittenAttestation } from '../sign/attest-verdict.js';
import type { CustodyOutcome } from '../verify/verify-custody.js';
import type { Passwords } from './password.js';

export interface Attesting {
  readonly policy: CustodyPolicy;
  readonly creator: string;
  /** The repository of `--as`. */
  readonly repository?: string | undefined;
  readonly options: StoreOptions;
  /** Reference of the private key; opened once, and only when an image has passed. */
  readonly key: string;
  readonly passwords: Passwords;
  readonly onWarning: (message: string) => void;
}

export interface Attested {
  /** By position of the outcome. */
  readonly attestations: ReadonlyMap<number, WrittenAttestation>;
  /** Images that passed and whose attestation could not be written. */
  readonly failures: readonly TouchmarkError[];
}

/**
 * Attests every outcome that is a yes, one after another; the others are left alone.
 * @throws TouchmarkError `key-*`, `usage-*` when the key does not open
 */
export async function attestOutcomes(
  outcomes: readonly CustodyOutcome[],
  { key, passwords, onWarning, options, ...about }: Attesting,
): Promise<Attested> {
  const attestations = new Map<number, WrittenAttestation>();
  const failures: TouchmarkError[] = [];
  if (!outcomes.some(({ code }) => code === null)) return { attestations, failures };
  const signer = await passwords.retrying(password => loadSigner(key, { password, onWarning }));
  const access = createStoreAccess(options);
  try {
    for (const [at, outcome] of outcomes.entries()) {
      if (outcome.code !== null) continue;
      try {
        attestations.set(at, await attestOne(access, outcome, signer, about));
      } catch (error) {
        failures.push(withDetails(toTouchmarkError(error), { image: outcome.pinned ?? outcome.reference }));
      }
    }
    return { attestations, failures };
  } finally {
    await access.close();
  }
}

async function attestOne(
  access: StoreAccess,
  outcome: CustodyOutcome,
  signer: Signer,
  about: Pick<Attesting, 'policy' | 'creator' | 'repository'>,
): Promise<WrittenAttestation> {
  const store = await openStore(parseReference(outcome.reference), access);
  try {
    return await attestVerdict(store, outcome, signer, { ...about, now: new Date() });
  } finally {
    await store.close();
  }
}
