import { compileGlob, globProblem } from '../base/glob.js';
import type { MetadataRules } from '../custody/policy.js';
import { durationOf } from './duration.js';
import type { MetadataDocument } from './metadata-schema.js';
import { type DocumentPath, describeFound } from './problem.js';
import type { UnplacedProblem } from './schema-problems.js';

/** Rules about metadata as the check uses them. @param skew milliseconds by which clocks may disagree */
export function compileMetadata(
  document: MetadataDocument | undefined,
  skew: number,
): MetadataRules | undefined {
  if (document === undefined) return undefined;
  const { user, created, ...rest } = document;
  return {
    ...rest,
    ...(user && { user: { nonRoot: user.nonRoot ?? false, allow: user.allow } }),
    ...(created && { created: { maxAge: durationOf(created.maxAge), skew } }),
  };
}

const NAMED = ['labels', 'annotations', 'environment'] as const;
const LISTED = ['ports', 'volumes', 'entrypoint', 'base'] as const;

/** Patterns that are none, rules that ask for nothing, and those that no image could meet. */
export function checkMetadataDocument(document: MetadataDocument | undefined): readonly UnplacedProblem[] {
  if (document === undefined) return [];
  const at = (...path: DocumentPath): DocumentPath => ['metadata', ...path];
  const empty = (path: DocumentPath, problem: string): UnplacedProblem => ({
    path,
    problem,
    hint: 'leave it out, or say what is asked for',
  });
  const problems: UnplacedProblem[] = [];
  if (Object.keys(document).length === 0) problems.push(empty(at(), 'asks for nothing'));
  if (document.user && document.user.nonRoot !== true && document.user.allow === undefined)
    problems.push(empty(at('user'), 'asks for nothing'));
  problems.push(
    ...(document.user?.allow ?? []).flatMap((text, i) => checkPattern(at('user', 'allow', i), text)),
  );
  for (const key of LISTED)
    problems.push(
      ...(document[key]?.allow ?? []).flatMap((text, i) => checkPattern(at(key, 'allow', i), text)),
    );
  for (const key of NAMED) {
    const rules = document[key];
    if (rules === undefined) continue;
    const { require = {}, forbid = [] } = rules;
    if (Object.keys(require).length === 0 && forbid.length === 0)
      problems.push(empty(at(key), 'has neither require nor forbid'));
    const forbidden = forbid.flatMap((text, i) => checkPattern(at(key, 'forbid', i), text));
    problems.push(...forbidden);
    for (const [name, text] of Object.entries(require)) {
      problems.push(...checkPattern(at(key, 'require', name), text));
      const against = forbidden.length > 0 ? undefined : forbid.find(other => compileGlob(other, '')(name));
      if (against !== undefined)
        problems.push({
          path: at(key, 'require', name),
          part: 'key',
          problem: `is forbidden by ${describeFound(against)} too, so that no image could pass`,
        });
    }
  }
  return problems;
}

function checkPattern(path: DocumentPath, pattern: string): readonly UnplacedProblem[] {
  const problem = globProblem(pattern, '');
  return problem === undefined
    ? []
    : [{ path, problem: `: the pattern ${describeFound(pattern)} ${problem}` }];
}
