import { fail } from '../base/errors.js';
import type { ImageFacts } from '../custody/facts.js';
import type { TriedPredicate } from '../report/facts-text.js';

/**
 * Compiles expressions that are to be tried on an image, before anything is fetched.
 * @throws TouchmarkError `usage-argument` with the place in the expression
 */
export async function tryPredicates(
  expressions: readonly string[],
): Promise<(facts: ImageFacts) => readonly TriedPredicate[]> {
  if (expressions.length === 0) return () => [];
  const { openPredicates } = await import('../policy/predicates.js');
  const compile = await openPredicates();
  const compiled = await Promise.all(
    expressions.map(async expression => {
      const program = await compile(expression);
      if (!('problem' in program)) return { expression, program };
      return fail('usage-argument', `--try cannot be used: ${program.problem}`, {
        details: { expression, character: program.at + 1 },
        ...(program.hint !== undefined && { hint: program.hint }),
      });
    }),
  );
  return facts =>
    compiled.map(({ expression, program }): TriedPredicate => {
      const outcome = program.evaluate(facts);
      if (outcome.result === true) return { expression, result: 'true', why: null };
      if (outcome.result === false) {
        const isPart = outcome.parts.join(' && ') !== expression.trim();
        return { expression, result: 'false', why: isPart ? `false: ${outcome.parts.join(' and ')}` : null };
      }
      return { expression, result: 'none', why: outcome.reason };
    });
}
