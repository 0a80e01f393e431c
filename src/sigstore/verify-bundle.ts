import type { PublicKey } from '../crypto/index.js';
import type { SigstoreBundle } from './bundle.js';
import { type BundleResult, type EvidenceOutcome, Trial, type VerifiedSigner } from './bundle-result.js';
import type { Certificate } from './certificate.js';
import { isProblem, type Problem, problem, readCertificate } from './certificate-chain.js';
import { checkIssued, checkPublished, checkSubject } from './certificate-evidence.js';
import { contains } from './interval.js';
import { checkLogEntry, type LogEvidence } from './log-evidence.js';
import type { HashName } from './signature-algorithm.js';
import { checkArtifact, checkContentSignature, digestOf } from './signed-content.js';
import { checkTimestamp, type TimestampEvidence } from './timestamp-evidence.js';
import type { TrustedRoot } from './trusted-root.js';
import { type BundlePolicy, requirePolicy } from './verify-policy.js';
import { checkSources, distinctSources, enough, momentsOf, vouchedTimes } from './vouched-times.js';

/**
 * Verifies a bundle against a trusted root and a policy. Pure: no clock, no network; the same arguments give the same result.
 *
 * Entries of unknown logs and timestamps of unknown authorities do not count. An entry that names a trusted log and is not true, or
 * is about another signature, refuses the bundle: somebody made it.
 * @throws TouchmarkError `usage-argument` for a policy that cannot be decided; never for a bundle that is not good
 */
export async function verifyBundle(
  bundle: SigstoreBundle,
  root: TrustedRoot,
  policy: BundlePolicy,
): Promise<BundleResult> {
  requirePolicy(policy);
  const trial = new Trial();
  const signer = signerOf(bundle, policy);
  if (isProblem(signer)) return trial.refuse('signer', signer);
  trial.step('signer', undefined);
  const forged = await checkContentSignature(bundle, signer.key, policy.artifact);
  if (forged !== undefined) return trial.refuse('signature', forged);
  trial.step('signature', undefined);
  const about = checkArtifact(bundle.content, policy.artifact, policy.predicateTypes);
  if (isProblem(about)) return trial.refuse('artifact', about);
  trial.step('artifact', undefined);

  const stamps = bundle.timestamps.map(stamp =>
    checkTimestamp(stamp, bundle.signature, root.timestampAuthorities),
  );
  trial.timestamps = stamps.map(asOutcome);
  const stamped = stamps.filter((stamp): stamp is TimestampEvidence => !isProblem(stamp));
  const entries = checkEntries(bundle, signer, root, policy, stamped);
  trial.logEntries = entries.map(entry => asOutcome(isProblem(entry) ? entry : shown(entry)));
  const logged = entries.filter((entry): entry is LogEvidence => !isProblem(entry));
  const unlogged = trial.step('logs', checkLogs(entries, logged, policy));
  if (unlogged !== undefined) return unlogged;

  const times = vouchedTimes(logged, stamped);
  const moments = momentsOf(times, policy);
  const untimely = trial.step('time', checkSources(times, policy) ?? checkKeyTime(moments, policy));
  if (untimely !== undefined) return untimely;
  const verified = judgeSigner(signer, moments, root, policy, trial);
  if ('ok' in verified) return verified;
  return trial.accept({ signer: verified, times: distinctSources(times), statement: about.statement });
}

interface Signer {
  readonly key: PublicKey;
  readonly certificate: Certificate | undefined;
}

/** A key was asked for and a certificate came, or the reverse: neither stands in for the other. */
function signerOf(bundle: SigstoreBundle, policy: BundlePolicy): Signer | Problem {
  const asked = policy.signer.kind === 'key' ? 'key' : 'certificate';
  if (bundle.signer.kind !== asked)
    return problem(
      'signer-kind-mismatch',
      `the bundle is signed with a ${bundle.signer.kind}, not with a ${asked}`,
    );
  if (policy.signer.kind === 'key') return { key: policy.signer.key, certificate: undefined };
  const certificate = readCertificate(
    bundle.signer.kind === 'key' ? new Uint8Array() : bundle.signer.certificate,
  );
  return isProblem(certificate) ? certificate : { key: certificate.publicKey, certificate };
}

function checkEntries(
  { logEntries, version, signature, content }: SigstoreBundle,
  { certificate, key }: Signer,
  root: TrustedRoot,
  { artifact }: BundlePolicy,
  stamped: readonly TimestampEvidence[],
): readonly (LogEvidence | Problem)[] {
  const facts = {
    signature,
    verifier: certificate?.der ?? key.spki,
    digest: (of: 'payload' | 'signed', hash: HashName) => digestOf(of, hash, content, artifact),
  };
  const moments = stamped.map(({ time }) => time);
  const seen = new Set<string>();
  return logEntries.map(entry => {
    const place = `${entry.logId} ${entry.logIndex}`;
    if (seen.has(place)) return problem('log-entry-repeated', 'the bundle holds one log entry twice');
    seen.add(place);
    return checkLogEntry(entry, version, facts, root.transparencyLogs, moments);
  });
}

function checkLogs(
  entries: readonly (LogEvidence | Problem)[],
  logged: readonly LogEvidence[],
  policy: BundlePolicy,
): Problem | undefined {
  const untrue = entries.filter(isProblem).find(({ code }) => code !== 'log-unknown');
  const logs = new Set(logged.map(({ log }) => log.publicKey.keyid));
  return untrue ?? enough('log-threshold-not-met', logs.size, policy.logs, 'logs');
}

function checkKeyTime(moments: readonly number[], { signer }: BundlePolicy): Problem | undefined {
  const validFor = signer.kind === 'key' ? signer.validFor : undefined;
  return validFor !== undefined && !moments.every(moment => contains(validFor, moment))
    ? problem('certificate-expired', 'the key was not valid when the signature was made')
    : undefined;
}

/** The steps that only certificates need. */
function judgeSigner(
  { key, certificate }: Signer,
  moments: readonly number[],
  root: TrustedRoot,
  policy: BundlePolicy,
  trial: Trial,
): VerifiedSigner | BundleResult {
  if (certificate === undefined || policy.signer.kind === 'key') return { kind: 'key', keyid: key.keyid };
  const paths = checkIssued(certificate, root, moments);
  if (isProblem(paths)) return trial.refuse('certificate', paths);
  trial.step('certificate', undefined);
  const secret = trial.step(
    'certificate-logs',
    checkPublished(certificate, paths, root, policy.certificateLogs ?? 1),
  );
  if (secret !== undefined) return secret;
  const identity = checkSubject(certificate, policy.signer.anyOf);
  if (isProblem(identity)) return trial.refuse('identity', identity);
  trial.step('identity', undefined);
  return { kind: 'identity', certificate: certificate.der, ...identity };
}

function asOutcome<T extends object>(evidence: T | Problem): EvidenceOutcome<T> {
  return isProblem(evidence) ? { ok: false, ...evidence } : { ok: true, ...evidence };
}

function shown({ log, logIndex }: LogEvidence): { readonly log: string; readonly logIndex: string } {
  return { log: log.logId, logIndex };
}
