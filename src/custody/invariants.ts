import type { Digest } from '../base/digest.js';
import type { Platform } from '../oci/descriptor.js';
import { formatPlatform, matchesPlatform } from '../oci/platform.js';
import { extendChain } from './chain-id.js';
import type { Claim, ContentClaim } from './claim.js';
import { type Finding, failure } from './finding.js';
import type { Image } from './image.js';
import { type Ledger, nameOf } from './ledger.js';
import { type Chain, type Link, whereOf } from './walk.js';

/**
 * What must hold along a chain, one function for each invariant of CUSTODY.md 5.3. Each returns what is wrong; nothing is
 * right by default. I1 is held by `readMark`, I12 for approvals by `approvals.ts`, I14 by `config-rules.ts`, I15 by `parseClaim`.
 */
export function checkInvariants(
  chain: Chain,
  image: Image,
  ledger: Ledger,
  clock: Clock,
): readonly Finding[] {
  const findings: Finding[] = [];
  chain.links.forEach((link, index) => {
    const prev = chain.links[index - 1];
    if (prev) {
      findings.push(...checkPrev(link, prev), ...checkBase(link, prev), ...checkAdjacent(link, prev));
      findings.push(
        ...checkChainBefore(link, prev),
        ...checkSamePlatform(link, prev),
        ...checkHandover(link, prev),
      );
    } else if (chain.complete) {
      findings.push(...checkStart(link));
    }
    findings.push(
      ...checkLayerList(link),
      ...checkChainAfter(link),
      ...checkTimes(link, prev, ledger, clock),
    );
  });
  const head = chain.links.at(-1);
  if (head) findings.push(...checkImagePlatform(head, image));
  if (chain.complete) findings.push(...checkCoverage(chain.links, image));
  return findings;
}

export interface Clock {
  readonly now: Date;
  /** Milliseconds by which clocks may disagree. */
  readonly skew: number;
}

/** I2: the head's subject is these very bytes, and its layers are stored there as it says. */
export function checkSubject(head: Link, image: Image): Finding[] {
  const { subject, layers } = head.claim;
  const bad = (problem: string) => [failure('subject-mismatch', whereOf(head), problem)];
  const same =
    subject.manifest.digest === image.descriptor.digest &&
    subject.manifest.size === image.descriptor.size &&
    subject.config.digest === image.configDigest &&
    subject.config.size === image.configSize;
  if (!same) return bad('the claim gives another size or config for this image');
  // A digest in a claim stands for the diffID beside it, so one that is not there would stand for bytes nobody has seen.
  const other = layers.find(({ i, digest, diffID }) => {
    const stored = image.manifest.layers[i];
    // What is another layer altogether is told by I10.
    return stored && stored.digest !== digest && image.config.diffIDs[i] === diffID;
  });
  return other ? bad(`the claim gives another digest for layer ${other.i} than this image`) : [];
}

/** I3: a chain begins at nothing. */
export function checkStart(link: Link): Finding[] {
  const { claim } = link;
  const bad = (problem: string) => [failure('chain-start-invalid', whereOf(link), problem)];
  if (claim.seq !== 0) return bad(`builds on nothing, and yet it is number ${claim.seq} of its chain`);
  if (claim.base !== undefined) return bad('names a base and no claim about it');
  if (claim.span.from !== 0) return bad(`begins at layer ${claim.span.from}; nobody answers for those below`);
  if (claim.chain.before !== 'empty') return bad('says that there are layers below the first one');
  return [];
}

/** I4: `prev` is the content claim one below, as named. */
export function checkPrev(link: Link, prev: Link): Finding[] {
  const { claim } = link;
  const bad = (problem: string) => [failure('prev-mismatch', whereOf(link), problem)];
  if (claim.seq !== prev.claim.seq + 1)
    return bad(`is number ${claim.seq} on top of number ${prev.claim.seq}`);
  if (claim.prev?.team !== prev.claim.team || claim.prev.step !== prev.claim.step)
    return bad(`says that it builds on ${claim.prev?.step}, but the claim is that of ${nameOf(prev.claim)}`);
  return [];
}

/** I5: the base is what the previous step made. */
export function checkBase(link: Link, prev: Link): Finding[] {
  const { base } = link.claim;
  const { subject, span } = prev.claim;
  const bad = (problem: string) => [failure('base-mismatch', whereOf(link), problem)];
  if (base === undefined) return bad('names no base');
  if (base.manifest !== subject.manifest.digest)
    return bad(`was built on ${base.manifest}, not on what ${nameOf(prev.claim)} made`);
  if (base.config !== subject.config.digest)
    return bad(`was built on another config than ${nameOf(prev.claim)} made`);
  if (base.layers !== span.to) return bad(`says its base has ${base.layers} layers; it has ${span.to}`);
  return [];
}

/** I6: spans touch. */
export function checkAdjacent(link: Link, prev: Link): Finding[] {
  const [from, to] = [link.claim.span.from, prev.claim.span.to];
  if (from > to) {
    const message = `nobody answers for layers ${to} to ${from - 1}`;
    return [failure('coverage-gap', whereOf(link), message)];
  }
  if (from === to) return [];
  const message = `claims layers ${from} to ${to - 1}, which belong to ${nameOf(prev.claim)} or below`;
  return [failure('coverage-overlap', whereOf(link), message)];
}

/** I7: one entry for each index of the span, ascending. */
export function checkLayerList(link: Link): Finding[] {
  const { span, layers } = link.claim;
  const fits = layers.length === span.to - span.from && layers.every(({ i }, at) => i === span.from + at);
  return fits
    ? []
    : [failure('layer-count-mismatch', whereOf(link), 'does not list each layer of its span once, in order')];
}

/** I8: it stands on the layers the previous step signed. */
export function checkChainBefore(link: Link, prev: Link): Finding[] {
  if (link.claim.chain.before === prev.claim.chain.after) return [];
  const message = `the layers it was built on are not those that ${nameOf(prev.claim)} signed`;
  return [
    failure(
      'chain-before-mismatch',
      whereOf(link),
      message,
      'was the image rebased or rebuilt on another base?',
    ),
  ];
}

/** I9: its own layers lead to the ChainID it gives. */
export function checkChainAfter(link: Link): Finding[] {
  const { chain, layers } = link.claim;
  if (
    chain.after ===
    extendChain(
      chain.before,
      layers.map(layer => layer.diffID),
    )
  )
    return [];
  return [failure('chain-after-mismatch', whereOf(link), 'its ChainID is not that of its layers')];
}

/**
 * I10: the spans make up the image, compared as lists of diffIDs. A ChainID alone would not do: that of two layers can
 * equal the diffID of one crafted "layer".
 */
export function checkCoverage(links: readonly Link[], image: Image): Finding[] {
  const count = image.config.diffIDs.length;
  const to = links.at(-1)?.claim.span.to ?? 0;
  const findings: Finding[] = [];
  if (to < count) {
    findings.push(failure('coverage-short', 'image', `nobody answers for layers ${to} to ${count - 1}`));
  }
  if (to > count) {
    findings.push(
      failure('coverage-excess', 'image', `the claims cover ${to} layers, the image has ${count}`),
    );
  }
  const claimed = claimedDiffIDs(links);
  const at = image.config.diffIDs.findIndex((diffID, index) => claimed[index] !== diffID);
  if (at >= 0 || claimed.length !== count) {
    const message = `${at >= 0 ? `layer ${at}` : `layer ${count}`} is not what its team signed`;
    findings.push(failure('chain-mismatch', 'image', message));
  }
  return findings;
}

export function claimedDiffIDs(links: readonly Link[]): readonly Digest[] {
  return links.flatMap(({ claim }) => claim.layers.map(layer => layer.diffID));
}

/** I11: one platform along the chain. */
export function checkSamePlatform(link: Link, prev: Link): Finding[] {
  if (matchesPlatform(link.claim.platform, prev.claim.platform)) return [];
  return [
    platformMismatch(whereOf(link), link.claim, prev.claim.platform, `what ${nameOf(prev.claim)} made`),
  ];
}

/** I11: and that of the config, and of the index entry or of the user's wish. */
export function checkImagePlatform(head: Link, image: Image): Finding[] {
  const { os, architecture, variant } = image.config;
  const config: Platform = { os, architecture, ...(variant && { variant }) };
  const findings: Finding[] = [];
  if (!matchesPlatform(head.claim.platform, config))
    findings.push(platformMismatch(whereOf(head), head.claim, config, 'the config'));
  if (image.indexPlatform && !matchesPlatform(head.claim.platform, image.indexPlatform))
    findings.push(platformMismatch(whereOf(head), head.claim, image.indexPlatform, 'what was asked for is'));
  return findings;
}

function platformMismatch(where: string, claim: ContentClaim, other: Platform, what: string): Finding {
  const message = `is for ${formatPlatform(claim.platform)}, ${what} for ${formatPlatform(other)}`;
  return failure('platform-mismatch', where, message);
}

/** I13 for links: times run upwards, none lies ahead, none has expired. */
export function checkTimes(link: Link, prev: Link | undefined, ledger: Ledger, clock: Clock): Finding[] {
  const { claim } = link;
  const earlier = [prev?.claim, ...(claim.saw ?? []).map(digest => ledger.records.get(digest)?.claim)];
  return [
    ...checkOrderOfTimes(claim, earlier, whereOf(link), clock),
    ...checkExpiry(claim, whereOf(link), clock),
  ];
}

export function checkOrderOfTimes(
  claim: Claim,
  earlier: readonly (Claim | undefined)[],
  where: string,
  { now, skew }: Clock,
): Finding[] {
  const time = Date.parse(claim.time);
  if (time > now.getTime() + skew)
    return [failure('time-implausible', where, `says it was made at ${claim.time}, which lies ahead`)];
  const later = earlier.find(other => other !== undefined && time < Date.parse(other.time) - skew);
  if (!later) return [];
  const message = `says it was made at ${claim.time}, before ${nameOf(later)} at ${later.time}`;
  return [failure('time-implausible', where, message)];
}

export function checkExpiry(claim: Claim, where: string, { now }: Clock): Finding[] {
  if (claim.expires === undefined || Date.parse(claim.expires) > now.getTime()) return [];
  return [failure('mark-expired', where, `expired at ${claim.expires}`)];
}

/** A handover is meant for the teams it names. */
export function checkHandover(link: Link, prev: Link): Finding[] {
  const { next } = prev.claim;
  if (next === undefined || next.includes(link.claim.team)) return [];
  const message = `team ${prev.claim.team} handed its image to ${next.join(', ') || 'nobody'}, not to ${link.claim.team}`;
  return [failure('handover-denied', whereOf(link), message)];
}
