import { utf8 } from '../base/bytes.js';
import { digestHex } from '../base/digest.js';
import { fail } from '../base/errors.js';
import type { JsonValue } from '../base/json.js';
import { formatDockerReference } from '../oci/reference.js';
import { SIMPLE_SIGNING_TYPE } from '../signature/payload.js';
import { SIGN_PREDICATE_TYPE, STATEMENT_TYPE } from '../signature/statement.js';
import { type Claim, type ImageClaim, type IndexClaim, isImageClaim, type WithdrawClaim } from './claim.js';
import { claimDigest, encodeClaim } from './claim-digest.js';

/** Predicate type of statements whose subject is a claim. No signature of an image has it. */
export const CLAIM_PREDICATE_TYPE = 'https://touchmark.dev/custody/claim/v1';

/** Members of `optional`, and of the subject's annotations, that carry a claim. */
export const CARRIED = {
  claim: 'custody',
  /** The claim in base64url, for signers that can only add strings. */
  encoded: 'custody64',
  digest: 'custody.claim',
  team: 'custody.team',
  step: 'custody.step',
} as const;

/**
 * The simple-signing payload that carries a claim (CUSTODY.md 3.3). `creator` is a string and `timestamp` an integer,
 * or podman and skopeo refuse the signature.
 * @param creator the tool and its version, `touchmark/1.4.0`
 * @throws TouchmarkError `kind-invalid` for claims that do not sign an image
 */
export function serializeMarkPayload(claim: ImageClaim, creator: string): Uint8Array {
  requireImageClaim(claim);
  return utf8(
    JSON.stringify({
      critical: {
        identity: { 'docker-reference': formatDockerReference(claim.repo) },
        image: { 'docker-manifest-digest': claim.subject.manifest.digest },
        type: SIMPLE_SIGNING_TYPE,
      },
      optional: {
        creator,
        timestamp: Math.floor(Date.parse(claim.time) / 1000),
        ...carriedMembers(claim),
      },
    }),
  );
}

/**
 * The in-toto statement that carries a claim in the annotations of its one subject (CUSTODY.md 3.4). One subject only:
 * cosign accepts a statement for any of its subjects.
 * @throws TouchmarkError `kind-invalid` for claims that do not sign an image
 */
export function serializeMarkStatement(claim: ImageClaim): Uint8Array {
  requireImageClaim(claim);
  return serializeStatement(
    SIGN_PREDICATE_TYPE,
    {},
    {
      name: formatDockerReference(claim.repo),
      digest: { sha256: digestHex(claim.subject.manifest.digest) },
      annotations: carriedMembers(claim),
    },
  );
}

/**
 * The statement for a claim that is no signature of an image. Its subject is a claim - the one withdrawn, or the index
 * claim itself - and never an image: cosign looks at no predicate type and would take it for a yes.
 */
export function serializeClaimStatement(claim: WithdrawClaim | IndexClaim): Uint8Array {
  if (isImageClaim(claim))
    return fail('kind-invalid', `a claim of kind ${(claim as Claim).kind} is carried by a signature`);
  return serializeStatement(CLAIM_PREDICATE_TYPE, claim as unknown as JsonValue, {
    name: 'claim',
    digest: { sha256: digestHex(statementSubject(claim)) },
  });
}

/** What the statement about a negative or index claim must have as its subject. */
export function statementSubject(claim: WithdrawClaim | IndexClaim) {
  return claim.kind === 'withdraw' ? claim.prev.claim : claimDigest(claim);
}

/** Annotations with which a team that has only cosign makes a mark: `cosign sign -a KEY=VALUE …`. */
export function cosignAnnotations(claim: ImageClaim): Readonly<Record<string, string>> {
  requireImageClaim(claim);
  return {
    [CARRIED.team]: claim.team,
    [CARRIED.step]: claim.step,
    [CARRIED.digest]: claimDigest(claim),
    [CARRIED.encoded]: encodeClaim(claim),
  };
}

/** Flat strings beside the claim, so that cosign and admission controllers can filter on them. */
function carriedMembers(claim: ImageClaim): Record<string, unknown> {
  return {
    [CARRIED.team]: claim.team,
    [CARRIED.step]: claim.step,
    [CARRIED.digest]: claimDigest(claim),
    [CARRIED.claim]: claim,
  };
}

function serializeStatement(
  predicateType: string,
  predicate: JsonValue,
  subject: Readonly<Record<string, unknown>>,
): Uint8Array {
  return utf8(JSON.stringify({ _type: STATEMENT_TYPE, subject: [subject], predicateType, predicate }));
}

function requireImageClaim(claim: Claim): void {
  if (!isImageClaim(claim))
    fail('kind-invalid', `a claim of kind ${claim.kind} must not look like a signature of an image`);
}
