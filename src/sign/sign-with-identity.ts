import { equalBytes } from '../base/bytes.js';
import { computeDigest, type Digest, digestAlgorithm, digestHex } from '../base/digest.js';
import { fail } from '../base/errors.js';
import { formatTime } from '../base/time.js';
import { type IdentitySigning, isSignedBy, openIdentitySigner } from '../keyless/index.js';
import type { RawManifest } from '../oci/manifest.js';
import type { StoreAccess } from '../oci/open.js';
import type { Store } from '../oci/store.js';
import type { Artifact, CertificateIdentity } from '../sigstore/index.js';
import { collectSignatures } from '../verify/collect.js';
import { attachBundle } from './attach-bundle.js';
import { type PlannedSignature, planSignatures, type SignOptions } from './plan.js';

export interface IdentitySignOptions extends IdentitySigning, Omit<SignOptions, 'carriers' | 'coSign'> {}

/** What became of one planned signature by an identity. */
export interface WrittenIdentitySignature {
  readonly subject: Digest;
  readonly identity: CertificateIdentity;
  readonly documentDigest: Digest;
  /** False when this identity had signed these bytes before, witnessed as now: nothing was written. */
  readonly added: boolean;
}

/**
 * Signs an image with an identity, in bundles as cosign 3 writes them, and finds each of them again, verified, among what refers
 * to the image. All of it is done under one certificate. Signing the same again as the same identity writes nothing.
 *
 * @throws TouchmarkError what the services and the store throw; the reason code of a signature that does not verify;
 *   `oci-conflict` when it is not there after writing
 */
export async function signImageWithIdentity(
  access: StoreAccess,
  store: Store,
  root: RawManifest,
  options: IdentitySignOptions,
): Promise<readonly WrittenIdentitySignature[]> {
  const planned = await planSignatures(store, root, { ...options, carriers: ['bundle'] });
  const signer = await openIdentitySigner(access, options);
  const { identity } = signer;
  const written: WrittenIdentitySignature[] = [];
  for (const plan of planned) {
    const added = !(await hasSigned(store, plan, identity, options));
    if (added) {
      const about = artifactOf(plan).digests;
      const { bundle } = await signer.sign({ kind: 'statement', statement: plan.document, about });
      await attachBundle(store, bundle, plan.subject, formatTime(options.now));
    }
    const documentDigest = computeDigest(plan.document);
    written.push({ subject: plan.subject.digest, identity, documentDigest, added });
  }
  await store.commit();
  for (const plan of planned) {
    if (await hasSigned(store, plan, identity, options)) continue;
    fail('oci-conflict', 'the signature was written and is not there any more', {
      hint: 'run the same command again: what is there already is kept',
      retryable: true,
      details: { digest: plan.subject.digest },
    });
  }
  return written;
}

function artifactOf({ subject: { digest } }: PlannedSignature): Artifact {
  return { digests: { [digestAlgorithm(digest)]: digestHex(digest) } };
}

/** Is there a bundle over exactly these bytes, by this identity, that verifies? */
async function hasSigned(
  store: Store,
  plan: PlannedSignature,
  identity: CertificateIdentity,
  { trustedRoot, services }: IdentitySigning,
): Promise<boolean> {
  for await (const { signatures } of collectSignatures(store, plan.subject.digest, ['bundle'])) {
    for (const { bundle, payload } of signatures) {
      if (bundle === undefined || !equalBytes(payload, plan.document)) continue;
      if (await isSignedBy(identity, bundle, artifactOf(plan), trustedRoot, services)) return true;
    }
  }
  return false;
}
