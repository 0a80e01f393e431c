import { equalBytes, toBase64 } from '../base/bytes.js';
import { computeDigest, type Digest } from '../base/digest.js';
import { TouchmarkError } from '../base/errors.js';
import { formatTime } from '../base/time.js';
import type { PublicKey, Signer } from '../crypto/keys.js';
import { checkSignature } from '../crypto/verify.js';
import { type Descriptor, describe } from '../oci/descriptor.js';
import { parseManifest, type RawManifest } from '../oci/manifest.js';
import { MEDIA_TYPES } from '../oci/media-types.js';
import { attachmentTag } from '../oci/reference.js';
import type { Store } from '../oci/store.js';
import { serializeBundle } from '../signature/bundle.js';
import { IN_TOTO_PAYLOAD_TYPE, preAuthEncoding } from '../signature/dsse.js';
import {
  addSignatures,
  parseSignatureManifest,
  type SignatureLayer,
  signatureLayer,
} from '../signature/sig-manifest.js';
import { collectSignatures } from '../verify/collect.js';
import type { Carrier } from '../verify/evidence.js';
import { verifyDigest } from '../verify/verify-image.js';
import { attachBundle } from './attach-bundle.js';
import { type PlannedSignature, planSignatures, type SignOptions } from './plan.js';

/** What became of one planned signature by one key. */
export interface WrittenSignature {
  readonly subject: Digest;
  readonly carrier: Carrier;
  readonly keyid: string;
  readonly scheme: string;
  readonly documentDigest: Digest;
  /** False when this key had signed these bytes before: nothing was written. */
  readonly added: boolean;
}

export interface SignImageOptions extends SignOptions {
  /** When bundles say they were created. */
  readonly now: Date;
}

/**
 * Signs an image with every signer, writes the signatures, reads them back and verifies them.
 * Signing the same again writes nothing. Other people's signatures are kept, also those written at the same moment.
 *
 * @throws TouchmarkError what the store throws; `oci-rejected` when the registry refuses a carrier; whatever verifying says
 *   when what was written cannot be read back
 */
export async function signImage(
  store: Store,
  root: RawManifest,
  signers: readonly Signer[],
  options: SignImageOptions,
): Promise<readonly WrittenSignature[]> {
  const planned = await planSignatures(store, root, options);
  return writeSignatures(store, planned, signers, options);
}

/**
 * Writes planned signatures by every signer, reads them back and verifies them.
 * @throws TouchmarkError as {@link signImage}
 */
export async function writeSignatures(
  store: Store,
  planned: readonly PlannedSignature[],
  signers: readonly Signer[],
  options: SignImageOptions,
): Promise<readonly WrittenSignature[]> {
  const added = new Set<string>();
  for (let attempt = 1; ; attempt++) {
    const written: WrittenSignature[] = [];
    for (const plan of planned) {
      const write = plan.carrier === 'simplesigning' ? writeSimpleSigning : writeBundles;
      written.push(...(await write(store, plan, signers, options.now)));
    }
    await store.commit();
    for (const signature of written) if (signature.added) added.add(identify(signature));
    const failure = await readBack(store, planned, signers, options);
    if (!failure) return written.map(signature => ({ ...signature, added: added.has(identify(signature)) }));
    // Tools that do not merge may have overwritten a shared tag since; what is missing is written again.
    if (attempt === ATTEMPTS || !failure.retryable) throw failure;
  }
}

/** How often signatures that vanish between writing and reading back are written again. */
const ATTEMPTS = 4;

function identify(signature: WrittenSignature): string {
  return [signature.subject, signature.carrier, signature.keyid, signature.documentDigest].join(' ');
}

function result(plan: PlannedSignature, signer: Signer, added: boolean): WrittenSignature {
  return {
    subject: plan.subject.digest,
    carrier: plan.carrier,
    keyid: signer.publicKey.keyid,
    scheme: signer.scheme,
    documentDigest: computeDigest(plan.document),
    added,
  };
}

async function writeSimpleSigning(
  store: Store,
  plan: PlannedSignature,
  signers: readonly Signer[],
): Promise<WrittenSignature[]> {
  const layers = signers.map(signer => ({
    signer,
    layer: signatureLayer(plan.document, signer.sign(plan.document)),
  }));
  const added = new Set<Signer>();
  const configs = new Set<Digest>();
  // What others wrote and a slower writer has overwritten since is put back, by whoever saw it.
  const seen = new Map<string, Descriptor>();
  await store.updateTag(attachmentTag(plan.subject.digest, '.sig'), async current => {
    for (const { payload, signature } of current ? readLayers(current) : []) {
      if (signature) seen.set(`${payload.digest} ${toBase64(signature)}`, payload);
    }
    const missing: Descriptor[] = [...seen.values()];
    for (const { signer, layer } of layers) {
      if (current && (await hasSigned(current, plan.document, signer.publicKey))) continue;
      missing.push(layer);
      added.add(signer);
    }
    const update = addSignatures(current, missing);
    if (!update) return undefined;
    if (configs.size === 0)
      await store.writeBlob(describe(MEDIA_TYPES.simpleSigning, plan.document), plan.document);
    const { descriptor, bytes } = update.config;
    if (!configs.has(descriptor.digest)) await store.writeBlob(descriptor, bytes);
    configs.add(descriptor.digest);
    return update.manifest;
  });
  return signers.map(signer => result(plan, signer, added.has(signer)));
}

/** The signatures under the tag; none when it holds something else, which addSignatures refuses with the reason. */
function readLayers(current: RawManifest): readonly SignatureLayer[] {
  return parseManifest(current).kind === 'image' ? parseSignatureManifest(current) : [];
}

/** Has this key signed exactly these bytes? Some signers' signatures differ each time, so it is the signature that is checked. */
async function hasSigned(current: RawManifest, document: Uint8Array, key: PublicKey): Promise<boolean> {
  const digest = computeDigest(document);
  for (const { payload, signature } of readLayers(current)) {
    if (payload.digest === digest && signature && (await checkSignature(key, document, signature)))
      return true;
  }
  return false;
}

async function writeBundles(
  store: Store,
  plan: PlannedSignature,
  signers: readonly Signer[],
  now: Date,
): Promise<WrittenSignature[]> {
  const message = preAuthEncoding(IN_TOTO_PAYLOAD_TYPE, plan.document);
  const signedBefore = await bundleSigners(store, plan, signers);
  const written: WrittenSignature[] = [];
  for (const signer of signers) {
    const isNew = !signedBefore.has(signer.publicKey.keyid);
    if (isNew) {
      const keyHint = toBase64(Buffer.from(signer.publicKey.keyid, 'hex'));
      const bundle = serializeBundle({ statement: plan.document, signature: signer.sign(message), keyHint });
      await attachBundle(store, bundle, plan.subject, formatTime(now));
    }
    written.push(result(plan, signer, isNew));
  }
  return written;
}

/** The keyids among `signers` that have signed this statement already. */
async function bundleSigners(
  store: Store,
  plan: PlannedSignature,
  signers: readonly Signer[],
): Promise<ReadonlySet<string>> {
  const keyids = new Set<string>();
  for await (const { signatures } of collectSignatures(store, plan.subject.digest, ['bundle'])) {
    for (const found of signatures) {
      if (!equalBytes(found.payload, plan.document)) continue;
      for (const { publicKey } of signers) {
        if (await checkSignature(publicKey, found.signedBytes, found.signature)) keyids.add(publicKey.keyid);
      }
    }
  }
  return keyids;
}

/** What a verifier will see must be a yes, in each carrier and for each key; undefined when it is. */
async function readBack(
  store: Store,
  planned: readonly PlannedSignature[],
  signers: readonly Signer[],
  options: SignOptions,
): Promise<TouchmarkError | undefined> {
  const keys = signers.map(({ publicKey }) => ({ name: publicKey.keyid.slice(0, 12), key: publicKey }));
  const required = new Set(keys.map(({ key }) => key.keyid)).size;
  for (const { subject, carrier } of planned) {
    const expected = {
      keys,
      carriers: [carrier],
      repository: options.repository ?? store.repository,
      ...(options.annotations && !options.coSign && { annotations: options.annotations }),
    };
    const { decision } = await verifyDigest(store, subject.digest, expected, required);
    if (decision.code === null) continue;
    const missing = ['sig-none', 'sig-no-match', 'sig-threshold-not-met'].includes(decision.code);
    return new TouchmarkError(
      decision.code,
      `the ${carrier} signature was written but does not verify: ${decision.message}`,
      {
        details: { digest: subject.digest, carrier },
        hint: 'run the same command again: what is there already is kept',
        retryable: missing,
      },
    );
  }
  return undefined;
}
