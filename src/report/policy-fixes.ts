import { matchGlob } from '../base/glob.js';
import { shellQuote } from '../base/shell-quote.js';
import type { CustodyPolicy, CustodyVerdict, Finding } from '../custody/index.js';
import { isAbout, neededLevel } from '../custody/index.js';
import { fixOf } from './custody-words.js';

export interface FixContext {
  readonly verdict: CustodyVerdict;
  readonly policy: CustodyPolicy;
  /** The image by digest, as a command names it. */
  readonly pinned: string;
  /** The policy file. */
  readonly file: string;
}

/** The command that would mend it, where there is one; else what helps. Keys are left for the reader to fill in. */
export function fixFor(finding: Finding, context: FixContext): string | undefined {
  return commandFor(finding, context) ?? fixOf(finding);
}

function commandFor({ code, where }: Finding, context: FixContext): string | undefined {
  const { verdict, policy, pinned, file } = context;
  const tail = `--policy ${shellQuote(file)} --key KEY`;
  const rule = policy.approvals.find(
    ({ name }) => where === `approval ${name}` || where.startsWith(`approval ${name} (`),
  );
  if (rule) {
    const evidence = rule.evidence.map(type => ` --evidence ${type}=FILE`).join('');
    const image = rule.on === undefined ? shellQuote(pinned) : imageOfStep(rule.on, context);
    return `touchmark custody approve --team ${teamOf(rule.team, policy)} --step ${rule.name}${evidence} ${tail} ${image}`;
  }
  const link = verdict.chain.find(({ claim }) => isAbout(where, claim));
  if (code === 'threshold-not-met' && link) {
    const image = imageOfStep(link.step, context);
    return `touchmark custody co-sign --team ${link.team} --claim ${link.claim} ${tail} ${image}`;
  }
  if (code === 'evidence-insufficient') {
    return `touchmark custody verify --level ${neededLevel(verdict.chain, policy)} --policy ${shellQuote(file)} ${shellQuote(pinned)}`;
  }
  const missing = policy.flow.find(({ step }) => where === `step ${step}`);
  if (code === 'step-missing' && missing) {
    const team = teamOf(missing.team, policy);
    return `team ${team} adds step ${missing.step}; on its way there the image is checked with --handover ${team}`;
  }
  const last = policy.flow.at(-1);
  if (code === 'no-marks' && last) {
    const base = policy.flow.length > 1 ? ' --base BASE' : '';
    return `touchmark custody mark --team ${teamOf(last.team, policy)} --step ${last.step}${base} ${tail} ${shellQuote(pinned)}`;
  }
  return undefined;
}

/** The team that a pattern means, where it means only one. */
function teamOf(pattern: string, { teams }: CustodyPolicy): string {
  const [only, ...more] = teams.filter(({ name }) => matchGlob(pattern, name, ''));
  return only && more.length === 0 ? only.name : 'TEAM';
}

/** The image that a step handed on: this one, or one below it, of which only the digest is known here. */
function imageOfStep(step: string, { verdict, pinned }: FixContext): string {
  const link = verdict.chain.findLast(entry => entry.step === step);
  if (!link || link.manifest === verdict.subject.manifest) return shellQuote(pinned);
  return `IMAGE@${link.manifest}`;
}
