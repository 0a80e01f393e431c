import { FACT_TYPES, FACTS } from '../custody/fact-table.js';
import type { ImageFacts } from '../custody/facts.js';
import type { Predicate } from '../custody/policy.js';
import type { CelDeclarations, CelProblem, CelProgram, CelValue } from './cel/index.js';
import type { ParsedPolicy } from './compile.js';
import type { DocumentPath } from './problem.js';
import type { PolicyDocument } from './schema.js';
import { refuseDocument, type UnplacedProblem } from './schema-problems.js';

interface WantedPredicate {
  readonly path: DocumentPath;
  readonly name: string | undefined;
  readonly expression: string;
  readonly message: string | undefined;
}

/** The expressions of a document; an empty one is none. */
export function predicatesOf({
  predicate = '',
  predicates = [],
}: PolicyDocument): readonly WantedPredicate[] {
  const named = predicates.map(({ name, require, message }, i) => ({
    path: ['predicates', i, 'require'],
    name,
    expression: require,
    message,
  }));
  if (predicate.trim() === '') return named;
  return [{ path: ['predicate'], name: undefined, expression: predicate, message: undefined }, ...named];
}

/**
 * Compiles the predicates of a document; nothing of CEL is loaded for one that has none.
 * @throws TouchmarkError `policy-invalid` with the place in the document and in the expression
 */
export async function compilePredicates({ document, source }: ParsedPolicy): Promise<readonly Predicate[]> {
  const wanted = predicatesOf(document);
  if (wanted.length === 0) return [];
  const compile = await openPredicates();
  const problems: UnplacedProblem[] = [];
  const compiled: Predicate[] = [];
  for (const { path, name, expression, message } of wanted) {
    const result = await compile(expression);
    if ('problem' in result) problems.push({ path, ...explain(result, expression) });
    else compiled.push({ name, expression, message, ...result });
  }
  return problems.length > 0 ? refuseDocument(source, problems) : compiled;
}

/** Compiles expressions over the facts of an image. */
export async function openPredicates(): Promise<
  (expression: string) => Promise<Pick<Predicate, 'evaluate' | 'facts'> | CelProblem>
> {
  const { openCel, toCelValue } = await import('./cel/index.js');
  const compile = openCel(DECLARATIONS);
  const known = new WeakMap<ImageFacts, ReadonlyMap<string, CelValue>>();
  const valuesOf = (facts: ImageFacts) => {
    const values =
      known.get(facts) ?? new Map(Object.entries(facts).map(([name, value]) => [name, toCelValue(value)]));
    known.set(facts, values);
    return values;
  };
  return async expression => {
    const program: CelProgram | CelProblem = await compile(expression);
    if ('problem' in program) return program;
    return { facts: program.variables, evaluate: facts => program.evaluate(valuesOf(facts)) };
  };
}

/** A member that may be absent has the same type; `has()` asks for it. */
const DECLARATIONS: CelDeclarations = {
  types: Object.fromEntries(
    Object.entries(FACT_TYPES).map(([name, members]) => [
      name,
      Object.fromEntries(Object.entries(members).map(([member, type]) => [member.replace('?', ''), type])),
    ]),
  ),
  variables: Object.fromEntries(Object.entries(FACTS).map(([name, { type }]) => [name, type])),
};

/** Where in the expression, counted from 1, and the words that stand there. */
function explain(
  { problem, at, hint }: CelProblem,
  expression: string,
): Pick<UnplacedProblem, 'problem' | 'hint'> {
  const there = expression
    .slice(at, at + 24)
    .replaceAll(/\s+/g, ' ')
    .trim();
  const where = there === '' ? 'at its end' : `at character ${at + 1}, ${JSON.stringify(there)}`;
  return { problem: `: ${where}: ${problem}`, ...(hint !== undefined && { hint }) };
}
