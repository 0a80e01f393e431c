import type { ReasonCode } from '../base/codes.js';
import type { Authenticated, FoundMark } from './authenticate.js';
import { doubt, type Finding, warning } from './finding.js';
import type { Image } from './image.js';
import type { JudgedHead } from './judge-head.js';
import type { Ledger } from './ledger.js';
import type { KeyRing } from './signers.js';
import { type Link, whereOf } from './walk.js';
import { findWeakSignatures } from './weak-signatures.js';

export interface UnreadSource {
  readonly source: string;
  readonly code: ReasonCode;
  readonly message: string;
}

/** Codes for which a mark that could not be read, or was not seen, may be the cause. */
const ABSENCES: readonly ReasonCode[] = [
  'no-marks',
  'subject-mismatch',
  'prev-missing',
  'threshold-not-met',
  'key-retired',
  'key-revoked',
  'mark-missing',
  'key-not-authorised',
  'approval-missing',
  'approval-order',
  'config-unavailable',
];

/** Codes that speak of a mark which its team may have made anew since, where nobody could look, or may rest on one. */
const RENEWABLE: readonly ReasonCode[] = [
  'mark-stale',
  'mark-expired',
  'mark-withdrawn',
  'base-withdrawn',
  'mark-unlisted',
  'base-behind',
  'unchecked-step',
  'policy-predicate',
];

/**
 * Where something is missing, marks that could not be read are the better explanation, and places that could not be
 * looked into make the no an open question. Where nothing is missing they change nothing.
 */
export function explainAbsence(
  findings: readonly Finding[],
  { broken, unverified }: Authenticated,
  ring: KeyRing,
  unread: readonly UnreadSource[],
): readonly Finding[] {
  const breaksOff = findings.some(({ code }) => code === 'prev-missing');
  // For an approval that does not count another may lie there; and how a chain began that breaks off nobody has seen.
  const isAbsence = ({ code, severity, where }: Finding) =>
    severity !== 'warning' &&
    (ABSENCES.includes(code) || where.startsWith('approval ') || (breaksOff && code === 'step-missing'));
  const hidden = unread.map(({ source, code, message }) => doubt(code, source, message));
  const isOpen = (finding: Finding) =>
    isAbsence(finding) ||
    (unread.length > 0 && finding.severity !== 'warning' && RENEWABLE.includes(finding.code));
  if (!findings.some(isOpen)) {
    return [
      ...findings,
      ...[...broken, ...hidden].map(found => ({ ...found, severity: 'warning' as const })),
    ];
  }
  const weak = findWeakSignatures(unverified, ring);
  const better = [...broken, ...weak];
  const kept = better.length > 0 ? findings.filter(({ code }) => code !== 'no-marks') : findings;
  if (hidden.length === 0) return [...kept, ...better];
  return [
    ...kept.map(found => (isOpen(found) ? { ...found, severity: 'indeterminate' as const } : found)),
    ...better.map(found => ({ ...found, severity: 'warning' as const })),
    ...hidden,
  ];
}

/** Marks of another image that lie on this one: lifted, or left behind by a tool. */
export function findLifted(ledger: Ledger, image: Image, best: JudgedHead | undefined): readonly Finding[] {
  const own = [image.descriptor.digest, best?.head.claim.subject.manifest.digest];
  return [...ledger.content, ...ledger.approvals]
    .filter(({ attached, claim }) => attached.size > 0 && !own.includes(claim.subject.manifest.digest))
    .map(record => {
      const message = `is about ${record.claim.subject.manifest.digest}, another image; it counts for nothing here`;
      return warning('mark-other-subject', record.source, message);
    });
}

/** cosign 3 looks at no `.sig` once any bundle refers to the image. A bundle that only the artifact has shown so far is there too. */
export function findShadowed(head: Link, marks: readonly FoundMark[]): readonly Finding[] {
  const shadowed =
    head.attached.has('simplesigning') &&
    !head.carriers.has('bundle') &&
    marks.some(({ place, carrier }) => place === 'attached' && carrier === 'bundle');
  if (!shadowed) return [];
  const message = `${whereOf(head)} is there as a .sig only, and cosign 3 ignores that beside a bundle`;
  return [warning('carrier-shadowed', 'image', message, 'publish the mark in both carriers')];
}
