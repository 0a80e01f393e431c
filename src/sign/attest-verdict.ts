import { equalBytes, toBase64, utf8 } from '../base/bytes.js';
import { type Digest, digestAlgorithm, digestHex } from '../base/digest.js';
import { fail, TouchmarkError } from '../base/errors.js';
import { Field } from '../base/fields.js';
import { parseJson } from '../base/json.js';
import { LIMITS } from '../base/limits.js';
import { formatTime } from '../base/time.js';
import type { Signer } from '../crypto/keys.js';
import { checkSignature } from '../crypto/verify.js';
import { type CustodyPolicy, type CustodyVerdict, leastLevel } from '../custody/index.js';
import { formatDockerReference, parseRepository } from '../oci/reference.js';
import type { Store } from '../oci/store.js';
import { serializeBundle } from '../signature/bundle.js';
import { IN_TOTO_PAYLOAD_TYPE, preAuthEncoding } from '../signature/dsse.js';
import { STATEMENT_TYPE } from '../signature/statement.js';
import { collectSignatures } from '../verify/collect.js';
import type { CustodyOutcome } from '../verify/verify-custody.js';
import { attachBundle } from './attach-bundle.js';

/** SLSA verification summary. */
export const SUMMARY_PREDICATE_TYPE = 'https://slsa.dev/verification_summary/v1';
/** Who verified, for those who have several verifiers; which one it was the key says. */
const VERIFIER_ID = 'https://touchmark.dev/verify';
/** Milliseconds in which the same summary by the same key is not made again: an image takes a bounded number of referrers. */
const RENEWAL = 24 * 60 * 60 * 1000;

export interface AttestOptions {
  readonly policy: CustodyPolicy;
  readonly now: Date;
  /** The tool and its version, `touchmark/1.4.0`. */
  readonly creator: string;
  /** The repository that the image was verified as; default the store's. */
  readonly repository?: string | undefined;
}

export interface WrittenAttestation {
  readonly subject: Digest;
  readonly keyid: string;
  readonly predicateType: string;
  /** What the summary says it was verified at. */
  readonly timeVerified: string;
  /** False when this key said the same within the last day: nothing was written. */
  readonly added: boolean;
}

/**
 * Signs that an image passed: a SLSA verification summary with the image as its only subject, as a bundle among the image's
 * referrers, where `cosign verify-attestation --type https://slsa.dev/verification_summary/v1` finds it. Read back before it
 * counts as written.
 *
 * A no is never attested. `cosign verify` looks at no predicate: a signed "FAILED" would be its yes. For the same reason the
 * verifier's key must not be one that stands for a build, where `cosign verify` decides.
 *
 * @throws TouchmarkError the outcome's own code when it is no yes; `oci-conflict`; what the store throws
 */
export async function attestVerdict(
  store: Store,
  outcome: CustodyOutcome,
  signer: Signer,
  options: AttestOptions,
): Promise<WrittenAttestation> {
  const { digest } = outcome;
  const verdicts = outcome.custody ? [outcome.custody] : (outcome.index?.children ?? []);
  if (outcome.code !== null) fail(outcome.code, 'only a verdict that is a yes is attested');
  if (digest === null || verdicts.length === 0 || verdicts.some(({ verdict }) => verdict !== 'pass')) {
    return fail('internal', 'a yes without a verdict that passes');
  }
  const make = (timeVerified: string) => serializeSummary(digest, verdicts, timeVerified, store, options);
  const about = { subject: digest, keyid: signer.publicKey.keyid, predicateType: SUMMARY_PREDICATE_TYPE };
  const standing = await findStanding(store, digest, signer, options.now, make);
  if (standing !== undefined) return { ...about, timeVerified: standing, added: false };

  const timeVerified = formatTime(options.now);
  const statement = make(timeVerified);
  const bundle = serializeBundle({
    statement,
    signature: signer.sign(preAuthEncoding(IN_TOTO_PAYLOAD_TYPE, statement)),
    keyHint: toBase64(Buffer.from(signer.publicKey.keyid, 'hex')),
  });
  if (bundle.length > LIMITS.payloadSize) {
    fail('limit-exceeded', `the attestation would have ${bundle.length} bytes; readers refuse that`);
  }
  const subject = await store.fetchManifest({ digest });
  if (!subject) return fail('oci-not-found', `${digest} is not there any more`);
  await attachBundle(store, bundle, subject.descriptor, timeVerified, SUMMARY_PREDICATE_TYPE);
  await store.commit();
  if ((await findStanding(store, digest, signer, options.now, make)) === undefined) {
    throw new TouchmarkError('oci-conflict', 'the attestation was written and is not there any more', {
      hint: 'run the same command again',
    });
  }
  return { ...about, timeVerified, added: true };
}

function serializeSummary(
  digest: Digest,
  verdicts: readonly CustodyVerdict[],
  timeVerified: string,
  store: Store,
  { policy, creator, repository }: AttestOptions,
): Uint8Array {
  const [tool = '', version = ''] = creator.split('/');
  const known = repository ?? (store.namesRepository ? store.repository : undefined);
  const claims = verdicts.flatMap(({ chain, approvals }) => [...chain, ...approvals]);
  const inputs = new Map(claims.map(({ claim, step }) => [claim, { name: step, digest: digestSet(claim) }]));
  return utf8(
    JSON.stringify({
      _type: STATEMENT_TYPE,
      subject: [{ name: formatDockerReference(known ?? store.repository), digest: digestSet(digest) }],
      predicateType: SUMMARY_PREDICATE_TYPE,
      predicate: {
        verifier: { id: VERIFIER_ID, version: { [tool]: version } },
        timeVerified,
        resourceUri: packageUrl(digest, known ?? store.repository, known !== undefined),
        policy: {
          uri: `urn:touchmark:policy:${encodeURIComponent(policy.name)}:${policy.version}`,
          digest: digestSet(policy.digest),
        },
        inputAttestations: [...inputs.values()],
        verificationResult: 'PASSED',
        verifiedLevels: [`TOUCHMARK_CUSTODY_${(leastLevel(verdicts) ?? 'marks').toUpperCase()}`],
      },
    }),
  );
}

function digestSet(digest: Digest): Readonly<Record<string, string>> {
  return { [digestAlgorithm(digest)]: digestHex(digest) };
}

/** The image as a package URL of type `oci`. */
function packageUrl(digest: Digest, repository: string, named: boolean): string {
  const { registry, path } = parseRepository(repository);
  const name = path.slice(path.lastIndexOf('/') + 1);
  const where = named ? `?repository_url=${encodeURIComponent(`${registry}/${path}`)}` : '';
  return `pkg:oci/${name}@${encodeURIComponent(digest)}${where}`;
}

/** When the signer last said the same, if that is less than a day ago. */
async function findStanding(
  store: Store,
  digest: Digest,
  { publicKey }: Signer,
  now: Date,
  make: (timeVerified: string) => Uint8Array,
): Promise<string | undefined> {
  let newest: string | undefined;
  for await (const { signatures } of collectSignatures(store, digest, ['bundle'])) {
    for (const { payload, signedBytes, signature } of signatures) {
      if (!(await checkSignature(publicKey, signedBytes, signature))) continue;
      const time = timeOf(payload);
      if (time === undefined || !equalBytes(payload, make(time))) continue;
      const age = now.getTime() - Date.parse(time);
      // The clock of a summary has whole seconds.
      if (age > -1000 && age < RENEWAL && (newest === undefined || newest < time)) newest = time;
    }
  }
  return newest;
}

/** Of a statement whose signature holds. */
function timeOf(payload: Uint8Array): string | undefined {
  try {
    const value = parseJson(payload, 'the statement', { code: 'format-bundle', maxSize: LIMITS.payloadSize });
    const time = new Field(value, 'statement', 'format-bundle')
      .get('predicate')
      .get('timeVerified')
      .string(40);
    return Number.isNaN(Date.parse(time)) ? undefined : time;
  } catch {
    return undefined;
  }
}
