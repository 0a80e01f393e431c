import type { Digest } from '../base/digest.js';
import { LIMITS } from '../base/limits.js';
import type { ContentClaim } from './claim.js';
import { type Finding, failure } from './finding.js';
import { type ClaimRecord, isContentRecord, nameOf } from './ledger.js';

export type Link = ClaimRecord<ContentClaim>;

export interface Chain {
  /** Base first, the head last. */
  readonly links: readonly Link[];
  /** Does it begin at a claim without `prev`? Otherwise a finding says why not. */
  readonly complete: boolean;
  readonly findings: readonly Finding[];
}

/**
 * Follows `prev` from a head to the claim that builds on nothing. Links are digests of whole claims, so a cycle would be
 * a collision of SHA-256; it is looked for all the same.
 */
export function walkChain(head: Link, records: ReadonlyMap<Digest, ClaimRecord>): Chain {
  const links = [head];
  const seen = new Set([head.digest]);
  const stop = (finding: Finding): Chain => ({
    links: links.reverse(),
    complete: false,
    findings: [finding],
  });
  for (let link = head; ; ) {
    const { prev } = link.claim;
    const where = whereOf(link);
    if (prev === undefined) return { links: links.reverse(), complete: true, findings: [] };
    if (seen.has(prev.claim)) return stop(failure('chain-cycle', where, 'the chain comes back to itself'));
    if (links.length >= LIMITS.chainLinks) {
      const message = `the chain has more than ${LIMITS.chainLinks} links`;
      return stop(failure('limit-exceeded', where, message));
    }
    const record = records.get(prev.claim);
    if (record === undefined) {
      const message = `builds on ${prev.step} of team ${prev.team}, whose mark ${prev.claim} was not found`;
      const hint = 'copy the custody artifact together with the image: touchmark copy, promote';
      return stop(failure('prev-missing', where, message, hint));
    }
    if (!isContentRecord(record)) {
      const message = `builds on a claim of kind ${record.claim.kind}, which is no link of a chain`;
      return stop(failure('prev-mismatch', where, message));
    }
    links.push(record);
    seen.add(record.digest);
    link = record;
  }
}

/** A claim as findings name it: `step app of team dev (sha256:0123456789ab)`. */
export function whereOf(link: ClaimRecord): string {
  return `${nameOf(link.claim)} (${shown(link.digest)})`;
}

/** Is a finding's `where` about this claim? */
export function isAbout(where: string, claim: Digest): boolean {
  return where.endsWith(`(${shown(claim)})`);
}

function shown(claim: Digest): string {
  return claim.slice(0, 19);
}
