import type { Digest } from '../base/digest.js';
import { sameRepository } from '../oci/reference.js';
import type { ApproveClaim } from './claim.js';
import { type Finding, failure } from './finding.js';
import { checkAge, checkThreshold, matchesName } from './flow.js';
import { type Clock, checkExpiry, checkOrderOfTimes } from './invariants.js';
import type { ClaimRecord, Ledger } from './ledger.js';
import type { Listing } from './listing.js';
import type { ApprovalRule, CustodyPolicy } from './policy.js';
import type { Link } from './walk.js';
import type { Withdrawals } from './withdrawals.js';

export type Approval = ClaimRecord<ApproveClaim>;

export interface ApprovalOutcome {
  readonly findings: readonly Finding[];
  /** For each rule that holds, the newest approval that satisfies it; one for the repository asked about before all others. */
  readonly counted: ReadonlyMap<string, Approval>;
}

export interface ApprovalContext {
  readonly links: readonly Link[];
  readonly ledger: Ledger;
  readonly policy: CustodyPolicy;
  readonly clock: Clock;
  readonly withdrawals: Withdrawals;
  readonly listing: Listing;
  /** The repository asked about: a promoting team may approve for it. */
  readonly repository: string | undefined;
  /** On its way to another team: rules about the final image do not apply yet. */
  readonly partial: boolean;
}

/**
 * Holds every approval rule. What an approval relied on is judged at the time of the approval, so that a scan that was
 * renewed since does not undo a promotion; whether the rule still holds is judged now.
 */
export function checkApprovals(context: ApprovalContext): ApprovalOutcome {
  const sound = new Map<string, readonly Approval[]>();
  const findings: Finding[] = [];
  const counted = new Map<string, Approval>();
  for (const rule of inOrder(context.policy.approvals)) {
    const target = targetOf(rule, context);
    if (!target) continue;
    const judged = candidatesFor(rule, target, context).map(approval => {
      const problems = [
        ...checkApproval(approval, rule, target, context),
        ...checkAfter(approval, rule, sound, context),
      ];
      return { approval, problems };
    });
    const good = judged.filter(({ problems }) => problems.length === 0).map(({ approval }) => approval);
    sound.set(rule.name, good);
    const aged = good.map(approval => ({ approval, problems: checkFresh(approval, rule, context.clock) }));
    const newest = aged
      .filter(({ problems }) => problems.length === 0)
      .sort(
        (a, b) =>
          Number(isForPlace(b.approval, context)) - Number(isForPlace(a.approval, context)) ||
          Date.parse(b.approval.claim.time) - Date.parse(a.approval.claim.time),
      )[0];
    if (newest) counted.set(rule.name, newest.approval);
    else findings.push(...explain(rule, [...aged, ...judged]));
  }
  return { findings, counted };
}

/** A later approval where the image was made takes nothing from the one that lets it stand here. */
function isForPlace({ claim }: Approval, { repository }: ApprovalContext): boolean {
  return repository !== undefined && sameRepository(claim.repo, repository);
}

/** Rules behind those they come after. Rules that wait for each other keep their place and are never satisfied. */
function inOrder(rules: readonly ApprovalRule[]): readonly ApprovalRule[] {
  const ordered: ApprovalRule[] = [];
  let rest = [...rules];
  while (rest.length > 0) {
    const waiting = new Set(rest.map(rule => rule.name));
    const ready = rest.filter(rule => !rule.after.some(name => waiting.has(name) && name !== rule.name));
    ordered.push(...(ready.length > 0 ? ready : rest));
    rest = ready.length > 0 ? rest.filter(rule => !ready.includes(rule)) : [];
  }
  return ordered;
}

/** The content claim that must be approved. A step that did not happen has nothing to approve: the flow says if it had to. */
function targetOf(rule: ApprovalRule, { links, partial }: ApprovalContext): Link | undefined {
  if (rule.on === undefined) return partial ? undefined : links.at(-1);
  return links.findLast(link => link.claim.step === rule.on);
}

/** Approvals that name this rule and either this claim or this image: the latter to say what is wrong with them. */
function candidatesFor(rule: ApprovalRule, target: Link, { ledger }: ApprovalContext): readonly Approval[] {
  return ledger.approvals.filter(
    ({ claim }) =>
      claim.step === rule.name &&
      (claim.prev.claim === target.digest ||
        claim.subject.manifest.digest === target.claim.subject.manifest.digest),
  );
}

/** I12 and I13 for approvals, who signed, and what is behind it; everything but its age now. */
function checkApproval(
  approval: Approval,
  rule: ApprovalRule,
  target: Link,
  context: ApprovalContext,
): readonly Finding[] {
  const { claim } = approval;
  const where = `approval ${rule.name} (${approval.digest.slice(0, 19)})`;
  const findings = [
    ...checkPlace(claim, target, where),
    ...checkThreshold(approval, rule.threshold, where),
    ...checkOrderOfTimes(claim, seenBy(approval, target, context.ledger), where, context.clock),
  ];
  const add = (code: Finding['code'], message: string, hint?: string) =>
    findings.push(failure(code, where, message, hint));
  if (!matchesName(rule.team, claim.team))
    add('key-not-authorised', `team ${claim.team} may not approve this`, `team ${rule.team} approves it`);
  if (claim.checked?.verdict !== 'pass')
    add(
      'unchecked-step',
      `team ${claim.team} did not check what it approves (${claim.checked?.verdict ?? 'not said'})`,
    );
  const repositories = [target.claim.repo, ...(context.repository === undefined ? [] : [context.repository])];
  if (!repositories.some(repository => sameRepository(repository, claim.repo)))
    add('identity-mismatch', `approves it for ${claim.repo}`);
  const missing = rule.evidence.filter(type => !claim.evidence?.some(evidence => evidence.type === type));
  if (missing.length > 0) add('evidence-missing', `brings no ${missing.join(', ')}`);
  if (context.withdrawals.by(approval)) add('mark-withdrawn', 'was withdrawn by its team');
  const unlisted = context.listing.problemOf(approval);
  if (unlisted) add(unlisted.code, unlisted.message, unlisted.hint);
  return findings;
}

/** An approval approves exactly what the claim it names says, or it could be lifted to another image. */
function checkPlace(claim: ApproveClaim, target: Link, where: string): readonly Finding[] {
  const { subject, platform, span, chain, seq, team, step } = target.claim;
  const bad = (problem: string) => [failure('prev-mismatch', where, problem)];
  if (claim.prev.claim !== target.digest)
    return bad(`approves the claim ${claim.prev.claim}, which is another one`);
  if (claim.prev.team !== team || claim.prev.step !== step) return bad('names the approved claim wrongly');
  if (
    claim.subject.manifest.digest !== subject.manifest.digest ||
    claim.subject.config.digest !== subject.config.digest
  )
    return bad('names another image than the claim it approves');
  const placed =
    claim.seq === seq &&
    claim.span.to === span.to &&
    claim.layers.length === 0 &&
    claim.chain.before === chain.after &&
    claim.chain.after === chain.after &&
    claim.platform.os === platform.os &&
    claim.platform.architecture === platform.architecture;
  return placed ? [] : [failure('kind-invalid', where, 'does not stand where the claim it approves ends')];
}

function seenBy({ claim }: Approval, target: Link, ledger: Ledger) {
  return [target.claim, ...(claim.saw ?? []).map((digest: Digest) => ledger.records.get(digest)?.claim)];
}

/** `after`: each named rule was satisfied, at that time, by an approval that this one lists in `saw`. */
function checkAfter(
  approval: Approval,
  rule: ApprovalRule,
  sound: ReadonlyMap<string, readonly Approval[]>,
  { policy, clock }: ApprovalContext,
): readonly Finding[] {
  const then: Clock = { now: new Date(approval.claim.time), skew: clock.skew };
  const unseen = rule.after.filter(name => {
    const other = policy.approvals.find(candidate => candidate.name === name);
    return !sound
      .get(name)
      ?.some(
        seen =>
          approval.claim.saw?.includes(seen.digest) && other && checkFresh(seen, other, then).length === 0,
      );
  });
  return unseen.map(name =>
    failure(
      'approval-order',
      `approval ${rule.name}`,
      `was given without seeing a valid ${name} of this image`,
    ),
  );
}

function checkFresh(approval: Approval, rule: ApprovalRule, clock: Clock): readonly Finding[] {
  const where = `approval ${rule.name} (${approval.digest.slice(0, 19)})`;
  return [
    ...checkExpiry(approval.claim, where, clock),
    ...checkAge(approval.claim, rule.maxAge, where, clock),
  ];
}

/** Of the approvals that do not count, the one with the least wrong says why the rule does not hold. */
function explain(
  rule: ApprovalRule,
  judged: readonly { readonly problems: readonly Finding[] }[],
): readonly Finding[] {
  const nearest = judged
    .filter(({ problems }) => problems.length > 0)
    .sort((a, b) => a.problems.length - b.problems.length)[0];
  if (nearest) return nearest.problems;
  const message = `no ${rule.name} by team ${rule.team}${rule.on === undefined ? '' : ` of step ${rule.on}`} was found`;
  return [failure('approval-missing', `approval ${rule.name}`, message)];
}
