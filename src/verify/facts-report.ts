import { fail } from '../base/errors.js';
import {
  type CustodyVerdict,
  FACT_NAMES,
  FACTS,
  type FactName,
  type ImageFacts,
  isAboutFinished,
  type Standing,
  sayFinding,
  standingOf,
} from '../custody/index.js';

/** The facts of one image as machines read them, and as predicates see them. Fields are only ever added. */
export interface FactsReport {
  readonly facts: ImageFacts;
  /** Does the chain hold? Then what is wrong, if anything is, is the finished image. */
  readonly holds: boolean;
  /** What each fact rests on: without a chain that holds, nothing is proven. */
  readonly standings: Readonly<Record<FactName, Standing>>;
}

/** @throws TouchmarkError why nothing is known of the image */
export function reportFacts(verdict: CustodyVerdict, pinned: string): FactsReport {
  const { facts, findings, code } = verdict;
  const [first] = findings;
  if (facts === undefined)
    return fail(
      code ?? first?.code ?? 'internal',
      `nothing is known of the image: ${first ? sayFinding(first) : ''}`,
      {
        hint: 'facts are those of an image that a team has marked',
        details: { image: pinned },
      },
    );
  const holds = findings.every(found => found.severity === 'warning' || isAboutFinished(found));
  const standings = FACT_NAMES.map(name => [name, standingOf(FACTS[name].standing, holds)] as const);
  return { facts, holds, standings: Object.fromEntries(standings) as Record<FactName, Standing> };
}
