import type { Digest } from '../base/digest.js';
import { LIMITS } from '../base/limits.js';
import type { Descriptor } from '../oci/descriptor.js';
import { formatPlatform, matchesPlatform } from '../oci/platform.js';
import { authenticateMarks, type FoundMark } from './authenticate.js';
import type { IndexChild, IndexClaim } from './claim.js';
import type { UnreadSource } from './explain.js';
import { doubt, type Finding, failure, warning } from './finding.js';
import { type Clock, checkExpiry, checkOrderOfTimes } from './invariants.js';
import { type ClaimRecord, openLedger } from './ledger.js';
import { checkComplete, type Listing, openListing } from './listing.js';
import { type CustodyPolicy, MARK_CARRIERS } from './policy.js';
import { gatherKeys } from './signers.js';
import { findListed, type ListedClaim, listedFor, type TrustFacts } from './trust.js';
import { uniteMarks } from './unite-marks.js';
import type { CustodyVerdict } from './verdict.js';
import { whereOf } from './walk.js';
import { gatherWithdrawals, isOfThePast } from './withdrawals.js';

export interface IndexEntry {
  readonly descriptor: Descriptor;
  /** It is there beside the images, and none itself. */
  readonly isAttestation: boolean;
  /** Undefined: not checked, or no image. */
  readonly verdict: CustodyVerdict | undefined;
}

export interface IndexFacts {
  readonly index: Descriptor;
  readonly entries: readonly IndexEntry[];
  readonly marks: readonly FoundMark[];
  /** With the keys of today. */
  readonly policy: CustodyPolicy;
  readonly trust: TrustFacts | undefined;
  readonly clock: Clock;
  readonly unread: readonly UnreadSource[];
}

/**
 * Holds an index to what teams claim about it as a whole (CUSTODY.md 3.7). Such a claim can only take a yes away: each
 * image is judged by its own marks, and whoever can hide an index claim could not make it say anything else. So an index
 * without one is no worse, and one signer of the team is enough, as for withdrawals.
 *
 * A team speaks that answers for the last step of one of the images, or whose approval of one counts; of its claims the
 * newest counts. What only keys of the past have signed, or what the team does not list where its policy wants that, is not
 * its word of today: where it is newer it may still take a yes away, but neither does it replace what the team says nor lift
 * a withdrawal. Nothing that is shown outlives a team that lists its claims about the index as withdrawn. Warnings: claims by nobody's key, by a key that is not of the team named, by a team that has no part in the
 * images, about another index; and an image that was marked again since. No: the newest claim was taken back (also when only the
 * withdrawal is there), has expired, lies ahead, lists other images, platforms or claims than are there. Where a newer claim
 * may lie in a place that could not be read, what it could put right stays open.
 */
export async function checkIndexClaims(facts: IndexFacts): Promise<readonly Finding[]> {
  const { index, entries, policy, trust, unread } = facts;
  const marks = uniteMarks(facts.marks);
  if (marks.length > LIMITS.marks) {
    const message = `${marks.length} signatures were found; at most ${LIMITS.marks} are looked at`;
    return [failure('limit-exceeded', 'index', message)];
  }
  const listing = openListing(policy, trust);
  const authenticated = await authenticateMarks(marks, gatherKeys(policy), MARK_CARRIERS);
  const ledger = openLedger(authenticated.records);
  const withdrawals = gatherWithdrawals(ledger, trust);
  const involved = new Set(entries.flatMap(({ verdict }) => (verdict ? teamsOf(verdict) : [])));
  const notes: Finding[] = [
    ...authenticated.findings,
    ...authenticated.broken.map(found => ({ ...found, severity: 'warning' as const })),
    ...withdrawals.findings,
  ];
  const counted = ledger.indexes.filter(record => {
    const problem = findProblem(record, index, involved, listing);
    if (problem) notes.push(problem);
    return problem === undefined;
  });
  const faults: Finding[] = [...checkComplete([index.digest], ledger, policy, listing)];
  for (const team of involved) {
    const own = counted.filter(({ claim }) => claim.team === team);
    const standing = own.filter(record => isWordOfToday(record, listing));
    const latest = Math.max(...standing.map(timeOf));
    const newest = standing.filter(record => timeOf(record) === latest);
    const listed = listedFor(trust, team, index.digest);
    if (listed.some(({ status }) => status === 'withdrawn') && !listed.some(isActive)) {
      notes.push(
        failure('mark-withdrawn', 'index', `team ${team} lists what it said about this index as withdrawn`),
      );
      continue;
    }
    const withdrawal =
      withdrawals
        .about(team, index.digest)
        .find(record => timeOf(record) >= latest && !(isOfThePast(record) && listed.some(isActive))) ??
      newest.map(record => withdrawals.by(record)).find(record => record !== undefined);
    if (withdrawal) {
      const message = `team ${team} took back what it said about this index, at ${withdrawal.claim.time}`;
      notes.push(failure('mark-withdrawn', 'index', message));
      continue;
    }
    const later = own.filter(record => !standing.includes(record) && timeOf(record) > latest);
    const last = later.filter(record => timeOf(record) === Math.max(...later.map(timeOf)));
    faults.push(...[...newest, ...last].flatMap(record => checkClaim(record, facts)));
  }
  // A newer claim that puts it right may lie where nobody could look.
  const isOpen = unread.length > 0 && faults.some(({ severity }) => severity === 'fail');
  return [
    ...notes,
    ...faults.map(found =>
      isOpen && found.severity === 'fail' ? { ...found, severity: 'indeterminate' as const } : found,
    ),
    ...unread.map(({ source, code, message }) => (isOpen ? doubt : warning)(code, source, message)),
  ];
}

/** Signed by a key of today, or listed as standing: and listed, where the policy wants to see that. */
function isWordOfToday(record: ClaimRecord<IndexClaim>, { trust, mode, problemOf }: Listing): boolean {
  if (problemOf(record)) return false;
  if (!isOfThePast(record)) return true;
  const { claim, digest } = record;
  const listed = findListed(trust, {
    team: claim.team,
    manifest: claim.subject.manifest.digest,
    claim: digest,
  });
  return mode !== 'off' && listed?.status === 'active';
}

function isActive({ status }: ListedClaim): boolean {
  return status === 'active';
}

/** Teams that answer for this very image, or whose approval of it counts. */
function teamsOf({ chain, approvals, subject }: CustodyVerdict): readonly string[] {
  const links = chain.filter((entry, at) => at === chain.length - 1 || entry.manifest === subject.manifest);
  const leaves = approvals.filter(({ on }) => links.some(({ claim }) => claim === on));
  return [...links, ...leaves].map(({ team }) => team);
}

function timeOf({ claim }: ClaimRecord): number {
  return Date.parse(claim.time);
}

function isAbout(claim: Pick<IndexClaim, 'subject'>, index: Descriptor): boolean {
  return claim.subject.manifest.digest === index.digest;
}

/** Why a claim about an index does not count here. */
function findProblem(
  record: ClaimRecord<IndexClaim>,
  index: Descriptor,
  involved: ReadonlySet<string>,
  listing: Listing,
): Finding | undefined {
  const { claim, signers, former, source } = record;
  if (!isAbout(claim, index)) {
    const message = `is about ${claim.subject.manifest.digest}, another index; it counts for nothing here`;
    return warning('mark-other-subject', source, message);
  }
  if (signers.size + former.size === 0)
    return warning(
      'mark-unverifiable',
      source,
      `is a claim of team ${claim.team} and not signed by that team`,
    );
  const problem = listing.problemOf(record);
  if (problem?.code === 'team-not-delegated') return { ...problem, severity: 'warning' };
  if (involved.has(claim.team)) return undefined;
  const message = `team ${claim.team} has no part in the images of this index; its claim does not count`;
  return warning('mark-unverifiable', source, message);
}

function checkClaim(
  record: ClaimRecord<IndexClaim>,
  { index, entries, clock }: IndexFacts,
): readonly Finding[] {
  const { claim } = record;
  const where = whereOf(record);
  const { size, mediaType } = claim.subject.manifest;
  const findings: Finding[] = [
    ...checkOrderOfTimes(claim, [], where, clock),
    ...checkExpiry(claim, where, clock),
  ];
  if (size !== index.size || mediaType !== index.mediaType)
    findings.push(failure('subject-mismatch', where, 'gives another size or media type for this index'));
  const byDigest = new Map<Digest, IndexEntry[]>();
  for (const entry of entries) {
    const { digest } = entry.descriptor;
    const twins = byDigest.get(digest);
    if (twins) twins.push(entry);
    else byDigest.set(digest, [entry]);
  }
  const missing = [...byDigest.keys()].find(
    digest => !claim.children.some(child => child.manifest === digest),
  );
  if (missing) findings.push(failure('subject-mismatch', where, `does not list ${missing}, which is there`));
  for (const child of claim.children) {
    const twins = byDigest.get(child.manifest);
    findings.push(...checkChild(child, twins ?? [], claim, where));
  }
  return findings;
}

/** @param entries those of the index for this manifest: it may be listed for several platforms */
function checkChild(
  child: IndexChild,
  entries: readonly IndexEntry[],
  { time }: IndexClaim,
  where: string,
): readonly Finding[] {
  const { platform, manifest, claim } = child;
  if (entries.length === 0)
    return [failure('subject-mismatch', where, `lists ${manifest}, which is not there`)];
  const name = `image ${manifest.slice(0, 19)}`;
  const findings: Finding[] = [];
  const isFor = ({ descriptor }: IndexEntry) =>
    platform && descriptor.platform && matchesPlatform(platform, descriptor.platform);
  if (platform && !entries.some(isFor)) {
    const message = `has ${name} for ${formatPlatform(platform)}, the index does not`;
    findings.push(failure('platform-mismatch', where, message));
  }
  const verdict = entries.find(entry => entry.verdict)?.verdict;
  if (entries.every(entry => entry.isAttestation)) {
    if (claim === null) return findings;
    return [...findings, failure('subject-mismatch', where, `has a claim for ${name}, which is no image`)];
  }
  if (claim === null)
    return [...findings, failure('index-child-unmarked', where, `knows of no claim for ${name}`)];
  const head = verdict?.chain.at(-1);
  // Without a chain the image has its own finding.
  if (!verdict || !head) return findings;
  if (verdict.chain.some(entry => entry.claim === claim && (entry === head || entry.manifest === manifest)))
    return findings;
  const message = `has the claim ${claim} for ${name}, whose chain ends in ${head.claim}`;
  const again = Date.parse(head.time) > Date.parse(time);
  const hint = again
    ? 'it was marked again since: mark the index as a whole'
    : 'withdraw one of the two claims, or mark the index as a whole';
  return [
    ...findings,
    again
      ? warning('duplicate-claims', where, message, hint)
      : failure('custody-ambiguous', where, message, hint),
  ];
}
