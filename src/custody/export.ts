import { utf8 } from '../base/bytes.js';
import { type Digest, digestAlgorithm, digestHex } from '../base/digest.js';
import { fail } from '../base/errors.js';
import { formatDockerReference } from '../oci/reference.js';
import { STATEMENT_TYPE } from '../signature/statement.js';
import { CLAIM_PREDICATE_TYPE } from './carriers.js';
import { type ImageClaim, isImageClaim } from './claim.js';
import type { TeamMark } from './team-marks.js';
import type { CustodyVerdict } from './verdict.js';

/** An in-toto statement about one claim, for tools that read those. Nobody has signed it: the claim was signed. */
export interface ExportedStatement {
  /** Of the claim. */
  readonly claim: Digest;
  /** One line of JSON in ASCII. */
  readonly text: string;
}

/**
 * The claims that a passing verdict stands on, as in-toto statements: the chain, base first, and behind it the approvals that
 * count. Each has met its threshold, so each is the word of its team; what else lies on the image is left out.
 *
 * @param marks what the verdict was reached with, already authenticated
 * @throws TouchmarkError the verdict's own code when it is no yes: without their signatures claims would look as good as any
 */
export function exportStatements(
  { code, chain, approvals }: CustodyVerdict,
  marks: readonly TeamMark[],
): readonly ExportedStatement[] {
  if (code !== null) fail(code, 'only the claims of a chain that holds are exported');
  const claims = new Map(marks.map(({ digest, claim }) => [digest, claim]));
  return [...chain, ...approvals].map(({ claim: digest }) => {
    const claim = claims.get(digest);
    if (!claim || !isImageClaim(claim)) return fail('internal', `the claim ${digest} is not among the marks`);
    return { claim: digest, text: toAscii(JSON.stringify(statementOf(claim))) };
  });
}

/** Exactly one subject: whoever signs the statement speaks about that image and no other. */
function statementOf(claim: ImageClaim): Readonly<Record<string, unknown>> {
  const { digest } = claim.subject.manifest;
  return {
    _type: STATEMENT_TYPE,
    subject: [
      { name: formatDockerReference(claim.repo), digest: { [digestAlgorithm(digest)]: digestHex(digest) } },
    ],
    predicateType: CLAIM_PREDICATE_TYPE,
    predicate: claim,
  };
}

/** The same JSON for every reader, and nothing in it that a terminal would act on. */
function toAscii(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Statements as JSON Lines. */
export function serializeStatements(statements: readonly ExportedStatement[]): Uint8Array {
  return utf8(statements.map(({ text }) => `${text}\n`).join(''));
}
