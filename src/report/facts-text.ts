import { isDigest } from '../base/digest.js';
import { FACT_NAMES, type FactName, type ImageFacts } from '../custody/index.js';
import type { FactsReport } from '../verify/facts-report.js';
import { indented } from './custody-layout.js';
import { MARKS } from './custody-table.js';
import { shortDigest } from './custody-words.js';
import { type Line, line } from './lines.js';

/** An expression that was tried on the facts. */
export interface TriedPredicate {
  readonly expression: string;
  /** `true`, `false`, or `none`: it could not be evaluated, which is no yes. */
  readonly result: 'true' | 'false' | 'none';
  /** Why it is not true. */
  readonly why: string | null;
}

/** Facts under the names that predicates use, each with what it rests on. */
export function presentFacts({ facts, standings }: FactsReport): readonly Line[] {
  return FACT_NAMES.flatMap(name => {
    const standing = standings[name];
    const head = [
      '  ',
      {
        text: standing.padEnd(10),
        style: standing === 'proven' ? MARKS.verified.style : MARKS.unverified.style,
      },
    ] as const;
    const values = valuesOf(name, facts);
    const [only] = values;
    if (values.length === 1 && only !== undefined && only.length <= 60)
      return [line(...head, { text: name.padEnd(18), style: 'bold' }, only)];
    return [
      line(...head, { text: name, style: 'bold' }),
      ...values.flatMap(value => indented(value, '                ', '              ')),
    ];
  });
}

export function presentTried(tried: readonly TriedPredicate[]): readonly Line[] {
  return tried.flatMap(({ expression, result, why }) => {
    const { sign, style } = result === 'true' ? MARKS.verified : MARKS.failed;
    return [
      line(
        '  ',
        { text: `${sign} ${result === 'none' ? 'no value' : result}`.padEnd(12), style },
        expression,
      ),
      ...(why === null ? [] : indented(why, '              ')),
    ];
  });
}

/** One text a value: entries of lists and maps stand by themselves. */
function valuesOf(name: FactName, facts: ImageFacts): readonly string[] {
  const value: unknown = facts[name];
  if (value === undefined) return ['not known: the config of a step is not at hand'];
  if (Array.isArray(value)) return value.length === 0 ? ['[]'] : value.map(shown);
  if (name !== 'labels' && name !== 'annotations' && name !== 'setBy') return [shown(value)];
  const entries = Object.entries(value as object);
  return entries.length === 0
    ? ['{}']
    : entries.map(([key, text]) => `${shown(key)}: ${shown(text)}${setBy(name, key, facts)}`);
}

const LONGEST = 400;

/** Members of objects one after the other, with digests as short as they are recognised by; anything else as JSON. */
function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const members = Object.entries(value);
    return members.length === 0 ? '{}' : members.map(([key, member]) => `${key} ${shown(member)}`).join(', ');
  }
  if (isDigest(value)) return shortDigest(value);
  const text = JSON.stringify(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

function setBy(name: FactName, key: string, facts: ImageFacts): string {
  const team = name === 'labels' ? facts.setBy?.[`Labels:${key}`] : undefined;
  return team === undefined ? '' : `  (${team} says so)`;
}
