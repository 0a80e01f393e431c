import type { ReasonCode } from '../base/codes.js';
import { computeDigest, type Digest } from '../base/digest.js';
import { TouchmarkError, toTouchmarkError } from '../base/errors.js';
import type { JsonValue } from '../base/json.js';
import type { PublicKey, SignatureScheme } from '../crypto/keys.js';
import { checkSignature } from '../crypto/verify.js';
import { sameRepository } from '../oci/reference.js';
import { IN_TOTO_PAYLOAD_TYPE } from '../signature/dsse.js';
import { parsePayload, SIMPLE_SIGNING_TYPE } from '../signature/payload.js';
import { parseStatement, SIGN_PREDICATE_TYPE, STATEMENT_TYPE } from '../signature/statement.js';
import type { Carrier, FoundSignature } from './evidence.js';

/** A key that the user trusts, and how they named it. */
export interface TrustedKey {
  readonly name: string;
  readonly key: PublicKey;
}

/** What a signature must say to count. */
export interface SignaturePolicy {
  readonly image: Digest;
  readonly keys: readonly TrustedKey[];
  /** Annotations that must be there with exactly these values. */
  readonly annotations: Readonly<Record<string, string>>;
  /** The repository that the signature must name; undefined: whatever it names is reported, not compared. */
  readonly repository: string | undefined;
}

export type CheckId =
  | 'signature'
  | 'type'
  | 'digest'
  | 'repository'
  | 'annotations'
  | 'certificate'
  | 'transparency-log'
  | 'timestamp';

/** One check of one signature. `not-checked` says aloud what a yes does not mean. */
export interface Check {
  readonly id: CheckId;
  readonly result: 'passed' | 'failed' | 'not-checked';
  readonly message: string;
}

/** What became of one signature. It counts when `code` is null. */
export interface JudgedSignature {
  readonly carrier: Carrier;
  readonly source: string;
  readonly code: ReasonCode | null;
  /** The trusted key that made it; null when none of them did. */
  readonly signer: TrustedKey | null;
  readonly scheme: SignatureScheme | null;
  readonly payloadDigest: Digest;
  /** What the signature says. Null until it has been verified: unverified claims are not repeated. */
  readonly claim: Claim | null;
  readonly checks: readonly Check[];
}

/** What both signature formats say, in one form. */
export interface Claim {
  readonly type: string;
  /** The repository signed for; null where the format lets the signer leave it out, as cosign 3 does. */
  readonly repository: string | null;
  readonly annotations: Readonly<Record<string, JsonValue>>;
}

/**
 * Judges one signature. First the signature itself, over the bytes as they were found; only then is anything in them read.
 * Makes no request and reads no clock.
 */
export async function judgeSignature(
  found: FoundSignature,
  policy: SignaturePolicy,
): Promise<JudgedSignature> {
  const about = {
    carrier: found.carrier,
    source: found.source,
    payloadDigest: computeDigest(found.payload),
  };
  const match = await findSigner(found, policy.keys);
  if (!match) {
    const message = found.material.certificate
      ? 'made with a certificate, or by a key that was not given'
      : 'not made by any of the given keys';
    const checks: Check[] = [{ id: 'signature', result: 'failed', message }];
    return { ...about, code: 'sig-no-match', signer: null, scheme: null, claim: null, checks };
  }
  const signed: Check = {
    id: 'signature',
    result: 'passed',
    message: `made by ${match.signer.name} (${match.scheme})`,
  };
  try {
    const { claim, checks } =
      found.carrier === 'bundle' ? checkStatement(found, policy) : checkPayload(found, policy);
    const failed = checks.find(check => check.code !== null);
    return {
      ...about,
      ...match,
      code: failed?.code ?? null,
      claim,
      checks: [signed, ...checks.map(({ code: _, ...check }) => check), ...uncheckedMaterial(found)],
    };
  } catch (error) {
    const { code, message } = toTouchmarkError(error);
    return {
      ...about,
      ...match,
      code,
      claim: null,
      checks: [signed, { id: 'type', result: 'failed', message }],
    };
  }
}

async function findSigner(
  found: FoundSignature,
  keys: readonly TrustedKey[],
): Promise<{ signer: TrustedKey; scheme: SignatureScheme } | undefined> {
  for (const signer of keys) {
    const scheme = await checkSignature(signer.key, found.signedBytes, found.signature);
    if (scheme) return { signer, scheme };
  }
  return undefined;
}

/** A check together with the code that a failure leads to. */
type CodedCheck = Check & { readonly code: ReasonCode | null };

function check(id: CheckId, code: ReasonCode, passed: boolean, good: string, bad: string): CodedCheck {
  return passed
    ? { id, result: 'passed', message: good, code: null }
    : { id, result: 'failed', message: bad, code };
}

/** Simple signing: cosign checks the digest and annotations; here type and repository count too. */
function checkPayload(
  found: FoundSignature,
  policy: SignaturePolicy,
): { claim: Claim; checks: CodedCheck[] } {
  const payload = parsePayload(found.payload);
  return {
    claim: { type: payload.type, repository: payload.dockerReference, annotations: payload.annotations },
    checks: [
      check(
        'type',
        'sig-wrong-type',
        payload.type === SIMPLE_SIGNING_TYPE,
        payload.type,
        `signs ${quote(payload.type)}, not a container image`,
      ),
      checkDigest(payload.manifestDigest, policy),
      checkRepository(payload.dockerReference, policy),
      checkAnnotations(payload.annotations, policy),
    ],
  };
}

/** Bundle: cosign accepts any predicate about any of several subjects; here it is "signed" about exactly one. */
function checkStatement(
  found: FoundSignature,
  policy: SignaturePolicy,
): { claim: Claim; checks: CodedCheck[] } {
  if (found.payloadType !== IN_TOTO_PAYLOAD_TYPE) {
    throw new TouchmarkError(
      'sig-wrong-type',
      `the envelope holds ${quote(found.payloadType ?? '')}, not an in-toto statement`,
    );
  }
  const statement = parseStatement(found.payload);
  const [subject, ...more] = statement.subjects;
  const isSignature = statement.type === STATEMENT_TYPE && statement.predicateType === SIGN_PREDICATE_TYPE;
  const repository = subject?.name ?? null;
  const digests = Object.entries(subject?.digest ?? {}).map(([algorithm, hex]) => `${algorithm}:${hex}`);
  const annotations = subject?.annotations ?? {};
  return {
    claim: { type: statement.predicateType, repository, annotations },
    checks: [
      check(
        'type',
        'sig-wrong-type',
        isSignature,
        SIGN_PREDICATE_TYPE,
        `says ${quote(statement.predicateType)} about the image, which is not a signature`,
      ),
      more.length > 0 || subject === undefined
        ? check(
            'digest',
            'sig-wrong-subject',
            false,
            '',
            `names ${statement.subjects.length} subjects; a signature names one`,
          )
        : checkDigest(digests.includes(policy.image) ? policy.image : digests.join(' '), policy),
      checkRepository(repository, policy),
      checkAnnotations(annotations, policy),
    ],
  };
}

function checkDigest(signed: string, policy: SignaturePolicy): CodedCheck {
  return check(
    'digest',
    'sig-wrong-digest',
    signed === policy.image,
    signed,
    `signs ${signed.slice(0, 200)}, another image`,
  );
}

function checkRepository(signed: string | null, policy: SignaturePolicy): CodedCheck {
  const unchecked = (message: string): CodedCheck => ({
    id: 'repository',
    result: 'not-checked',
    message,
    code: null,
  });
  if (signed === null) return unchecked('the signature names no repository');
  if (policy.repository === undefined) return unchecked(`signed for ${quote(signed)}`);
  const message = `signed for ${quote(signed)}, not for ${policy.repository}`;
  return check(
    'repository',
    'sig-wrong-reference',
    sameRepository(signed, policy.repository),
    signed,
    message,
  );
}

function checkAnnotations(signed: Readonly<Record<string, JsonValue>>, policy: SignaturePolicy): CodedCheck {
  const wanted = Object.entries(policy.annotations);
  const wrong = wanted
    .filter(([key, value]) => !Object.hasOwn(signed, key) || signed[key] !== value)
    .map(([key]) => key);
  const good = wanted.length === 0 ? 'none required' : wanted.map(([k, v]) => `${k}=${v}`).join(', ');
  return check(
    'annotations',
    'sig-annotation-mismatch',
    wrong.length === 0,
    good,
    `without the required value of ${wrong.join(', ')}`,
  );
}

function uncheckedMaterial(found: FoundSignature): Check[] {
  const { certificate, transparencyLog, timestamp } = found.material;
  const skipped = (id: CheckId, present: boolean, what: string): Check[] =>
    present
      ? [{ id, result: 'not-checked', message: `${what} is attached; trust here comes from the key alone` }]
      : [];
  return [
    ...skipped('certificate', certificate, 'a certificate'),
    ...skipped('transparency-log', transparencyLog, 'a transparency log entry'),
    ...skipped('timestamp', timestamp, 'a signed timestamp'),
  ];
}

function quote(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
