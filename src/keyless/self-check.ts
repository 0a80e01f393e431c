import { fail } from '../base/errors.js';
import { settle } from '../base/settle.js';
import {
  type Artifact,
  type BundleResult,
  type CertificateIdentity,
  type IdentityRule,
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

type Witnesses = Pick<SigningServices, 'logs' | 'timestampAuthorities'>;

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
  witnesses: Witnesses,
): Promise<SignedAs> {
  const result = await verify(bundle, artifact, root, witnesses, { subject: ANYBODY, issuer: ANYBODY });
  if (!result.ok) {
    return fail(result.code, `what was signed does not verify: ${result.message}`, {
      hint: 'nothing was written; check that the trusted root and the services are of one deployment',
    });
  }
  const { signer, times } = result;
  if (signer.kind !== 'identity') return fail('internal', 'a certificate was verified as a key');
  return { identity: signer, times };
}

/** Is this bundle as good a signature by this identity as one that would be made now? */
export async function isSignedBy(
  identity: CertificateIdentity,
  bundle: Uint8Array,
  artifact: Artifact,
  root: TrustedRoot,
  witnesses: Witnesses,
): Promise<boolean> {
  const { subject, issuer } = identity;
  if (issuer === undefined) return false;
  const rule = { subject: { exact: subject }, issuer: { exact: issuer } };
  // What somebody else left there may be no bundle at all.
  const { value } = await settle(verify(bundle, artifact, root, witnesses, rule));
  return value?.ok === true;
}

async function verify(
  bundle: Uint8Array,
  artifact: Artifact,
  root: TrustedRoot,
  { logs, timestampAuthorities }: Witnesses,
  rule: IdentityRule,
): Promise<BundleResult> {
  const sources = timestampAuthorities.length + logs.filter(log => log.version === 1).length;
  return verifyBundle(parseSigstoreBundle(bundle), root, {
    signer: { kind: 'identity', anyOf: [rule] },
    artifact,
    predicateTypes: 'any',
    logs: logs.length,
    time: { kind: 'vouched', sources, timestampAuthorities: timestampAuthorities.length },
  });
}
