import type { Digest } from '../base/digest.js';
import { LIMITS } from '../base/limits.js';
import { type ApproveClaim, type Claim, type ContentClaim, isContentClaim } from '../custody/index.js';
import { formatPlatform } from '../oci/platform.js';
import type { CustodyPicture, ImageLayer, PictureFinding, PictureLink } from './custody-picture.js';
import { claimedLayers } from './custody-picture-of.js';
import { countOf } from './custody-words.js';

/** A claim as it was found. Nobody has verified its signatures: every word in it may be anybody's. */
export interface UnverifiedClaim {
  readonly claim: Claim;
  readonly digest: Digest;
  /** Keys that the signatures point to, hex; may be empty. */
  readonly keyids: readonly string[];
}

export interface ClaimedImage {
  readonly repository: string | null;
  readonly manifest: Digest;
  readonly layers: readonly ImageLayer[];
  readonly claims: readonly UnverifiedClaim[];
  readonly now: Date;
}

/** Approvals that are shown, the newest: anybody can attach more. */
const APPROVALS = 64;

type Found<C extends Claim> = UnverifiedClaim & { readonly claim: C };

/** What the claims on an image say, with every part of it marked as not verified. Of several stories the longest is told. */
export function pictureOfClaims(image: ClaimedImage): CustodyPicture {
  const byDigest = mergeSignatures(image.claims);
  const heads = [...byDigest.values()]
    .filter(isContent)
    .filter(({ claim }) => claim.subject.manifest.digest === image.manifest);
  const chains = heads.slice(0, LIMITS.chainHeads).map(head => follow(head, byDigest));
  const chain = chains.sort((a, b) => b.length - a.length)[0] ?? [];
  const links = chain.map((found): PictureLink => {
    const { kind, seq, span, subject, seals = [] } = found.claim;
    return {
      ...unverified(found, image.now),
      kind,
      seq,
      span: { from: span.from, to: span.to },
      manifest: subject.manifest.digest,
      seals,
    };
  });
  const head = chain.at(-1);
  const on = new Set(links.map(({ claim }) => claim));
  const approvals = [...byDigest.values()]
    .filter(isApproval)
    .filter(({ claim }) => on.has(claim.prev.claim))
    .sort((a, b) => Date.parse(b.claim.time) - Date.parse(a.claim.time));
  const withdrawn = new Set(
    [...byDigest.values()].flatMap(({ claim }) => (claim.kind === 'withdraw' ? [claim.prev.claim] : [])),
  );
  return {
    subject: {
      repository: image.repository,
      manifest: image.manifest,
      platform: head ? formatPlatform(head.claim.platform) : null,
    },
    state: 'unverified',
    code: null,
    level: null,
    policy: null,
    start: startOf(chain[0]),
    links: links.map(link => (withdrawn.has(link.claim) ? { ...link, codes: ['mark-withdrawn'] } : link)),
    approvals: approvals
      .slice(0, APPROVALS)
      .map(found => ({ ...unverified(found, image.now), on: found.claim.prev.claim })),
    layers: claimedLayers(links, image.layers, 'unverified'),
    findings: [
      ...links.filter(({ claim }) => withdrawn.has(claim)).map(noteWithdrawal),
      ...(heads.length > 1 ? [noteOtherHeads(heads.length - 1)] : []),
      ...(approvals.length > APPROVALS ? [noteLeftOut(approvals.length - APPROVALS)] : []),
    ],
  };
}

/** One claim comes once for each signature over it. */
function mergeSignatures(claims: readonly UnverifiedClaim[]): ReadonlyMap<Digest, UnverifiedClaim> {
  const merged = new Map<Digest, UnverifiedClaim>();
  for (const found of claims) {
    const keyids = new Set([...(merged.get(found.digest)?.keyids ?? []), ...found.keyids]);
    merged.set(found.digest, { ...found, keyids: [...keyids] });
  }
  return merged;
}

function noteOtherHeads(count: number): PictureFinding {
  const message = `${countOf(count, 'other claim')} about this image ${count === 1 ? 'is' : 'are'} not shown`;
  return { code: 'custody-ambiguous', severity: 'warning', where: 'image', message, hint: null };
}

function noteWithdrawal({ step, claim }: PictureLink): PictureFinding {
  const message = 'a withdrawal lies with the image; whether it counts was not verified';
  const where = `step ${step} (${claim.slice(0, 19)})`;
  return { code: 'mark-withdrawn', severity: 'warning', where, message, hint: null };
}

function noteLeftOut(count: number): PictureFinding {
  const message = `${count} older approvals are not shown`;
  return { code: 'limit-exceeded', severity: 'warning', where: 'image', message, hint: null };
}

function isContent(found: UnverifiedClaim): found is Found<ContentClaim> {
  return isContentClaim(found.claim);
}

function isApproval(found: UnverifiedClaim): found is Found<ApproveClaim> {
  return found.claim.kind === 'approve';
}

function follow(
  head: Found<ContentClaim>,
  claims: ReadonlyMap<Digest, UnverifiedClaim>,
): readonly Found<ContentClaim>[] {
  const chain = [head];
  for (let link = head; chain.length < LIMITS.chainLinks; ) {
    const below = link.claim.prev && claims.get(link.claim.prev.claim);
    if (!below || !isContent(below) || chain.includes(below)) break;
    chain.push(below);
    link = below;
  }
  return chain.reverse();
}

function startOf(first: Found<ContentClaim> | undefined): CustodyPicture['start'] {
  if (!first || first.claim.prev) return { kind: 'missing', name: first?.claim.prev?.step ?? null };
  if (first.claim.kind !== 'adopt') return { kind: 'scratch', name: null };
  const upstream = first.claim.inputs?.find(({ purpose }) => purpose === 'upstream');
  return { kind: 'upstream', name: upstream?.ref ?? null };
}

function unverified({ claim, digest, keyids }: UnverifiedClaim, now: Date) {
  const { team, step, time } = claim;
  const age = Math.floor((now.getTime() - Date.parse(time)) / 1000);
  return {
    claim: digest,
    team,
    step,
    signers: [],
    keyids,
    time,
    age,
    state: 'unverified' as const,
    codes: [],
  };
}
