import { matchGlob } from '../base/glob.js';
import { parseReference } from '../oci/reference.js';
import type { ContentClaim } from './claim.js';
import { type Finding, failure, warning } from './finding.js';
import type { Clock } from './invariants.js';
import { type ClaimRecord, nameOf } from './ledger.js';
import type { CustodyPolicy, FlowStep } from './policy.js';
import { type Chain, type Link, whereOf } from './walk.js';

/**
 * Holds a chain to the flow: which steps, by whom, of which kind, in which order, how often, how many signers, how recent.
 * @param partial the image is on its way to another team: steps behind the head's are not asked for
 */
export function checkFlow(
  chain: Chain,
  policy: CustodyPolicy,
  clock: Clock,
  partial: boolean,
): readonly Finding[] {
  const steps = chain.links.map(link => policy.flow.findIndex(step => step.step === link.claim.step));
  const findings = chain.links.flatMap((link, at) => {
    const step = policy.flow[steps[at] ?? -1];
    return step ? checkStep(link, step, clock) : [unknownStep(link, policy)];
  });
  return [...findings, ...checkSequence(chain, steps, policy, partial)];
}

function unknownStep(link: Link, policy: CustodyPolicy): Finding {
  const known = policy.flow.map(step => step.step).join(', ') || 'none';
  return failure('step-unknown', whereOf(link), `the policy has no step of this name; it has ${known}`);
}

function checkStep(link: Link, step: FlowStep, clock: Clock): readonly Finding[] {
  const { claim } = link;
  const where = whereOf(link);
  const findings: Finding[] = [];
  if (!matchesName(step.team, claim.team))
    findings.push(
      failure(
        'key-not-authorised',
        where,
        `team ${claim.team} may not do step ${step.step}; ${step.team} may`,
        'the team marks with a step of its own, or the policy owner gives it this one',
      ),
    );
  if (!step.kinds.includes(claim.kind)) {
    const message = `a claim of kind ${claim.kind} cannot do step ${step.step}; ${step.kinds.join(', ')} can`;
    findings.push(failure('kind-denied', where, message));
  }
  findings.push(
    ...checkThreshold(link, step.threshold, where),
    ...checkAge(claim, step.maxAge, where, clock),
  );
  if (claim.prev !== undefined && claim.checked?.verdict !== 'pass') {
    const message = `team ${claim.team} did not check what it built on (${claim.checked?.verdict ?? 'not said'})`;
    findings.push(failure('unchecked-step', where, message));
  }
  if (claim.kind === 'adopt') findings.push(...checkUpstream(claim, step, where));
  return findings;
}

/** Team patterns: `*` is any run of characters. */
export function matchesName(pattern: string, name: string): boolean {
  return matchGlob(pattern, name, '');
}

/** Distinct signers of the claim's own team. */
export function checkThreshold(record: ClaimRecord, threshold: number, where: string): readonly Finding[] {
  const count = record.signers.size;
  // Zero or less would be a policy that asks for nobody.
  if (count >= Math.max(1, threshold)) return [];
  if (record.former.size > 0) return [formerKey(record, threshold, where)];
  if (count === 0) {
    // One signature in each carrier names its owner twice.
    const owners = new Set(record.foreign.map(({ signer, team }) => `${signer} of ${team}`));
    const message = `is a claim of team ${record.claim.team}, signed by ${[...owners].join(', ') || 'nobody'}`;
    return [failure('key-not-authorised', where, message)];
  }
  const names = [...record.signers.values()].map(({ signer }) => signer).join(', ');
  const message = `${count} of ${threshold} signers: ${names}`;
  return [failure('threshold-not-met', where, message, 'more signers of the team co-sign the same claim')];
}

/** A key of the past signed it; nothing says that it did so while the key was good. */
function formerKey({ signers, former, claim }: ClaimRecord, threshold: number, where: string): Finding {
  const revoked = [...former.values()].find(({ standing }) => standing === 'revoked');
  const of = revoked ?? [...former.values()][0];
  const count = signers.size === 0 ? '' : `; ${signers.size} of ${threshold} signers remain`;
  const message = `was signed with a ${revoked ? 'revoked' : 'retired'} key of ${of?.signer}${count}`;
  const hint = `team ${claim.team} signs it again with a key of today, or the policy goes by its listing (marks: index)`;
  return failure(revoked ? 'key-revoked' : 'key-retired', where, message, hint);
}

export function checkAge(
  claim: { readonly time: string },
  maxAge: number | undefined,
  where: string,
  { now }: Clock,
): readonly Finding[] {
  if (maxAge === undefined || now.getTime() - Date.parse(claim.time) <= maxAge) return [];
  const days = (milliseconds: number) => `${Math.floor(milliseconds / 8_640_000) / 10} days`;
  const age = days(now.getTime() - Date.parse(claim.time));
  return [failure('mark-stale', where, `is ${age} old; the policy allows ${days(maxAge)}`)];
}

/** What may be adopted, and what must have been checked about it. */
function checkUpstream(claim: ContentClaim, step: FlowStep, where: string): readonly Finding[] {
  const [upstream, ...more] = (claim.inputs ?? []).filter(input => input.purpose === 'upstream');
  if (upstream === undefined || more.length > 0)
    return [failure('upstream-denied', where, 'does not name exactly one upstream image')];
  if (upstream.manifest !== claim.subject.manifest.digest)
    return [failure('upstream-denied', where, `names ${upstream.manifest} and is about another image`)];
  const location = upstreamLocation(upstream.ref);
  if (location === undefined || !(step.upstream ?? []).some(pattern => matchGlob(pattern, location))) {
    const message = `adopts ${upstream.ref ?? 'an image without a name'}, which the policy does not allow`;
    return [failure('upstream-denied', where, message)];
  }
  const checks = (upstream.verifiedBy ?? []).filter(check => check !== 'none');
  if (!step.upstreamVerified || checks.length > 0) return [];
  const message = `adopts ${location}, of which nothing was checked`;
  const hint = 'adopt it pinned to a digest, or after a check of its signature';
  return [failure('evidence-missing', where, message, hint)];
}

function upstreamLocation(ref: string | undefined): string | undefined {
  try {
    const reference = parseReference(ref ?? '');
    return reference.transport === 'registry' ? reference.location : undefined;
  } catch {
    return undefined;
  }
}

function checkSequence(
  chain: Chain,
  steps: readonly number[],
  policy: CustodyPolicy,
  partial: boolean,
): readonly Finding[] {
  const findings: Finding[] = [];
  const counts = new Array<number>(policy.flow.length).fill(0);
  let last = 0;
  chain.links.forEach((link, at) => {
    const index = steps[at] ?? -1;
    if (index < 0) return;
    counts[index] = (counts[index] ?? 0) + 1;
    if (index < last) {
      const message = `comes behind step ${policy.flow[last]?.step}, and the policy has it before`;
      findings.push(failure('step-order', whereOf(link), message));
    }
    last = Math.max(last, index);
  });
  const missing: string[] = [];
  policy.flow.forEach((step, index) => {
    const count = counts[index] ?? 0;
    const [least, most] = step.count;
    if (count > most) {
      const message = `occurs ${count} times; the policy allows ${most}`;
      findings.push(failure('step-order', `step ${step.step}`, message));
    }
    const isAhead = partial && index > last;
    if (count < least && !isAhead) {
      missing.push(step.step);
      findings.push(
        failure('step-missing', `step ${step.step}`, `occurs ${count} times; the policy asks for ${least}`),
      );
    }
  });
  const [first, ...more] = chain.links;
  if (missing.length > 0 && chain.complete && first && more.length === 0 && first.claim.kind !== 'adopt') {
    const message = `${nameOf(first.claim)} claims every layer, and ${missing.join(', ')} none: was the image flattened?`;
    findings.push(warning('custody-collapsed', whereOf(first), message));
  }
  return findings;
}
