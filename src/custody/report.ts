import { rawManifest } from '../oci/manifest.js';
import type { ImageFacts } from './facts.js';
import { concludeFrom, type Finding, sortFindings, warning } from './finding.js';
import type { Image } from './image.js';
import type { JudgedHead } from './judge-head.js';
import type { ClaimRecord } from './ledger.js';
import type { ApprovalEntry, ChainEntry, CustodyVerdict } from './verdict.js';
import type { VerifyInput } from './verify.js';
import type { Link } from './walk.js';

/** Puts together what was found; the findings alone decide. */
export function report(
  { policy, image: asked, now, tagGiven }: VerifyInput,
  image: Image | undefined,
  best: JudgedHead | undefined,
  findings: readonly Finding[],
  facts?: ImageFacts,
): CustodyVerdict {
  const { digest } = rawManifest(asked.manifest.mediaType, asked.manifest.bytes).descriptor;
  const unpinned = tagGiven
    ? [
        warning(
          'tag-unpinned',
          'image',
          `a tag can move; this verdict is about ${digest}`,
          'deploy the digest',
        ),
      ]
    : [];
  const all = sortFindings([...findings, ...unpinned]);
  const { verdict, code } = concludeFrom(all);
  const config = image?.config;
  return {
    verdict,
    code,
    level: best?.level ?? null,
    policy: { name: policy.name, version: policy.version, digest: policy.digest },
    subject: {
      repository: asked.repository ?? null,
      manifest: digest,
      config: image?.configDigest ?? null,
      platform: config
        ? {
            os: config.os,
            architecture: config.architecture,
            ...(config.variant && { variant: config.variant }),
          }
        : null,
      identity: best?.identity ?? 'manifest',
    },
    chain: (best?.chain.links ?? []).map(link => chainEntry(link, now)),
    approvals: [...(best?.approvals ?? [])].map(
      ([rule, record]): ApprovalEntry => ({
        ...signedEntry(record, now),
        rule,
        on: record.claim.prev.claim,
        evidence: record.claim.evidence ?? [],
      }),
    ),
    layers: best?.layers ?? [],
    findings: all,
    ...(facts && { facts }),
  };
}

function chainEntry(link: Link, now: Date): ChainEntry {
  const { kind, seq, span, subject, seals = [] } = link.claim;
  return {
    ...signedEntry(link, now),
    kind,
    seq,
    span: { from: span.from, to: span.to },
    manifest: subject.manifest.digest,
    seals,
  };
}

function signedEntry({ digest, claim, signers }: ClaimRecord, now: Date) {
  return {
    claim: digest,
    team: claim.team,
    step: claim.step,
    signers: [...signers.values()].map(({ signer }) => signer).sort(),
    time: claim.time,
    timeSource: 'claimed' as const,
    age: now.getTime() - Date.parse(claim.time),
  };
}
