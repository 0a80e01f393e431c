import type { ReasonCode } from '../base/codes.js';
import type { Digest } from '../base/digest.js';
import { fail, TouchmarkError } from '../base/errors.js';
import { Field } from '../base/fields.js';
import { type JsonValue, parseJson } from '../base/json.js';
import { LIMITS } from '../base/limits.js';
import { sameRepository } from '../oci/reference.js';
import { IN_TOTO_PAYLOAD_TYPE } from '../signature/dsse.js';
import { parsePayload, SIMPLE_SIGNING_TYPE } from '../signature/payload.js';
import { parseStatement, SIGN_PREDICATE_TYPE, STATEMENT_TYPE } from '../signature/statement.js';
import { CARRIED, CLAIM_PREDICATE_TYPE, statementSubject } from './carriers.js';
import { type ImageClaim, isImageClaim } from './claim.js';
import { type KnownClaims, type ReadClaim, readClaim, readEncodedClaim } from './parse-claim.js';

/** A document whose signature has been verified; reading one that was not is a mistake. */
export interface VerifiedDocument {
  readonly carrier: 'simplesigning' | 'bundle';
  readonly payload: Uint8Array;
  /** DSSE payload type; undefined for simple signing. */
  readonly payloadType: string | undefined;
}

/** The claim that a document carries, and its digest. */
export type ReadMark = ReadClaim;

/**
 * Reads the claim out of a verified document, and holds the document to it (invariant I1: what is signed for cosign and
 * what the claim says are the same). Undefined when the document carries no claim: an ordinary signature, or another statement.
 *
 * @throws TouchmarkError `payload-ambiguous` where two readers could read two things; `payload-inconsistent` where the
 * carrier and the claim disagree; and as `parseClaim`
 */
export function readMark(document: VerifiedDocument, known?: KnownClaims): ReadMark | undefined {
  return document.carrier === 'bundle'
    ? readStatement(document, known)
    : readPayload(document.payload, known);
}

function readPayload(bytes: Uint8Array, known: KnownClaims | undefined): ReadMark | undefined {
  const payload = strictly(bytes, 'format-payload', () => parsePayload(bytes), PAYLOAD_KEYS);
  const mark = readCarried(payload.annotations, known);
  if (!mark) return undefined;
  const { claim } = mark;
  agree(payload.type === SIMPLE_SIGNING_TYPE, 'critical.type is not that of an image signature');
  agree(payload.manifestDigest === claim.subject.manifest.digest, 'the signed digest is not the claim’s');
  agree(
    sameRepository(payload.dockerReference, claim.repo),
    'the signed docker-reference is not the claim’s repo',
  );
  return mark;
}

function readStatement(
  { payload, payloadType }: VerifiedDocument,
  known: KnownClaims | undefined,
): ReadMark | undefined {
  if (payloadType !== IN_TOTO_PAYLOAD_TYPE) return undefined;
  const statement = strictly(payload, 'format-bundle', () => parseStatement(payload), STATEMENT_KEYS);
  const [subject, ...more] = statement.subjects;
  if (statement.predicateType === CLAIM_PREDICATE_TYPE) {
    const mark = readPredicate(payload);
    if (!mark || isImageClaim(mark.claim)) return undefined;
    agree(statement.type === STATEMENT_TYPE, 'the statement is not of a known version');
    agree(more.length === 0, 'the statement has several subjects');
    const hex = statementSubject(mark.claim).slice('sha256:'.length);
    agree(isOnlyDigest(subject?.digest, hex), 'the subject of the statement is not the claim it is about');
    return mark;
  }
  const marks = statement.subjects.map(({ annotations }) => readCarried(annotations, known));
  const mark = marks.find(found => found !== undefined);
  if (!mark) return undefined;
  agree(
    statement.type === STATEMENT_TYPE && statement.predicateType === SIGN_PREDICATE_TYPE,
    'the statement is not an image signature',
  );
  agree(more.length === 0, 'the statement has several subjects');
  const hex = mark.claim.subject.manifest.digest.slice('sha256:'.length);
  agree(isOnlyDigest(subject?.digest, hex), 'the signed digest is not the claim’s');
  // Stock cosign leaves the name out; the claim itself names its repository.
  agree(
    subject?.name === undefined || sameRepository(subject.name, mark.claim.repo),
    'the subject’s name is not the claim’s repo',
  );
  return mark;
}

function readPredicate(payload: Uint8Array): ReadMark {
  const statement = parseJson(payload, 'the statement', {
    code: 'payload-ambiguous',
    maxSize: LIMITS.payloadSize,
  });
  return readClaim(new Field(statement, 'statement', 'payload-inconsistent').get('predicate').value ?? null);
}

/** The claim among annotations, in either form, and the flat strings that must equal it. */
function readCarried(
  annotations: Readonly<Record<string, JsonValue>>,
  known: KnownClaims | undefined,
): { claim: ImageClaim; digest: Digest } | undefined {
  const member = (key: string) => (Object.hasOwn(annotations, key) ? annotations[key] : undefined);
  const [plain, encoded] = [member(CARRIED.claim), member(CARRIED.encoded)];
  if (plain === undefined && encoded === undefined) return undefined;
  agree(plain === undefined || encoded === undefined, 'the claim stands there in two forms');
  const { claim, digest } = plain !== undefined ? readClaim(plain, known) : decodeMember(encoded, known);
  if (!isImageClaim(claim))
    return fail(
      'payload-inconsistent',
      `a claim of kind ${claim.kind} rides in a signature of an image, where others read it as a yes`,
    );
  const flat: readonly [string, string][] = [
    [CARRIED.team, claim.team],
    [CARRIED.step, claim.step],
    [CARRIED.digest, digest],
  ];
  for (const [key, value] of flat) {
    const stated = member(key);
    agree(stated === undefined || stated === value, `${key} is not what the claim says`);
  }
  return { claim, digest };
}

function decodeMember(encoded: JsonValue | undefined, known: KnownClaims | undefined): ReadMark {
  const mark = typeof encoded === 'string' ? readEncodedClaim(encoded, known) : undefined;
  return mark ?? fail('payload-inconsistent', `${CARRIED.encoded} is not unpadded base64url`);
}

function isOnlyDigest(digest: Readonly<Record<string, string>> | undefined, hex: string): boolean {
  return digest !== undefined && Object.keys(digest).length === 1 && digest['sha256'] === hex;
}

function agree(holds: boolean, problem: string): void {
  if (!holds) fail('payload-inconsistent', problem);
}

type Keys = readonly { readonly path: readonly string[]; readonly known: readonly string[] }[];

const PAYLOAD_KEYS: Keys = [
  { path: [], known: ['critical', 'optional'] },
  { path: ['critical'], known: ['identity', 'image', 'type'] },
  { path: ['critical', 'identity'], known: ['docker-reference'] },
  { path: ['critical', 'image'], known: ['docker-manifest-digest'] },
];
const STATEMENT_KEYS: Keys = [{ path: [], known: ['_type', 'subject', 'predicateType', 'predicate'] }];

/**
 * Parses, and on failure tells apart what readers could read differently (duplicate keys, keys that differ in case only,
 * text that is no strict JSON) from what is merely not the expected form.
 */
function strictly<T>(bytes: Uint8Array, formatCode: ReasonCode, parse: () => T, keys: Keys): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof TouchmarkError) || error.code !== formatCode) throw error;
    const code = 'payload-ambiguous';
    const value = parseJson(bytes, 'the payload', { code, maxSize: LIMITS.payloadSize });
    for (const { path, known } of keys) {
      let field = new Field(value, 'payload', code);
      for (const key of path)
        field = isObject(field.value) ? field.get(key) : new Field(undefined, key, code);
      if (isObject(field.value)) field.onlyKeys(known);
    }
    return fail('payload-inconsistent', error.message);
  }
}

function isObject(value: JsonValue | undefined): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
