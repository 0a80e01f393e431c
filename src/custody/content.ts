import type { ContentStep, PathRules, Seal } from '../base/path-rules.js';
import type { ClaimSeal } from './claim.js';
import type { Finding } from './finding.js';
import type { CustodyPolicy, EvidenceLevel } from './policy.js';

/**
 * Judges the files of one image by the steps of a chain that holds: made by whoever has read the layers, and asked here, for
 * only the chain says whose each layer is. It does no I/O.
 */
export type ContentJudge = (steps: readonly ContentStep[]) => ContentOutcome;

export interface ContentOutcome {
  readonly findings: readonly Finding[];
  /** Layers, from the base up, that could be put on one another. Of those above nothing is known but their bytes. */
  readonly applied: number;
}

/** What rules over paths need to know of a link of the chain. */
export interface RuledLink {
  readonly step: string;
  readonly kind: string;
  readonly span: { readonly from: number; readonly to: number };
  readonly seals?: readonly ClaimSeal[] | undefined;
}

/** What each step of a chain is held to: its own rules, and the seals of the steps below it. Base first. */
export function contentSteps(links: readonly RuledLink[], policy: CustodyPolicy): readonly ContentStep[] {
  return links.map(({ step, kind, span }, at) => ({
    step,
    span,
    rules: kind === 'adopt' ? undefined : rulesOf(step, policy),
    seals: links.slice(0, at).flatMap(below => sealsOver(step, below, policy)),
  }));
}

/**
 * The level that a chain must reach under a policy: the one that it asks for, and `content` where some layer is held to rules
 * over paths or to a seal, which nothing less can check.
 */
export function neededLevel(links: readonly RuledLink[], policy: CustodyPolicy): EvidenceLevel {
  return contentSteps(links, policy).some(isRuled) ? 'content' : policy.evidence;
}

/** The policy for a check that goes only so far: what needs `content` is left to one that goes further. */
export function atLevel(policy: CustodyPolicy, level: Exclude<EvidenceLevel, 'content'>): CustodyPolicy {
  return { ...policy, evidence: level, paths: {}, seals: { honour: false, override: [] } };
}

function isRuled({ span, rules, seals }: ContentStep): boolean {
  return span.to > span.from && (rules !== undefined || seals.length > 0);
}

function rulesOf(step: string, { paths = {} }: CustodyPolicy): PathRules | undefined {
  return Object.hasOwn(paths, step) ? paths[step] : undefined;
}

/** The seals of a link below, as they bind a step: a policy may let a step break them, everywhere or in some places. */
function sealsOver(step: string, below: RuledLink, { seals: rules }: CustodyPolicy): readonly Seal[] {
  if (rules?.honour === false) return [];
  const overrides = rules?.override.filter(({ of, by }) => of === below.step && by === step) ?? [];
  if (overrides.some(({ paths }) => paths === undefined)) return [];
  const except = overrides.flatMap(({ paths = [] }) => paths);
  return (below.seals ?? []).map(({ paths, ops }) => ({ step: below.step, paths, ops, except }));
}
