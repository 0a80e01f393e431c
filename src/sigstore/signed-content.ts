import { equalBytes } from '../base/bytes.js';
import { fail } from '../base/errors.js';
import { checkSignature, type PublicKey } from '../crypto/index.js';
import { IN_TOTO_PAYLOAD_TYPE, preAuthEncoding } from '../signature/dsse.js';
import { parseStatement, STATEMENT_TYPE, type Statement } from '../signature/statement.js';
import type { BundleContent, SigstoreBundle } from './bundle.js';
import { asProblem, isProblem, type Problem, problem } from './certificate-chain.js';
import { type HashName, hashBytes } from './signature-algorithm.js';

/** What is verified to be signed: an image's manifest, or a file. */
export interface Artifact {
  /** Lower-case hex by algorithm; one is enough. Computed instead where the file itself is there. */
  readonly digests: Readonly<Partial<Record<HashName, string>>>;
  /** The file itself. Without it, signatures over a file are verified from its digest, which Ed25519 does not allow. */
  readonly bytes?: Uint8Array;
}

/** Statements that count. `any` is for callers that judge the type themselves. */
export type PredicateTypes = readonly string[] | 'any';

const STATEMENT_TYPES: readonly string[] = [STATEMENT_TYPE, 'https://in-toto.io/Statement/v0.1'];

/** The digest under this algorithm of what a signature is over, or of the payload in its envelope; undefined if not known. */
export function digestOf(
  of: 'payload' | 'signed',
  algorithm: HashName,
  content: BundleContent,
  artifact: Artifact,
): Uint8Array | undefined {
  if (content.kind === 'envelope') {
    const { payloadType, payload } = content;
    return hashBytes(algorithm, of === 'payload' ? payload : preAuthEncoding(payloadType, payload));
  }
  return of === 'signed' ? artifactDigest(artifact, algorithm) : undefined;
}

/** Computed where the file is there; else as the caller has it. */
function artifactDigest({ bytes, digests }: Artifact, algorithm: HashName): Uint8Array | undefined {
  if (bytes !== undefined) return hashBytes(algorithm, bytes);
  const hex = digests[algorithm];
  return hex === undefined ? undefined : Buffer.from(hex, 'hex');
}

/**
 * Is the bundle's signature one by this key over its content?
 * @throws TouchmarkError `usage-argument` when that takes the file and there is only a digest
 */
export async function checkContentSignature(
  { content, signature }: Pick<SigstoreBundle, 'content' | 'signature'>,
  key: PublicKey,
  artifact: Artifact,
): Promise<Problem | undefined> {
  const holds =
    content.kind === 'envelope'
      ? (await checkSignature(key, preAuthEncoding(content.payloadType, content.payload), signature)) !==
        undefined
      : await checkFileSignature(key, artifact, signature);
  return holds
    ? undefined
    : problem('sig-no-match', 'the signature is not one that the signer made over this content');
}

async function checkFileSignature(
  key: PublicKey,
  artifact: Artifact,
  signature: Uint8Array,
): Promise<boolean> {
  if (artifact.bytes !== undefined)
    return (await checkSignature(key, artifact.bytes, signature)) !== undefined;
  if (key.kind === 'ed25519')
    return fail('usage-argument', 'a signature by an Ed25519 key can only be checked with the file itself', {
      hint: 'give the file instead of its digest',
    });
  const { checkDigestPortably } = await import('../crypto/portable.js');
  return (['sha256', 'sha384', 'sha512'] as const).some(algorithm => {
    const digest = artifactDigest(artifact, algorithm);
    return digest !== undefined && checkDigestPortably(key, algorithm, digest, signature);
  });
}

/**
 * Is the signed content about this artifact, and of a type that counts? A statement is about all that it names; it must agree with
 * every digest of the artifact that both know, and with one at least.
 */
export function checkArtifact(
  content: BundleContent,
  artifact: Artifact,
  predicateTypes: PredicateTypes,
): { readonly statement: Statement | undefined } | Problem {
  if (content.kind === 'message') {
    const { digest } = content;
    const actual = digest && artifactDigest(artifact, digest.algorithm);
    return digest && actual && !equalBytes(actual, digest.value)
      ? problem('sig-wrong-digest', 'the signer named another digest than that of this file')
      : { statement: undefined };
  }
  if (content.payloadType !== IN_TOTO_PAYLOAD_TYPE)
    return problem(
      'sig-wrong-type',
      `the envelope holds ${JSON.stringify(content.payloadType)}, not a statement`,
    );
  const statement = asProblem(() => parseStatement(content.payload));
  if (isProblem(statement)) return statement;
  if (!STATEMENT_TYPES.includes(statement.type))
    return problem('sig-wrong-type', `the statement is of the type ${JSON.stringify(statement.type)}`);
  if (predicateTypes !== 'any' && !predicateTypes.includes(statement.predicateType))
    return problem(
      'sig-wrong-type',
      `the statement says ${JSON.stringify(statement.predicateType)} of its subject`,
    );
  return statement.subjects.some(({ digest }) => names(digest, artifact))
    ? { statement }
    : problem('sig-wrong-digest', 'the statement is about something else');
}

function names(digest: Readonly<Record<string, string>>, artifact: Artifact): boolean {
  const both = (['sha256', 'sha384', 'sha512'] as const).flatMap(algorithm => {
    const actual = digest[algorithm] === undefined ? undefined : artifactDigest(artifact, algorithm);
    return actual === undefined ? [] : [Buffer.from(actual).toString('hex') === digest[algorithm]];
  });
  return both.length > 0 && both.every(same => same);
}
