import { nearest } from '../base/nearest.js';
import { type ModeRules, type PathRules, pathPatternProblem, STRICT_MODES } from '../base/path-rules.js';
import type { EvidenceLevel, SealRules } from '../custody/policy.js';
import { expandPresets, PATH_PRESETS } from './path-presets.js';
import type { PathRulesDocument, SealsDocument } from './path-schema.js';
import { type DocumentPath, describeFound } from './problem.js';
import type { PolicyDocument } from './schema.js';
import type { UnplacedProblem } from './schema-problems.js';

/** Rules over paths as the check uses them, by step; whatever is silent is strict. */
export function compilePaths(
  documents: Readonly<Record<string, PathRulesDocument>> = {},
): Readonly<Record<string, PathRules>> {
  const rules = Object.entries(documents).map(
    ([step, { allow, deny = [], delete: may = [], modes, tables }]) => [
      step,
      {
        allow: expandPresets(allow),
        deny: expandPresets(deny),
        delete: expandPresets(may),
        modes: compileModes(modes),
        tables: tables ?? 'deny',
      } satisfies PathRules,
    ],
  );
  return Object.assign(Object.create(null), Object.fromEntries(rules));
}

function compileModes(modes: PathRulesDocument['modes'] = {}): ModeRules {
  const { uid, gid, ...switches } = modes;
  const said = Object.entries(switches).filter(([, value]) => value !== undefined);
  return { ...STRICT_MODES, ...Object.fromEntries(said), uid, gid };
}

export function compileSeals({ honour = true, override = [] }: SealsDocument = {}): SealRules {
  return {
    honour,
    override: override.map(({ of, by, paths }) => ({ of, by, paths: paths && expandPresets(paths) })),
  };
}

/** The level that a document asks for: what only `content` can check is checked, unless it says that it is not to be. */
export function evidenceOf({ evidence, paths = {}, seals }: PolicyDocument): EvidenceLevel {
  const ruled = Object.keys(paths).length > 0 || (seals !== undefined && seals.honour !== false);
  return evidence ?? (ruled ? 'content' : 'blobs');
}

const LISTS = ['allow', 'deny', 'delete'] as const;

/** Patterns that are none, rules that would hold for nobody, and those that nobody would check. */
export function checkPathRules(document: PolicyDocument): readonly UnplacedProblem[] {
  const { paths = {}, evidence, flow } = document;
  const problems: UnplacedProblem[] = [];
  const [first] = Object.keys(paths);
  if (first !== undefined && evidence !== undefined && evidence !== 'content')
    problems.push({
      path: ['evidence'],
      problem: `: with ${describeFound(evidence)} nobody looks into layers, so that the rules under paths would hold for nobody`,
      hint: 'write evidence: content, or leave it out',
    });
  for (const [step, rules] of Object.entries(paths)) {
    const path: DocumentPath = ['paths', step];
    const kinds = flow.find(other => other.step === step)?.kinds;
    if (kinds && !kinds.includes('add'))
      problems.push({
        path,
        part: 'key',
        problem: 'is about a step that adds no layers of its own, so that its rules would hold for nobody',
        hint: 'adopted layers are not held to rules over paths',
      });
    for (const list of LISTS) problems.push(...checkPatterns([...path, list], rules[list] ?? []));
    for (const key of ['uid', 'gid'] as const) {
      const range = rules.modes?.[key];
      if (range && range[0] > range[1])
        problems.push({
          path: [...path, 'modes', key],
          problem: `asks for at least ${range[0]} and at most ${range[1]}`,
          hint: 'the smaller number comes first',
        });
    }
  }
  return [...problems, ...checkSeals(document)];
}

function checkSeals({ seals, flow }: PolicyDocument): readonly UnplacedProblem[] {
  const steps = flow.map(({ step }) => step);
  const overrides = seals?.override ?? [];
  const problems: UnplacedProblem[] = [];
  if (seals?.honour === false && overrides.length > 0)
    problems.push({
      path: ['seals', 'override'],
      problem: 'loosens seals that honour: false takes off altogether',
      hint: 'keep one of the two',
    });
  for (const [i, { of, by, paths = [] }] of overrides.entries()) {
    const path: DocumentPath = ['seals', 'override', i];
    problems.push(...checkPatterns([...path, 'paths'], paths));
    if (steps.includes(of) && steps.includes(by) && steps.indexOf(of) > steps.indexOf(by))
      problems.push({
        path,
        problem: `: step ${JSON.stringify(of)} comes behind ${JSON.stringify(by)}, and seals bind the steps above`,
        hint: 'of is the lower step, which has sealed the paths; by is the one that may break the seal',
      });
  }
  return problems;
}

function checkPatterns(path: DocumentPath, patterns: readonly string[]): readonly UnplacedProblem[] {
  return patterns.flatMap((pattern, i): UnplacedProblem[] => {
    if (Object.hasOwn(PATH_PRESETS, pattern)) return [];
    const at = { path: [...path, i] };
    if (pattern.startsWith('@')) {
      const known = Object.keys(PATH_PRESETS);
      const meant = nearest(pattern, known);
      const hint =
        meant === undefined ? `known are ${known.join(', ')}` : `did you mean ${JSON.stringify(meant)}?`;
      return [{ ...at, problem: `: there is no group of paths ${describeFound(pattern)}`, hint }];
    }
    const problem = pathPatternProblem(pattern);
    if (problem === undefined) return [];
    const hint = 'such as /opt/app/**, where * stays within one folder and ** goes through all';
    return [{ ...at, problem: `: the pattern ${describeFound(pattern)} ${problem}`, hint }];
  });
}
