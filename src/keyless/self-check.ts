import { fail } from '../base/errors.js';
import {
  type Artifact,
  type CertificateIdentity,
  parseSigstoreBundle,
  type TrustedRoot,
  type VouchedTime,
  verifyBundle,
} from '../sigstore/index.js';
import type { SigningServices } from './services.js';

/** Who signed and when, as verified. */
export interface SignedAs {
  readonly identity: CertificateIdentity;
  readonly times: readonly VouchedTime[];
}

/** Whoever the certificate names: at a federated issuer that is somebody else than the token names. */
const ANYBODY = { pattern: { source: '.*', matches: () => true } };

/**
 * Verifies a bundle that was just assembled as strictly as anybody may: every log and every timestamp authority that took part
 * must be known to the trusted root and vouch for this signature. Services may answer with what is well formed and worth nothing.
 * @throws TouchmarkError the reason code of what does not hold
 */
export async function requireVerified(
  bundle: Uint8Array,
  artifact: Artifact,
  root: TrustedRoot,
  { logs, timestampAuthorities }: Pick<SigningServices, 'logs' | 'timestampAuthorities'>,
): Promise<SignedAs> {
  const sources = timestampAuthorities.length + logs.filter(log => log.version === 1).length;
  const result = await verifyBundle(parseSigstoreBundle(bundle), root, {
    signer: { kind: 'identity', anyOf: [{ subject: ANYBODY, issuer: ANYBODY }] },
    artifact,
    predicateTypes: 'any',
    logs: logs.length,
    time: { kind: 'vouched', sources, timestampAuthorities: timestampAuthorities.length },
  });
  if (!result.ok) {
    return fail(result.code, `what was signed does not verify: ${result.message}`, {
      hint: 'nothing was written; check that the trusted root and the services are of one deployment',
    });
  }
  const { signer, times } = result;
  if (signer.kind !== 'identity') return fail('internal', 'a certificate was verified as a key');
  return { identity: signer, times };
}
