import type { Certificate } from './certificate.js';
import {
  asProblem,
  checkTime,
  findPaths,
  isProblem,
  type Path,
  type Problem,
  problem,
} from './certificate-chain.js';
import { type CertificateIdentity, identityOf } from './certificate-identity.js';
import { PURPOSE } from './certificate-usage.js';
import { checkIdentity, type IdentityRule } from './identity-rule.js';
import { findPromisingLogs } from './signed-certificate-timestamp.js';
import type { TrustedRoot } from './trusted-root.js';
import { enough } from './vouched-times.js';

/** The ways from the certificate to a trusted authority that were good at every moment that is known, not at one of them. */
export function checkIssued(
  certificate: Certificate,
  root: TrustedRoot,
  moments: readonly number[],
): readonly Path[] | Problem {
  const paths = findPaths(certificate, PURPOSE.codeSigning, root.certificateAuthorities);
  if (isProblem(paths)) return paths;
  const valid = paths.filter(path => moments.every(moment => checkTime(path, moment)));
  return valid.length > 0
    ? valid
    : problem(
        'certificate-expired',
        'the certificate, or one that issued it, was not valid when the signature was made',
      );
}

/** Have enough certificate logs promised to publish the certificate, so that its subject can learn of it? */
export function checkPublished(
  certificate: Certificate,
  paths: readonly Path[],
  root: TrustedRoot,
  wanted: number,
): Problem | undefined {
  if (wanted === 0) return undefined;
  const found = asProblem(() => {
    const logs = paths.flatMap(({ certificates: [, issuer] }) =>
      issuer === undefined ? [] : [...findPromisingLogs(certificate, issuer, root.certificateLogs)],
    );
    return new Set(logs);
  });
  return isProblem(found) ? found : enough('sct-threshold-not-met', found.size, wanted, 'certificate logs');
}

/** Who the certificate is for, when that is one of those accepted. */
export function checkSubject(
  certificate: Certificate,
  rules: readonly IdentityRule[],
): CertificateIdentity | Problem {
  const identity = asProblem(() => identityOf(certificate));
  return isProblem(identity) ? identity : (checkIdentity(identity, rules) ?? identity);
}
