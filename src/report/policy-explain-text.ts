import { isCommandLine } from '../base/shell-quote.js';
import { type CustodyVerdict, sayFinding } from '../custody/index.js';
import { indented } from './custody-layout.js';
import { MARKS } from './custody-table.js';
import { formatAge, formatSince } from './custody-words.js';
import { type Line, line, type TextStyle } from './lines.js';
import type { FillingClaim, RuleReport, RuleState } from './policy-rules.js';

const STATES: Readonly<
  Record<RuleState, { readonly sign: string; readonly word: string; readonly style: TextStyle }>
> = {
  held: { ...MARKS.verified, word: 'held' },
  'not-held': { ...MARKS.failed, word: 'not held' },
  undecided: { ...MARKS.indeterminate, word: 'undecided' },
  'not-reached': { ...MARKS.unverified, sign: '–', word: 'not reached' },
};

/** What a policy asks of an image, a rule each: whether it holds, who fills it until when, and what would make it hold. */
export function presentRules(
  rules: readonly RuleReport[],
  { code, policy }: Pick<CustodyVerdict, 'code' | 'policy'>,
  pinned: string,
): readonly Line[] {
  const held = rules.filter(({ state }) => state === 'held').length;
  const verdict = code === null ? 'the image passes' : `the image does not pass: ${code}`;
  return [
    line({ text: pinned, style: 'bold' }),
    ...indented(
      `policy ${policy.name}, version ${policy.version}: ${held} of ${rules.length} rules hold; ${verdict}`,
      '  ',
    ),
    line(''),
    ...rules.flatMap(presentRule),
  ];
}

function presentRule({ rule, state, asks, claims, findings, fix }: RuleReport): readonly Line[] {
  const { sign, word, style } = STATES[state];
  return [
    line('  ', { text: `${sign} ${word}`.padEnd(14), style }, { text: rule, style: 'bold' }),
    ...indented(asks, '        '),
    ...claims.flatMap(claim => indented(claimWords(claim), '          ', '        ')),
    ...findings.flatMap(found =>
      indented(
        `${found.severity === 'warning' ? 'note' : 'why'}: ${found.code}: ${sayFinding(found)}`,
        '          ',
        '        ',
      ),
    ),
    ...(fix === null ? [] : fixLines(fix)),
  ];
}

function fixLines(fix: string): readonly Line[] {
  const text = `fix: ${fix}`;
  return isCommandLine(fix) ? [line('        ', text)] : indented(text, '          ', '        ');
}

function claimWords({ team, signers, threshold, age, until, remaining }: FillingClaim): string {
  const names = signers.length === 0 ? '' : ` (${signers.join(', ')})`;
  const words = `${team}: ${signers.length} of ${threshold} signers${names}, ${formatSince(age)}`;
  if (until === null || remaining === null) return words;
  const day = until.slice(0, 10);
  return remaining < 0
    ? `${words}, too old since ${day}`
    : `${words}, holds until ${day} (${formatAge(remaining)} more)`;
}
