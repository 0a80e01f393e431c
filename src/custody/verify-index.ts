import type { ReasonCode } from '../base/codes.js';
import type { Digest } from '../base/digest.js';
import type { Descriptor } from '../oci/descriptor.js';
import { rawManifest } from '../oci/manifest.js';
import { INDEX_TYPES } from '../oci/media-types.js';
import { formatPlatform, matchesPlatform } from '../oci/platform.js';
import type { FoundMark } from './authenticate.js';
import type { UnreadSource } from './explain.js';
import { concludeFrom, doubt, type Finding, failure, sortFindings, warning } from './finding.js';
import { type ManifestBytes, readManifest } from './image.js';
import { checkIndexClaims } from './index-claims.js';
import type { CustodyPolicy } from './policy.js';
import { applyTrust, type TrustFacts } from './trust.js';
import type { CustodyVerdict } from './verdict.js';

export interface IndexVerdict {
  readonly verdict: 'pass' | 'fail' | 'indeterminate';
  readonly code: ReasonCode | null;
  readonly index: Digest;
  /** In the order of the index; those that are no images left out. */
  readonly children: readonly CustodyVerdict[];
  readonly findings: readonly Finding[];
}

export interface VerifyIndexInput {
  readonly index: ManifestBytes;
  /** Verdicts by `verify`, each given the platform that the index has for the child (`indexPlatform`). */
  readonly children: readonly CustodyVerdict[];
  /** Those of the index itself: claims about it travel in its own custody artifact. */
  readonly marks: readonly FoundMark[];
  readonly policy: CustodyPolicy;
  readonly trust?: TrustFacts | undefined;
  /** What was found about the reference itself; it counts with the rest. */
  readonly about?: readonly Finding[];
  readonly now: Date;
  readonly tagGiven: boolean;
  /** Places that may hold marks of the index and could not be read. */
  readonly unread?: readonly UnreadSource[];
}

/**
 * Decides about an index: every image in it must pass, for nobody knows which one a machine will pick, and what teams claim
 * about the index as a whole must be so ({@link checkIndexClaims}). Nested indexes are refused. A child without a verdict was
 * not checked, which is no yes.
 */
export async function verifyIndex(input: VerifyIndexInput): Promise<IndexVerdict> {
  const { index, children, policy, trust, about = [], now, tagGiven } = input;
  const { descriptor } = rawManifest(index.mediaType, index.bytes);
  const { digest } = descriptor;
  const conclude = (found: readonly Finding[], judged: readonly CustodyVerdict[]): IndexVerdict => {
    const findings = sortFindings([...about, ...found]);
    return { ...concludeFrom(findings), index: digest, children: judged, findings };
  };
  const manifest = readManifest(index);
  if ('severity' in manifest) return conclude([manifest], []);
  if (manifest.kind !== 'index')
    return conclude([failure('manifest-unsupported', 'index', 'this is an image, not an index')], []);
  const runnable = manifest.manifests.filter(child => !isAttestation(child));
  // One image may be listed for two platforms and fit one of them: the worst that was found about it counts.
  const judged = runnable.map(child => {
    const about = children.filter(verdict => verdict.subject.manifest === child.digest);
    return about.find(({ verdict }) => verdict !== 'pass') ?? about[0];
  });
  const findings = runnable.flatMap((child, at) => judgeChild(child, judged[at]));
  const verdictOf = new Map(runnable.map((child, at) => [child, judged[at]]));
  const claims = await checkIndexClaims({
    index: descriptor,
    entries: manifest.manifests.map(entry => ({
      descriptor: entry,
      isAttestation: isAttestation(entry),
      verdict: verdictOf.get(entry),
    })),
    marks: input.marks,
    policy: applyTrust(policy, trust),
    trust,
    clock: { now, skew: policy.skew },
    unread: input.unread ?? [],
  });
  findings.push(...claims);
  if (runnable.length === 0)
    findings.push(failure('manifest-unsupported', 'index', 'the index holds no image'));
  if (tagGiven)
    findings.push(
      warning(
        'tag-unpinned',
        'index',
        `a tag can move; this verdict is about ${digest}`,
        'deploy the digest',
      ),
    );
  return conclude(
    findings,
    judged.filter(verdict => verdict !== undefined),
  );
}

/** BuildKit's attestation manifests. The annotation alone would let an image pass unchecked. */
export function isAttestation({ platform, annotations }: Descriptor): boolean {
  return (
    annotations?.['vnd.docker.reference.type'] !== undefined &&
    platform?.os === 'unknown' &&
    platform.architecture === 'unknown'
  );
}

function judgeChild(child: Descriptor, verdict: CustodyVerdict | undefined): readonly Finding[] {
  const platform = child.platform ? formatPlatform(child.platform) : 'no platform';
  const where = `image ${child.digest.slice(0, 19)} (${platform})`;
  if (INDEX_TYPES.includes(child.mediaType))
    return [failure('index-nested', where, 'is an index itself; one level is read')];
  if (verdict === undefined) return [doubt('layer-unavailable', where, 'was not checked')];
  if (verdict.verdict === 'pass') return checkPlatform(child, verdict, where);
  const first = verdict.findings[0];
  const code = verdict.code === 'no-marks' ? 'index-child-unmarked' : (verdict.code ?? 'internal');
  const make = verdict.verdict === 'fail' ? failure : doubt;
  return [make(code, where, first?.message ?? 'did not pass', first?.hint)];
}

/** One image may stand there for two platforms, and the verdict about it is that for the one it fits. */
function checkPlatform(
  { platform }: Descriptor,
  { subject }: CustodyVerdict,
  where: string,
): readonly Finding[] {
  if (!platform || (subject.platform && matchesPlatform(subject.platform, platform))) return [];
  const own = subject.platform ? formatPlatform(subject.platform) : 'no platform';
  return [failure('platform-mismatch', where, `is for ${own}`)];
}
