import type { Digest } from '../base/digest.js';
import { toTouchmarkError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { schemesOf } from '../crypto/algorithms.js';
import { KEY_KINDS, type PublicKey } from '../crypto/keys.js';
import { checkSignature } from '../crypto/verify.js';
import { preAuthEncoding } from '../signature/dsse.js';
import { isImageClaim } from './claim.js';
import { type Finding, failure, warning } from './finding.js';
import type { ClaimRecord } from './ledger.js';
import type { KnownClaims } from './parse-claim.js';
import type { MarkCarrier } from './policy.js';
import { readMark } from './read-mark.js';
import type { KeyOwner, KeyRing } from './signers.js';

/** A document and one signature over it, as found: nothing in it is trusted yet. */
export interface FoundMark {
  readonly carrier: MarkCarrier;
  /** Was it found on the image itself (`.sig`, referrer), or in a custody artifact, which brings ancestors' marks too? */
  readonly place: 'attached' | 'artifact';
  /** Where, for messages. */
  readonly source: string;
  /** The payload, or the statement of a DSSE envelope. What is verified is worked out from these very bytes. */
  readonly payload: Uint8Array;
  /** DSSE payload type; undefined for simple signing. */
  readonly payloadType: string | undefined;
  readonly signature: Uint8Array;
  /** Keyid of the key to try first. Unsigned: an order, not a decision. */
  readonly keyHint?: string | undefined;
}

export interface Authenticated {
  readonly records: ReadonlyMap<Digest, ClaimRecord>;
  /** Warnings about what does not count. */
  readonly findings: readonly Finding[];
  /** Signed by a team, yet unreadable as a mark: what may have been the missing piece. */
  readonly broken: readonly Finding[];
  /** By no key of any team. */
  readonly unverified: readonly FoundMark[];
}

/**
 * Verifies every signature with the keys of all teams, over the bytes as found; only then reads what was signed.
 * Marks of unknown keys and marks that cannot be read never take anything away from the others.
 * @param carriers those that signatures of images are accepted from; a withdrawal counts whatever the policy takes
 * @param indexed the team's listing says which claims stand: then a key of the past still says who made one
 */
export async function authenticateMarks(
  marks: readonly FoundMark[],
  ring: KeyRing,
  carriers: readonly MarkCarrier[],
  indexed = false,
): Promise<Authenticated> {
  const records = new Map<Digest, MutableRecord>();
  const findings: Finding[] = [];
  const broken: Finding[] = [];
  const unverified: FoundMark[] = [];
  const known: KnownClaims = new Map();
  for (const mark of marks) {
    if (mark.payload.length > LIMITS.payloadSize) {
      const message = `has ${mark.payload.length} bytes; at most ${LIMITS.payloadSize} are read`;
      broken.push(failure('limit-exceeded', mark.source, message));
      continue;
    }
    const owners = await findOwners(mark, ring);
    if (!owners) {
      unverified.push(mark);
      findings.push(
        warning(
          'mark-unverifiable',
          mark.source,
          'was not made by any key of the policy’s teams; it does not count',
        ),
      );
      continue;
    }
    try {
      const read = readMark(mark, known);
      if (read && isImageClaim(read.claim) && !carriers.includes(mark.carrier)) {
        findings.push(
          warning('mark-unverifiable', mark.source, `the policy takes no marks from ${mark.carrier}`),
        );
      } else if (read) addSignature(records, mark, read, owners, indexed);
    } catch (error) {
      const { code, message, hint } = toTouchmarkError(error);
      broken.push(failure(code, mark.source, `signed by ${owners[0]?.signer}: ${message}`, hint));
    }
  }
  return { records, findings, broken, unverified };
}

export async function findOwners(mark: FoundMark, ring: KeyRing): Promise<readonly KeyOwner[] | undefined> {
  const signed = signedBytesOf(mark);
  const first = ring.keys.filter(key => key.keyid === mark.keyHint);
  for (const key of [...first, ...ring.keys.filter(key => key.keyid !== mark.keyHint)]) {
    if (weaknessOf(key) === undefined && (await checkSignature(key, signed, mark.signature)))
      return ring.ownersOf.get(key.keyid);
  }
  return undefined;
}

/** What the signature of a mark is over. */
export function signedBytesOf(mark: FoundMark): Uint8Array {
  return mark.carrier === 'bundle' ? preAuthEncoding(mark.payloadType ?? '', mark.payload) : mark.payload;
}

/** A key that was put together by hand may be one that the key reader refuses. */
export function weaknessOf(key: PublicKey): string | undefined {
  if (!KEY_KINDS.includes(key.kind) || schemesOf(key.kind).length === 0)
    return `keys of kind ${key.kind} are not accepted`;
  const bits = key.keyObject.asymmetricKeyDetails?.modulusLength;
  if (key.kind.startsWith('rsa-') && key.kind !== `rsa-${bits}`)
    return `it has ${bits} bits and says ${key.kind}`;
  return undefined;
}

interface MutableRecord extends ClaimRecord {
  readonly signers: Map<string, KeyOwner>;
  readonly former: Map<string, KeyOwner>;
  readonly foreign: KeyOwner[];
  readonly attached: Set<MarkCarrier>;
  readonly carriers: Set<MarkCarrier>;
}

function addSignature(
  records: Map<Digest, MutableRecord>,
  mark: FoundMark,
  { claim, digest }: NonNullable<ReturnType<typeof readMark>>,
  owners: readonly KeyOwner[],
  indexed: boolean,
): void {
  const record: MutableRecord = records.get(digest) ?? {
    digest,
    claim,
    signers: new Map(),
    former: new Map(),
    foreign: [],
    attached: new Set(),
    carriers: new Set(),
    source: mark.source,
  };
  records.set(digest, record);
  record.carriers.add(mark.carrier);
  if (mark.place === 'attached') record.attached.add(mark.carrier);
  const own = owners.find(owner => owner.team === claim.team);
  if (!own) record.foreign.push(...owners);
  else if (own.standing === 'current') {
    record.signers.set(own.identity, own);
    record.former.delete(own.identity);
  } else if (!record.signers.has(own.identity)) {
    (indexed ? record.signers : record.former).set(own.identity, own);
  }
}
