import type { ImageFacts } from './facts.js';
import { doubt, type Finding, failure } from './finding.js';
import type { Predicate } from './policy.js';

/** What a predicate came to for one image. Only `true` is a yes. */
export type PredicateOutcome =
  | { readonly result: true }
  /** The parts of a conjunction that are false, as they are written. */
  | { readonly result: false; readonly parts: readonly string[] }
  /** It has no value: something that it needs is not there. */
  | { readonly result: 'fault'; readonly part: string; readonly reason: string }
  | { readonly result: 'exhausted'; readonly reason: string };

/**
 * Evaluates the predicates of a policy (CUSTODY.md 5.2, step 12). They can only add findings, so they may only deny. A fault
 * is a no like any other, for the same image would have it again; who has run out of steps has decided nothing.
 */
export function checkPredicates(predicates: readonly Predicate[], facts: ImageFacts): readonly Finding[] {
  return predicates.flatMap(predicate => judge(predicate, predicate.evaluate(facts)) ?? []);
}

function judge({ name, message }: Predicate, outcome: PredicateOutcome): Finding | undefined {
  if (outcome.result === true) return undefined;
  const where = name === undefined ? 'predicate' : `predicate ${name}`;
  const told = message === undefined ? '' : `${message}: `;
  if (outcome.result === 'exhausted')
    return doubt('limit-exceeded', where, `${told}it was not evaluated to its end: ${outcome.reason}`);
  if (outcome.result === 'fault') {
    const text = `${told}\`${shorten(outcome.part)}\` cannot be evaluated: ${outcome.reason}`;
    const hint = 'has(a.b) asks whether a member is there, "key" in labels for a key';
    return failure('policy-predicate', where, text, hint);
  }
  const more = outcome.parts.length > SHOWN ? `, and ${outcome.parts.length - SHOWN} more` : '';
  const parts = outcome.parts.slice(0, SHOWN).map(part => `\`${shorten(part)}\``);
  return failure('policy-predicate', where, `${told}${parts.join(' and ')} is false${more}`);
}

const SHOWN = 3;

/** An expression on one line. */
function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}
