import { TouchmarkError } from '../base/errors.js';
import { compileGlob, globProblem } from '../base/glob.js';
import { nearest } from '../base/nearest.js';
import { parseKeyReference } from '../crypto/key-reference.js';
import { configRuleProblem } from './config-rules.js';
import { durationOf } from './duration.js';
import { checkMetadataDocument } from './metadata.js';
import { checkPathRules } from './path-rules.js';
import { type DocumentPath, describeFound } from './problem.js';
import { repositoryPatternProblem } from './repository-pattern.js';
import { KEY_LISTS, type PolicyDocument } from './schema.js';
import type { UnplacedProblem } from './schema-problems.js';

const LONGEST_SKEW = 3_600_000;
const PATTERN_HINT =
  'write registry/path, where * is anything within one part and ** any number of parts: registry.example/shop/*';

/** What is wrong with a document of the right shape: patterns, times, and names that must lead somewhere. */
export function crossCheck(document: PolicyDocument): readonly UnplacedProblem[] {
  return [
    ...checkTimes(document),
    ...checkRepositories(document),
    ...checkTeams(document),
    ...checkFlow(document),
    ...checkApprovals(document),
    ...checkConfig(document),
    ...checkSteps(document),
    ...checkPathRules(document),
    ...checkMetadataDocument(document.metadata),
    ...repeated((document.predicates ?? []).map(({ name }, i) => [['predicates', i, 'name'], name])),
  ];
}

/** The teams that a name or pattern means. */
export function teamsOf(pattern: string, names: readonly string[]): readonly string[] {
  return names.filter(compileGlob(pattern, ''));
}

function checkTimes({ expires, marks }: PolicyDocument): UnplacedProblem[] {
  const problems: UnplacedProblem[] = [];
  // Date.parse takes 30 February for 1 March.
  if (expires !== undefined && !isRealTime(expires))
    problems.push({ path: ['expires'], problem: `: ${describeFound(expires)} is no day of the calendar` });
  if (marks?.skew !== undefined && durationOf(marks.skew) > LONGEST_SKEW)
    problems.push({
      path: ['marks', 'skew'],
      problem: `of ${marks.skew} is more than 1h`,
      hint: 'set the clocks instead: a mark from the future counts as long as the skew lasts',
    });
  return problems;
}

function isRealTime(text: string): boolean {
  const time = new Date(text);
  return !Number.isNaN(time.getTime()) && time.toISOString() === text.replace('Z', '.000Z');
}

function checkRepositories({ scope, flow, approvals = [] }: PolicyDocument): UnplacedProblem[] {
  const patterns: (readonly [DocumentPath, string])[] = [
    ...scope.repositories.map((text, i) => [['scope', 'repositories', i], text] as const),
    ...(scope.relocations ?? []).flatMap(({ from, to }, i) => [
      [['scope', 'relocations', i, 'from'], from] as const,
      [['scope', 'relocations', i, 'to'], to] as const,
    ]),
    ...flow.flatMap(({ upstream = [] }, i) =>
      upstream.map((text, k) => [['flow', i, 'upstream', k], text] as const),
    ),
  ];
  const problems = patterns.flatMap(([path, pattern]): UnplacedProblem[] => {
    const problem = repositoryPatternProblem(pattern);
    return problem === undefined
      ? []
      : [{ path, problem: `: ${describeFound(pattern)} ${problem}`, hint: PATTERN_HINT }];
  });
  const names = approvals.map(({ name }) => name);
  for (const [i, { from, to, via }] of (scope.relocations ?? []).entries()) {
    const path = ['scope', 'relocations', i];
    if (via !== undefined) problems.push(...unknownName([...path, 'via'], via, names, 'approval'));
    const [source, destination] = [wildcardsOf(from), wildcardsOf(to)];
    if (source !== '' && destination !== '' && source !== destination)
      problems.push({
        path: [...path, 'to'],
        problem: `: ${describeFound(to)} ends otherwise than ${describeFound(from)}, so that it cannot be said which repository becomes which`,
        hint: 'let both be the same from their first wildcard on, or have no wildcard in one of them',
      });
  }
  return problems;
}

/** A pattern from its first wildcard on: what a relocation keeps. */
function wildcardsOf(pattern: string): string {
  const at = pattern.search(/[*?]/);
  return at < 0 ? '' : pattern.slice(at);
}

function checkTeams({ teams }: PolicyDocument): UnplacedProblem[] {
  const problems: UnplacedProblem[] = [];
  if (Object.keys(teams).length === 0) problems.push({ path: ['teams'], problem: 'names no team' });
  for (const [team, { signers }] of Object.entries(teams)) {
    if (Object.keys(signers).length === 0)
      problems.push({ path: ['teams', team, 'signers'], problem: 'names no signer' });
    for (const [signer, lists] of Object.entries(signers)) {
      const named = KEY_LISTS.flatMap(list => (lists[list] ?? []).map((key, i) => ({ list, key, i })));
      for (const { list, key, i } of named) {
        if (key.includes('-----BEGIN ')) continue;
        try {
          parseKeyReference(key);
        } catch (error) {
          if (!(error instanceof TouchmarkError)) throw error;
          problems.push({
            path: ['teams', team, 'signers', signer, list, i],
            problem: `: ${describeFound(key)} is not a key reference`,
            hint: 'a key is a path relative to the policy file, env://VARIABLE, or the PEM text itself',
          });
        }
      }
    }
  }
  return problems;
}

function checkFlow({ flow, teams }: PolicyDocument): UnplacedProblem[] {
  const problems = repeated(flow.map(({ step }, i) => [['flow', i, 'step'], step]));
  for (const [i, { team, threshold, count, kinds, upstream, upstreamVerified }] of flow.entries()) {
    const path = ['flow', i];
    problems.push(...checkTeam(path, team, threshold, teams));
    if (count !== undefined && count[0] > count[1])
      problems.push({
        path: [...path, 'count'],
        problem: `asks for at least ${count[0]} and at most ${count[1]}`,
        hint: 'the smaller number comes first',
      });
    problems.push(...repeated(kinds.map((kind, k) => [[...path, 'kinds', k], kind])));
    const adopts = kinds.includes('adopt');
    for (const [key, value] of Object.entries({ upstream, upstreamVerified })) {
      if (value !== undefined && !adopts)
        problems.push({ path: [...path, key], problem: 'is for steps that may adopt, and this one may not' });
    }
  }
  return problems;
}

function checkApprovals({ approvals = [], flow, teams }: PolicyDocument): UnplacedProblem[] {
  const names = approvals.map(({ name }) => name);
  const steps = flow.map(({ step }) => step);
  const problems = repeated(approvals.map(({ name }, i) => [['approvals', i, 'name'], name]));
  for (const [i, { name, team, threshold, on, after = [], evidence = [] }] of approvals.entries()) {
    const path = ['approvals', i];
    problems.push(...checkTeam(path, team, threshold, teams));
    // A claim says which step it is for by this name alone.
    if (steps.includes(name))
      problems.push({
        path: [...path, 'name'],
        problem: `: ${JSON.stringify(name)} is the name of a step too`,
      });
    if (on !== undefined) problems.push(...unknownName([...path, 'on'], on, steps, 'step'));
    for (const [k, before] of after.entries()) {
      const at = [...path, 'after', k];
      const unknown = unknownName(at, before, names, 'approval');
      problems.push(...unknown);
      if (unknown.length === 0 && isBehind(name, before, approvals))
        problems.push({
          path: at,
          problem: `: ${JSON.stringify(before)} waits for ${JSON.stringify(name)} itself`,
        });
    }
    problems.push(...repeated(after.map((before, k) => [[...path, 'after', k], before])));
    problems.push(...repeated(evidence.map(({ type }, k) => [[...path, 'evidence', k, 'type'], type])));
  }
  return problems;
}

/** Does `name`, by way of any number of `after`, stand before `other`? */
function isBehind(name: string, other: string, approvals: NonNullable<PolicyDocument['approvals']>): boolean {
  const seen = new Set<string>();
  const open = [other];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === name) return true;
    if (seen.has(next)) continue;
    seen.add(next);
    open.push(...(approvals.find(rule => rule.name === next)?.after ?? []));
  }
  return false;
}

function checkConfig({ config = {}, flow }: PolicyDocument): UnplacedProblem[] {
  const steps = flow.map(({ step }) => step);
  return Object.entries(config).flatMap(([step, rules]) => [
    ...unknownName(['config', step], step, steps, 'step').map(problem => ({
      ...problem,
      part: 'key' as const,
    })),
    ...(rules.allow === undefined && rules.deny === undefined
      ? [{ path: ['config', step], problem: 'has neither allow nor deny' }]
      : []),
    ...(['allow', 'deny'] as const).flatMap(list =>
      (rules[list] ?? []).flatMap((rule, i): UnplacedProblem[] => {
        const problem = configRuleProblem(rule);
        return problem === undefined
          ? []
          : [{ path: ['config', step, list, i], problem: `: ${describeFound(rule)} ${problem}` }];
      }),
    ),
  ]);
}

/** Rules about files are for steps that there are. */
function checkSteps({ paths = {}, seals, flow }: PolicyDocument): UnplacedProblem[] {
  const steps = flow.map(({ step }) => step);
  return [
    ...Object.keys(paths).flatMap(step =>
      unknownName(['paths', step], step, steps, 'step').map(problem => ({
        ...problem,
        part: 'key' as const,
      })),
    ),
    ...(seals?.override ?? []).flatMap(({ of, by }, i) => [
      ...unknownName(['seals', 'override', i, 'of'], of, steps, 'step'),
      ...unknownName(['seals', 'override', i, 'by'], by, steps, 'step'),
    ]),
  ];
}

function checkTeam(
  path: DocumentPath,
  pattern: string,
  threshold: number,
  teams: PolicyDocument['teams'],
): UnplacedProblem[] {
  const names = Object.keys(teams);
  const problem = globProblem(pattern, '');
  if (problem !== undefined)
    return [{ path: [...path, 'team'], problem: `: the pattern ${describeFound(pattern)} ${problem}` }];
  const meant = teamsOf(pattern, names);
  if (meant.length === 0) {
    if (/[*?]/.test(pattern))
      return [
        {
          path: [...path, 'team'],
          problem: `: the pattern ${describeFound(pattern)} matches no team`,
          hint: `the teams are ${names.join(', ')}`,
        },
      ];
    return unknownName([...path, 'team'], pattern, names, 'team');
  }
  const most = Math.max(...meant.map(name => Object.keys(teams[name]?.signers ?? {}).length));
  if (threshold <= most) return [];
  return [
    {
      path: [...path, 'threshold'],
      problem: `is ${threshold}, and ${meant.length === 1 ? `team ${JSON.stringify(meant[0])}` : 'no team it applies to'} has ${
        meant.length === 1 ? `only ${most} ${most === 1 ? 'signer' : 'signers'}` : 'as many signers'
      }`,
      hint: 'a threshold counts signers, not keys: add signers to the team, or ask for fewer',
    },
  ];
}

function unknownName(
  path: DocumentPath,
  name: string,
  known: readonly string[],
  what: string,
): UnplacedProblem[] {
  if (known.includes(name)) return [];
  const meant = nearest(name, known);
  return [
    {
      path,
      problem: `: there is no ${what} ${JSON.stringify(name)}`,
      hint:
        meant === undefined
          ? known.length === 0
            ? `the policy has no ${what}s`
            : `the ${what}s are ${known.join(', ')}`
          : `did you mean ${JSON.stringify(meant)}?`,
    },
  ];
}

function repeated(names: readonly (readonly [DocumentPath, string])[]): UnplacedProblem[] {
  const seen = new Set<string>();
  return names.flatMap(([path, name]) => {
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    return [{ path, problem: `: ${JSON.stringify(name)} stands there already`, hint: 'each may stand once' }];
  });
}
