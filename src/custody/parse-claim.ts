import { utf8 } from '../base/bytes.js';
import type { ReasonCode } from '../base/codes.js';
import { computeDigest, type Digest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import { Field } from '../base/fields.js';
import { type JsonValue, parseJson } from '../base/json.js';
import { LIMITS } from '../base/limits.js';
import { parseRepository } from '../oci/reference.js';
import { CLAIM_KINDS, CLAIM_VERSION, type Claim, type ClaimKind, isContentClaim } from './claim.js';
import { canonicalJson } from './claim-digest.js';
import * as part from './claim-parts.js';

const MALFORMED: ReasonCode = 'payload-inconsistent';

const ALWAYS = ['v', 'kind', 'team', 'step', 'repo', 'time'];
const MAY = ['expires', 'policy', 'evidence'];
const PLACED = ['seq', 'platform', 'subject', 'span', 'layers', 'chain'];

/** Which members each kind must have and may have (CUSTODY.md 3.1). Reserved kinds have no form yet. */
const MEMBERS: Readonly<
  Record<string, { readonly must: readonly string[]; readonly may: readonly string[] }>
> = {
  add: { must: PLACED, may: ['base', 'prev', 'saw', 'checked', 'seals', 'next', 'inputs'] },
  config: { must: PLACED, may: ['base', 'prev', 'saw', 'checked', 'seals', 'next', 'inputs'] },
  adopt: { must: [...PLACED, 'inputs'], may: ['seals', 'next', 'checked'] },
  approve: { must: [...PLACED, 'prev'], may: ['saw', 'checked'] },
  withdraw: { must: ['subject', 'prev'], may: [] },
  index: { must: ['subject', 'children'], may: [] },
};

const KNOWN = [
  ...new Set([...ALWAYS, ...MAY, ...Object.values(MEMBERS).flatMap(({ must, may }) => [...must, ...may])]),
];

/**
 * Parses a claim, from its own bytes or from where it stood in a document that was parsed strictly already. Nothing is
 * filled in and nothing dropped: the value that comes back is the document, so its digest is that of what was read.
 *
 * @throws TouchmarkError
 * `payload-ambiguous` JSON that readers could take differently; `payload-inconsistent` not the form of a claim;
 * `claim-version-unsupported`; `kind-invalid` members that do not fit the kind; `kind-denied` a reserved kind;
 * `digest-invalid`; `limit-exceeded`
 */
export function parseClaim(source: Uint8Array | JsonValue): Claim {
  return readClaim(source).claim;
}

export interface ReadClaim {
  readonly claim: Claim;
  readonly digest: Digest;
}

/** Claims that were read, by their canonical text: every carrier and co-signer brings the same one again. */
export type KnownClaims = Map<string, ReadClaim>;

/** As {@link parseClaim}, with the digest. What is canonically the same as a claim in `known` is that claim. */
export function readClaim(source: Uint8Array | JsonValue, known: KnownClaims = new Map()): ReadClaim {
  const value =
    source instanceof Uint8Array
      ? parseJson(source, 'the claim', {
          code: 'payload-ambiguous',
          maxSize: LIMITS.claimSize,
          maxDepth: LIMITS.claimDepth,
        })
      : source;
  part.checkPlain(value, 'claim', MALFORMED);
  const text = canonicalJson(value);
  const same = known.get(text);
  if (same) return same;
  const field = new Field(value, 'claim', MALFORMED);
  if (field.get('v').value !== CLAIM_VERSION) {
    fail(
      'claim-version-unsupported',
      `the claim has version ${JSON.stringify(field.get('v').value ?? null).slice(0, 20)}`,
      {
        hint: `this tool reads version ${CLAIM_VERSION}; a newer one may read more`,
      },
    );
  }
  checkMembers(field, part.oneOf(field.get('kind'), CLAIM_KINDS, 'kind-invalid'));
  part.checkName(field.get('team'));
  part.checkName(field.get('step'));
  checkRepository(field.get('repo'));
  part.checkTime(field.get('time'));
  if (field.get('expires').present) part.checkTime(field.get('expires'));
  if (field.get('policy').present) part.checkPolicy(field.get('policy'));
  part.each(field.get('evidence'), part.checkEvidence);
  checkKind(field);
  const bytes = utf8(text);
  if (bytes.length > LIMITS.claimSize)
    fail('limit-exceeded', `the claim has ${bytes.length} bytes; at most ${LIMITS.claimSize} are read`);
  const read = { claim: value as unknown as Claim, digest: computeDigest(bytes) };
  known.set(text, read);
  return read;
}

function checkMembers(field: Field, kind: ClaimKind): void {
  const members = MEMBERS[kind] ?? fail('kind-denied', `claims of kind ${kind} are not accepted yet`);
  const object = field.object();
  const unknown = Object.keys(object).filter(key => !KNOWN.includes(key) && !key.startsWith('x-'));
  if (unknown[0] !== undefined)
    field.fail(`has the unknown key ${JSON.stringify(unknown[0].slice(0, 60))}; extensions begin with x-`);
  const allowed = [...ALWAYS, ...MAY, ...members.must, ...members.may];
  const misplaced = KNOWN.find(key => object[key] !== undefined && !allowed.includes(key));
  if (misplaced) fail('kind-invalid', `a claim of kind ${kind} cannot have ${misplaced}`);
  const missing = [...ALWAYS, ...members.must].find(key => object[key] === undefined);
  if (missing) fail('kind-invalid', `a claim of kind ${kind} must have ${missing}`);
}

function checkKind(field: Field): void {
  const claim = field.value as unknown as Claim;
  const subject = field.get('subject');
  if (claim.kind === 'withdraw') {
    subject.onlyKeys(['manifest', 'config'], true);
    part.checkDescriptor(subject.get('manifest'));
    if (subject.get('config').present) part.checkDescriptor(subject.get('config'));
    part.checkLink(field.get('prev'));
    return;
  }
  if (claim.kind === 'index') {
    part.checkDescriptor(subject.onlyKeys(['manifest'], true).get('manifest'));
    part.checkChildren(field.get('children'));
    return;
  }
  part.checkPlaced(field);
  const { from, to } = claim.span;
  const wrong = (problem: string): never =>
    fail('kind-invalid', `a claim of kind ${claim.kind} must ${problem}`);
  if ((claim.kind === 'add' || claim.kind === 'adopt') && to === from) wrong('have layers in its span');
  if ((claim.kind === 'config' || claim.kind === 'approve') && to !== from)
    wrong('have an empty span: it adds no layers');
  if (claim.kind === 'adopt' && (claim.seq !== 0 || from !== 0)) wrong('begin a chain, at layer 0');
  if (isContentClaim(claim)) part.checkContent(field);
}

function checkRepository(field: Field): void {
  const text = field.string(255);
  try {
    parseRepository(text);
  } catch {
    field.fail(`is not a repository: ${JSON.stringify(text)}`);
  }
}

/** Reads a claim written by `encodeClaim`; undefined when the text is not unpadded base64url. @throws as {@link parseClaim} */
export function decodeClaim(text: string): Claim | undefined {
  return readEncodedClaim(text)?.claim;
}

/** As {@link decodeClaim}, with the digest. */
export function readEncodedClaim(text: string, known?: KnownClaims): ReadClaim | undefined {
  if (text.length > Math.ceil((LIMITS.claimSize * 4) / 3))
    fail('limit-exceeded', `the encoded claim has ${text.length} characters`);
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? readClaim(new Uint8Array(bytes), known) : undefined;
}
