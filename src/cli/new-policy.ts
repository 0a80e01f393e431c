import { decodeUtf8 } from '../base/bytes.js';
import { fail } from '../base/errors.js';
import { nearest } from '../base/nearest.js';
import { serializePublicKey } from '../crypto/public-key.js';
import { DURATION, durationOf } from '../policy/duration.js';
import type { PolicyKeyReader, PolicyTemplate, TemplateStep, TemplateTeam } from '../policy/index.js';
import { repositoryPatternProblem } from '../policy/repository-pattern.js';
import { nameProblem } from '../policy/schema.js';
import { splitPair } from './policy-teams.js';

/** What `policy init` was told, or has asked for. */
export interface PolicyWishes {
  readonly name: string;
  readonly repository: readonly string[];
  readonly teams: readonly TemplateTeam[];
  readonly threshold: readonly string[];
  readonly 'max-age': readonly string[];
  readonly approval: readonly string[];
  readonly adopt: readonly string[];
  readonly 'valid-for': string;
}

/**
 * The policy that was asked for. Teams become steps in their order, but for those that approve.
 * @throws TouchmarkError `usage-argument`, naming the flag
 */
export function planPolicy(wishes: PolicyWishes, now: Date): PolicyTemplate {
  const { name, teams } = wishes;
  checkName('--name', name);
  for (const flag of ['repository', 'adopt'] as const)
    for (const pattern of wishes[flag]) checkPattern(`--${flag}`, pattern);
  const rules = rulesOf(wishes);
  const thresholds = perRule('threshold', wishes.threshold, rules, (text, rule) => {
    const signers = teams.find(team => team.name === rule.team)?.signers.length ?? 0;
    if (/^[1-9][0-9]?$/.test(text) && Number(text) <= signers) return Number(text);
    return fail('usage-argument', `--threshold ${rule.step}=${text}: no number from 1 to ${signers}`, {
      hint: `team ${rule.team} has ${signers} ${signers === 1 ? 'signer' : 'signers'}: --team gives it more`,
    });
  });
  const ages = perRule('max-age', wishes['max-age'], rules, (text, rule) =>
    readTime(`--max-age ${rule.step}=`, text),
  );
  const finish = ({ step, team }: Rule): TemplateStep => {
    const [threshold, maxAge] = [thresholds.get(step), ages.get(step)];
    return { step, team, ...(threshold !== undefined && { threshold }), ...(maxAge && { maxAge }) };
  };
  return {
    name,
    repositories: wishes.repository,
    expires: new Date(now.getTime() + durationOf(readTime('--valid-for ', wishes['valid-for']))),
    teams,
    steps: rules.filter(({ approves }) => !approves).map(finish),
    approvals: rules.filter(({ approves }) => approves).map(finish),
    adopt: wishes.adopt,
  };
}

/** The same policy with every key as PEM text: it stands by itself, wherever the document goes. */
export async function inlineKeys(
  template: PolicyTemplate,
  readKey: PolicyKeyReader,
): Promise<PolicyTemplate> {
  const pemOf = async (entry: string) => decodeUtf8(serializePublicKey(await readKey(entry, '--team'))) ?? '';
  const teams = template.teams.map(async team => ({
    ...team,
    signers: await Promise.all(
      team.signers.map(async ({ keys, ...signer }) => ({
        ...signer,
        keys: await Promise.all(keys.map(pemOf)),
      })),
    ),
  }));
  return { ...template, teams: await Promise.all(teams) };
}

interface Rule {
  /** Name of the step or of the approval. */
  readonly step: string;
  readonly team: string;
  readonly approves: boolean;
}

function rulesOf({ teams, approval }: PolicyWishes): readonly Rule[] {
  const names = teams.map(team => team.name);
  const approvals = approval.map((text): Rule => {
    const [step, team] = splitPair(text);
    if (team === undefined)
      fail('usage-argument', `--approval takes NAME=TEAM, not ${JSON.stringify(text)}`, {
        hint: 'for example --approval scan=security',
      });
    checkName('--approval', step);
    if (!names.includes(team)) refuseUnknown(`--approval ${text}`, 'team', team, names);
    return { step, team, approves: true };
  });
  const steps = names
    .filter(name => approvals.every(({ team }) => team !== name))
    .map((name): Rule => ({ step: name, team: name, approves: false }));
  if (steps.length === 0)
    fail('usage-argument', 'every team approves, and none builds anything', {
      hint: 'add a --team that no --approval names',
    });
  const rules = [...steps, ...approvals];
  const twice = rules.find(({ step }, i) => rules.findIndex(rule => rule.step === step) < i);
  if (twice !== undefined)
    fail('usage-argument', `--approval ${twice.step}=${twice.team}: there is a rule of that name already`, {
      hint: 'call the approval after what it says, such as scan',
    });
  return rules;
}

/** The values of a flag that takes `NAME=VALUE`, NAME being a step or an approval. */
function perRule<T>(
  flag: string,
  texts: readonly string[],
  rules: readonly Rule[],
  read: (text: string, rule: Rule) => T,
): ReadonlyMap<string, T> {
  const values = new Map<string, T>();
  for (const text of texts) {
    const [name, value] = splitPair(text);
    if (value === undefined)
      fail('usage-argument', `--${flag} takes NAME=VALUE, not ${JSON.stringify(text)}`, {
        hint: `NAME is one of ${rules.map(({ step }) => step).join(', ')}`,
      });
    const names = rules.map(({ step }) => step);
    const rule = rules.find(({ step }) => step === name);
    if (rule === undefined)
      return refuseUnknown(`--${flag} ${text}`, 'building team or approval', name, names);
    if (values.has(name))
      fail('usage-argument', `--${flag} is given twice for ${name}`, { hint: 'keep one' });
    values.set(name, read(value, rule));
  }
  return values;
}

function refuseUnknown(flag: string, what: string, name: string, known: readonly string[]): never {
  const meant = nearest(name, known);
  return fail('usage-argument', `${flag}: there is no ${what} ${JSON.stringify(name)}`, {
    hint: meant === undefined ? `there are ${known.join(', ')}` : `did you mean ${meant}?`,
  });
}

/** @throws TouchmarkError `usage-argument` */
export function checkName(flag: string, name: string): void {
  const problem = nameProblem(name);
  if (problem !== undefined)
    fail('usage-argument', `${flag}: ${JSON.stringify(name)} ${problem}`, { hint: `such as ${flag} shop` });
}

/** @throws TouchmarkError `usage-argument` */
export function checkPattern(flag: string, pattern: string): void {
  const problem = repositoryPatternProblem(pattern);
  if (problem !== undefined)
    fail('usage-argument', `${flag}: ${JSON.stringify(pattern)} ${problem}`, {
      hint: 'a pattern is registry/path; * stays within one part, ** is any number: registry.example/shop/*',
    });
}

function readTime(flag: string, text: string): string {
  if (DURATION.test(text)) return text;
  return fail('usage-argument', `${flag}${text}: this is not a time such as 60d, 12h or 30m`, {
    hint: 'write a number and s, m, h or d',
  });
}
