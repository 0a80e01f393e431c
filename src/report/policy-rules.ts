import type { ConfigRules, CustodyPolicy, CustodyVerdict, Finding } from '../custody/index.js';
import { isAbout, isAboutFinished, isInScope, neededLevel, reaches } from '../custody/index.js';
import { areaOf } from './custody-areas.js';
import { pathsInWords } from './custody-rules.js';
import { countOf, formatAge } from './custody-words.js';
import { sayMetadata, sayPredicates } from './metadata-words.js';
import { type FixContext, fixFor } from './policy-fixes.js';

/** `not-reached`: something that comes before it does not hold, or the image gave it nothing to judge. */
export type RuleState = 'held' | 'not-held' | 'undecided' | 'not-reached';

export type RuleKind =
  | 'expiry'
  | 'scope'
  | 'chain'
  | 'step'
  | 'approval'
  | 'distinct-signers'
  | 'config'
  | 'paths'
  | 'seals'
  | 'evidence'
  | 'evidence'
  | 'metadata'
  | 'predicate';

/** One rule of a policy, and what one image made of it. Plain data: the document of `policy explain`. */
export interface RuleReport {
  /** `step app`, `approval scan`, `scope`: unique in one policy. */
  readonly rule: string;
  readonly kind: RuleKind;
  readonly state: RuleState;
  /** What the rule asks for, as a sentence. */
  readonly asks: string;
  /** The claims that fill it. */
  readonly claims: readonly FillingClaim[];
  readonly findings: readonly {
    readonly code: string;
    readonly severity: string;
    readonly where: string;
    readonly message: string;
  }[];
  /** What would make it hold: a command, or advice. Null where nothing is wrong. */
  readonly fix: string | null;
}

export interface FillingClaim {
  readonly claim: string;
  readonly team: string;
  readonly signers: readonly string[];
  /** How many are asked for. */
  readonly threshold: number;
  readonly time: string;
  /** Whole seconds. */
  readonly age: number;
  /** RFC 3339: behind it the claim is too old. Null: its age is not asked for. */
  readonly until: string | null;
  /** Whole seconds until then. */
  readonly remaining: number | null;
}

/**
 * What a policy asks of one image, rule by rule in the order of the check. It judges nothing: the verdict has been made
 * with this policy, and its findings are sorted under the rules they are about.
 */
export function explainRules(
  verdict: CustodyVerdict,
  policy: CustodyPolicy,
  context: FixContext,
): readonly RuleReport[] {
  const { chain, approvals, level } = verdict;
  const about = (rule: string) => verdict.findings.filter(found => ruleOf(found, verdict, policy) === rule);
  const marked = chain.length > 0;
  const needed = neededLevel(chain, policy);
  const whole = marked && !about('chain').some(isBad);
  const report = (
    rule: string,
    kind: RuleKind,
    asks: string,
    reached: boolean,
    claims: readonly FillingClaim[] = [],
  ): RuleReport => {
    const findings = about(rule);
    const problem = findings.find(isBad);
    const bad = problem?.severity === 'fail' ? 'not-held' : 'undecided';
    return {
      ...{ rule, kind, asks, claims },
      state: problem ? bad : reached ? 'held' : 'not-reached',
      findings: findings.map(({ code, severity, where, message }) => ({ code, severity, where, message })),
      fix: (problem && fixFor(problem, context)) ?? null,
    };
  };
  const expiry = policy.expires ? `is valid until ${policy.expires.toISOString()}` : 'never expires';
  return [
    report('expiry', 'expiry', `the policy ${expiry}`, true),
    judgeScope(report('scope', 'scope', asksOfScope(policy), marked), verdict, policy),
    report('chain', 'chain', 'each claim stands on the one below; every layer has one owner', marked),
    ...policy.flow.map(step => {
      const claims = chain.filter(entry => entry.step === step.step).map(entry => fill(entry, step));
      const reached = claims.length > 0 || (whole && step.count[0] === 0);
      return report(`step ${step.step}`, 'step', asksOfStep(step), reached, claims);
    }),
    ...policy.approvals.map(rule => {
      const claims = approvals.filter(given => given.rule === rule.name).map(entry => fill(entry, rule));
      return report(`approval ${rule.name}`, 'approval', asksOfApproval(rule), claims.length > 0, claims);
    }),
    ...(policy.distinctSigners
      ? [report('distinct signers', 'distinct-signers', 'nobody stands for two teams', whole)]
      : []),
    ...policy.flow.flatMap(({ step }) => {
      const rules = Object.hasOwn(policy.config, step) ? policy.config[step] : undefined;
      const reached = whole && chain.some(entry => entry.step === step && entry.kind !== 'adopt');
      return rules ? [report(`config ${step}`, 'config', asksOfConfig(rules), reached)] : [];
    }),
    ...policy.flow.flatMap(({ step }) => {
      const reached =
        level === 'content' && chain.some(entry => entry.step === step && entry.kind !== 'adopt');
      return Object.hasOwn(policy.paths ?? {}, step)
        ? [report(`paths ${step}`, 'paths', pathsInWords(policy, step), reached)]
        : [];
    }),
    ...(needed === 'content' && policy.seals?.honour !== false
      ? [report('seals', 'seals', 'what a step has sealed stays as it is above it', level === 'content')]
      : []),
    report(
      'evidence',
      'evidence',
      `every layer is checked at level ${needed}`,
      level !== null && reaches(level, needed),
    ),
    ...sayMetadata(policy.metadata).map(({ rule, asks }) =>
      report(rule, 'metadata', asks, verdict.facts !== undefined),
    ),
    // They are asked when nothing but rules about the finished image could still be broken.
    ...sayPredicates(policy).map(({ rule, asks }) =>
      report(
        rule,
        'predicate',
        asks,
        verdict.findings.every(found => !isBad(found) || isAboutFinished(found)),
      ),
    ),
  ];
}

function isBad({ severity }: Finding): boolean {
  return severity !== 'warning';
}

/** Without a claim the check does not come to the name; what the policy is for is known all the same. */
function judgeScope(
  rule: RuleReport,
  { subject: { repository } }: CustodyVerdict,
  policy: CustodyPolicy,
): RuleReport {
  if (rule.state !== 'not-reached' || repository === null) return rule;
  if (isInScope(policy, repository)) return { ...rule, state: 'held' };
  return { ...rule, state: 'not-held', fix: `use the policy that is for ${repository}` };
}

/** The rule that a finding is about; what is about no other is about the chain as a whole. */
function ruleOf(finding: Finding, verdict: CustodyVerdict, policy: CustodyPolicy): string {
  const { chain } = verdict;
  const { code, where } = finding;
  const approval = policy.approvals.find(
    ({ name }) => where === `approval ${name}` || where.startsWith(`approval ${name} (`),
  );
  if (approval) return `approval ${approval.name}`;
  if (code === 'policy-expired') return 'expiry';
  if (code === 'identity-mismatch') return 'scope';
  if (code === 'signer-reuse') return 'distinct signers';
  if (where === 'metadata') return sayMetadata(policy.metadata)[0]?.rule ?? 'chain';
  if (isAboutFinished(finding)) return where;
  const area = areaOf(finding);
  if (area === 'layers') return 'evidence';
  if (area === 'contents') return ruleOfContents(finding, verdict, policy);
  const link = chain.find(({ claim }) => isAbout(where, claim));
  const step = link?.step ?? policy.flow.find(known => where === `step ${known.step}`)?.step;
  const known = policy.flow.some(rule => rule.step === step);
  if (area === 'config' && known && step && Object.hasOwn(policy.config, step)) return `config ${step}`;
  return area === 'flow' && known ? `step ${step}` : 'chain';
}

/** Of the step that the layer belongs to; what has no rules of its own is about the layers. */
function ruleOfContents({ code, where }: Finding, { layers }: CustodyVerdict, policy: CustodyPolicy): string {
  if (code === 'seal-violated') return 'seals';
  const step = layers.find(({ index }) => where === `layer ${index}`)?.step;
  return step !== undefined && Object.hasOwn(policy.paths ?? {}, step) ? `paths ${step}` : 'evidence';
}

function fill(
  { claim, team, signers, time, age }: CustodyVerdict['chain'][number] | CustodyVerdict['approvals'][number],
  { threshold, maxAge }: { readonly threshold: number; readonly maxAge: number | undefined },
): FillingClaim {
  const until = maxAge === undefined ? null : new Date(Date.parse(time) + maxAge).toISOString();
  const remaining = maxAge === undefined ? null : Math.floor((maxAge - age) / 1000);
  return { claim, team, signers, threshold, time, age: Math.floor(age / 1000), until, remaining };
}

function asksOfScope({ repositories }: CustodyPolicy): string {
  return `the image lies in ${repositories.join(' or ') || 'no repository at all'}`;
}

function asksOfConfig({ allow, deny }: ConfigRules): string {
  return `may change ${allow.join(', ') || 'nothing'}${deny.length === 0 ? '' : `, never ${deny.join(', ')}`}`;
}

function asksOfStep({
  team,
  kinds,
  count,
  threshold,
  maxAge,
  upstream,
  currency,
}: CustodyPolicy['flow'][number]): string {
  const [least, most] = count;
  return [
    `${kinds.join(' or ')} by team ${team}`,
    least === most ? countOf(most, 'time') : `${least} to ${most} times`,
    `${countOf(threshold, 'signer')} or more`,
    ...(maxAge === undefined ? [] : [`at most ${formatAge(maxAge / 1000)} old`]),
    ...(currency === undefined
      ? []
      : [`at most ${currency.maxBehind} behind the newest release of channel ${currency.channel}`]),
    ...(upstream === undefined ? [] : [`of ${upstream.join(', ')}`]),
  ].join(', ');
}

function asksOfApproval({
  team,
  on,
  threshold,
  maxAge,
  after,
  evidence,
}: CustodyPolicy['approvals'][number]): string {
  return [
    `by team ${team} of ${on === undefined ? 'the finished image' : `step ${on}`}`,
    `${countOf(threshold, 'signer')} or more`,
    ...(maxAge === undefined ? [] : [`at most ${formatAge(maxAge / 1000)} old`]),
    ...(after.length === 0 ? [] : [`having seen ${after.join(', ')}`]),
    ...(evidence.length === 0 ? [] : [`with evidence ${evidence.join(', ')}`]),
  ].join(', ');
}
