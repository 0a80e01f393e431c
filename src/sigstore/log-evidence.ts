import { equalBytes, toBase64, utf8 } from '../base/bytes.js';
import type { InclusionProof, LogEntry, SigstoreBundle } from './bundle.js';
import { asProblem, isProblem, type Problem, problem } from './certificate-chain.js';
import { leafHash, rootFromProof } from './inclusion.js';
import { contains } from './interval.js';
import { isTileLogEntry, parseLogBody } from './log-body.js';
import { type HashName, isSigned } from './signature-algorithm.js';
import { type Checkpoint, parseCheckpoint } from './signed-note.js';
import type { TransparencyLog } from './trusted-root.js';

/** What an entry must be about: the bundle's own signature, its signer, and what it signed. */
export interface LoggedFacts {
  readonly signature: Uint8Array;
  /** DER of the signer's certificate or key. */
  readonly verifier: Uint8Array;
  /** Of the envelope's payload, or of all that is signed; undefined when it cannot be known. */
  digest(of: 'payload' | 'signed', algorithm: HashName): Uint8Array | undefined;
}

/** An entry that a trusted log has, and what that proves. */
export interface LogEvidence {
  readonly log: TransparencyLog;
  readonly logIndex: string;
  /** Milliseconds since 1970 at which the log took it in; undefined where nothing signed vouches for a time. */
  readonly time: number | undefined;
}

/**
 * Does a trusted log have this entry, and is it about this bundle? An entry of a valid log proves nothing about another signature.
 * @param moments times at which the signature existed, from elsewhere: the key of a log counts only while it is trusted
 */
export function checkLogEntry(
  entry: LogEntry,
  version: SigstoreBundle['version'],
  facts: LoggedFacts,
  logs: readonly TransparencyLog[],
  moments: readonly number[],
): LogEvidence | Problem {
  const known = logs.filter(log => log.logId === entry.logId);
  if (known.length === 0) return problem('log-unknown', `log ${entry.logId} is not in the trusted root`);
  const tiles = isTileLogEntry(entry);
  const promised = !tiles && entry.promise !== undefined && entry.integratedTime !== undefined;
  if (version === '0.1' && !tiles && !promised)
    return problem('log-promise-missing', 'a bundle of version 0.1 needs the promise of its log');
  if ((version !== '0.1' || tiles) && entry.proof === undefined)
    return problem(
      'log-proof-missing',
      `a bundle of version ${version} needs the proof that its log has the entry`,
    );
  const times = promised && entry.integratedTime !== undefined ? [entry.integratedTime * 1000] : moments;
  const log = known.find(
    ({ validFor }) => times.length === 0 || times.some(time => contains(validFor, time)),
  );
  if (log === undefined)
    return problem('log-time-implausible', 'the log was not trusted at the time of the entry');
  const wrong =
    (promised ? checkPromise(entry, log) : undefined) ??
    (entry.proof ? checkInclusion(entry, entry.proof, log, tiles) : undefined) ??
    checkBody(entry, facts);
  return wrong ?? { log, logIndex: entry.logIndex, time: promised ? times[0] : undefined };
}

/** The signed entry timestamp: over four members in RFC 8785 form, which for these is spelled out. */
function checkPromise(entry: LogEntry, log: TransparencyLog): Problem | undefined {
  const signed = utf8(
    `{"body":"${toBase64(entry.body)}","integratedTime":${entry.integratedTime},` +
      `"logID":"${entry.logId}","logIndex":${entry.logIndex}}`,
  );
  return isSigned(log.publicKey, log.algorithm, signed, entry.promise ?? new Uint8Array())
    ? undefined
    : problem('log-promise-invalid', 'the promise is not one that the log signed for this entry and time');
}

function checkInclusion(
  entry: LogEntry,
  proof: InclusionProof,
  log: TransparencyLog,
  tiles: boolean,
): Problem | undefined {
  const checkpoint = asProblem(() => parseCheckpoint(proof.checkpoint));
  if (isProblem(checkpoint)) return problem('log-checkpoint-invalid', checkpoint.message);
  if (!isSignedByLog(checkpoint, log, tiles))
    return problem('log-checkpoint-invalid', 'the checkpoint is not signed by the log that has the entry');
  // Size and root are believed as the log signed them; what the proof says beside them must agree.
  if (proof.treeSize !== checkpoint.treeSize || !equalBytes(proof.rootHash, checkpoint.rootHash))
    return problem('log-proof-invalid', 'the proof is for another tree than its checkpoint');
  const root = rootFromProof(leafHash(entry.body), proof.leafIndex, checkpoint.treeSize, proof.hashes);
  return root && equalBytes(root, checkpoint.rootHash)
    ? undefined
    : problem('log-proof-invalid', 'the proof does not lead from the entry to the root of the tree');
}

/** Other signatures on a note are those of witnesses, or of keys to come; one by the log is needed. */
function isSignedByLog(checkpoint: Checkpoint, log: TransparencyLog, tiles: boolean): boolean {
  const host = hostOf(log.baseUrl);
  if (tiles && checkpoint.origin !== host) return false;
  return checkpoint.signatures.some(
    ({ name, keyHint, signature }) =>
      keyHint === log.noteKeyHint &&
      (!tiles || name === host) &&
      isSigned(log.publicKey, log.algorithm, checkpoint.signedText, signature),
  );
}

function hostOf(url: string): string {
  return /^[a-z]+:\/\/([^/?#:]+)/.exec(url)?.[1] ?? url;
}

function checkBody(entry: LogEntry, facts: LoggedFacts): Problem | undefined {
  const body = asProblem(() => parseLogBody(entry));
  if (isProblem(body)) return body;
  const other = (what: string) =>
    problem('log-entry-mismatch', `the log entry is about another ${what} than the bundle`);
  if (!equalBytes(body.signature, facts.signature)) return other('signature');
  if (!equalBytes(body.verifier, facts.verifier)) return other('certificate or key');
  const digest = facts.digest(body.digestOf, body.algorithm);
  return digest && equalBytes(body.digest, digest) ? undefined : other('content');
}
