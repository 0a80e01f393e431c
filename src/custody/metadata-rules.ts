import { compileGlob } from '../base/glob.js';
import { LIMITS } from '../base/limits.js';
import type { ImageFacts } from './facts.js';
import { doubt, type Finding, failure } from './finding.js';
import type { MetadataRules } from './policy.js';

/**
 * What the finished image must be, whoever made it so; who may change a key of the config is the business of config rules.
 * Every rule that does not hold has a finding, with the team that set the value where the chain tells it.
 */
export function checkMetadata(rules: MetadataRules, facts: ImageFacts): readonly Finding[] {
  const size = textSize(facts);
  if (size > LIMITS.metadataText) {
    const message = `labels, annotations, environment, ports and volumes have ${size} characters; at most ${LIMITS.metadataText} are looked at`;
    return [doubt('limit-exceeded', 'metadata', message)];
  }
  return [
    ...checkPlatform(rules, facts),
    ...checkUser(rules, facts),
    ...checkNames('labels', 'label', rules, Object.entries(facts.labels), facts),
    ...checkNames('annotations', 'annotation', rules, Object.entries(facts.annotations), facts),
    ...checkNames(
      'environment',
      'variable',
      rules,
      facts.environment.map(({ name, value }) => [name, value]),
      facts,
    ),
    ...checkEntries('ports', 'port', rules, 'ExposedPorts', facts),
    ...checkEntries('volumes', 'volume', rules, 'Volumes', facts),
    ...checkEntrypoint(rules, facts),
    ...checkHealth(rules, facts),
    ...checkCreated(rules, facts),
    ...checkBase(rules, facts),
  ];
}

/** What patterns are held to: each goes through a text once, and there may be many of both. */
function textSize({
  labels,
  annotations,
  environment,
  ports,
  volumes,
  entrypoint,
  user,
}: ImageFacts): number {
  const texts = [
    ...Object.entries(labels).flat(),
    ...Object.entries(annotations).flat(),
    ...environment.flatMap(({ name, value }) => [name, value]),
    ...[...ports, ...volumes, ...entrypoint, user.name],
  ];
  return texts.reduce((sum, text) => sum + text.length, 0);
}

function denied(rule: string, message: string, hint?: string): Finding {
  return failure('metadata-denied', `metadata ${rule}`, message, hint);
}

/** Behind a value: who is to be asked about it. */
function setBy(facts: ImageFacts, key: string): string {
  const team = facts.setBy && Object.hasOwn(facts.setBy, key) ? facts.setBy[key] : undefined;
  return team === undefined ? '' : `, set by team ${team}`;
}

/** Patterns are few and names are many: each pattern is compiled once. An empty text fits only what is all wildcard. */
function fitting(patterns: readonly string[]): (text: string) => boolean {
  const globs = patterns.map(pattern =>
    pattern === '' ? (text: string) => text === '' : compileGlob(pattern, ''),
  );
  return text => globs.some(glob => glob(text));
}

function shown(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}

function checkPlatform({ os, architecture }: MetadataRules, facts: ImageFacts): Finding[] {
  const findings: Finding[] = [];
  if (os && !os.includes(facts.os))
    findings.push(denied('os', `is for ${shown(facts.os)}, not for ${os.join(' or ')}`));
  const full = facts.variant === '' ? facts.architecture : `${facts.architecture}/${facts.variant}`;
  if (architecture && !architecture.some(allowed => allowed === facts.architecture || allowed === full))
    findings.push(denied('architecture', `is for ${shown(full)}, not for ${architecture.join(' or ')}`));
  return findings;
}

function checkUser({ user }: MetadataRules, facts: ImageFacts): Finding[] {
  if (!user) return [];
  const { name, id, root } = facts.user;
  const who = name === '' ? 'no user, which is root' : shown(name);
  const by = setBy(facts, 'User');
  const isAllowed = user.allow !== undefined && fitting(user.allow)(name);
  if (user.nonRoot && root)
    return [denied('user', `runs as ${who}${by}`, 'set USER to a number other than 0')];
  if (user.allow && !isAllowed)
    return [denied('user', `runs as ${who}${by}; allowed are ${user.allow.join(', ') || 'none'}`)];
  // Only the image's own /etc/passwd says which number a name is, and its builders write that.
  if (user.nonRoot && id === undefined && !isAllowed)
    return [
      denied(
        'user',
        `runs as ${who}${by}, a name, and any name may be that of root inside the image`,
        'set USER to a number, or let the policy allow the name',
      ),
    ];
  return [];
}

/** Keys of the config whose members these are; annotations stand in the manifest, which no step below has signed. */
const CONFIG_KEYS = { labels: 'Labels', environment: 'Env', annotations: undefined } as const;

function checkNames(
  rule: keyof typeof CONFIG_KEYS,
  what: string,
  rules: MetadataRules,
  entries: readonly (readonly [name: string, value: string])[],
  facts: ImageFacts,
): Finding[] {
  const { require = {}, forbid = [] } = rules[rule] ?? {};
  const key = CONFIG_KEYS[rule];
  const by = (name: string) => (key === undefined ? '' : setBy(facts, `${key}:${name}`));
  const required = Object.entries(require).flatMap(([name, pattern]) => {
    const values = entries.filter(([own]) => own === name).map(([, value]) => value);
    if (values.length === 0) return [denied(rule, `the ${what} ${name} is missing`)];
    const fits = fitting([pattern]);
    // One that is set twice is read in either way, so each must fit.
    return values
      .filter(value => !fits(value))
      .map(value =>
        denied(rule, `the ${what} ${name} is ${shown(value)}${by(name)}, which is not ${shown(pattern)}`),
      );
  });
  const forbidden = forbid.flatMap(pattern => {
    const fits = fitting([pattern]);
    return firstFew(
      rule,
      entries.filter(([name]) => fits(name)),
      ([name]) => `the ${what} ${shown(name)} is there${by(name)}; ${pattern} is forbidden`,
    );
  });
  return [...required, ...forbidden];
}

function checkEntries(
  rule: 'ports' | 'volumes',
  what: string,
  rules: MetadataRules,
  key: string,
  facts: ImageFacts,
): Finding[] {
  const allow = rules[rule]?.allow;
  if (allow === undefined) return [];
  const isAllowed = fitting(allow);
  return firstFew(
    rule,
    facts[rule].filter(entry => !isAllowed(entry)),
    entry =>
      `has the ${what} ${shown(entry)}${setBy(facts, `${key}:${entry}`)}; allowed are ${allow.join(', ') || 'none'}`,
  );
}

const SHOWN = 5;

/** An image may have as many wrong entries as it likes; a few say all. */
function firstFew<T>(rule: string, wrong: readonly T[], say: (entry: T) => string): Finding[] {
  const findings = wrong.slice(0, SHOWN).map(entry => denied(rule, say(entry)));
  return wrong.length > SHOWN
    ? [...findings, denied(rule, `and ${wrong.length - SHOWN} more that are not allowed`)]
    : findings;
}

function checkEntrypoint({ entrypoint }: MetadataRules, facts: ImageFacts): Finding[] {
  if (!entrypoint) return [];
  const [program] = facts.entrypoint;
  const allowed = `allowed are ${entrypoint.allow.join(', ')}`;
  if (program === undefined) return [denied('entrypoint', `has no entrypoint; ${allowed}`)];
  if (fitting(entrypoint.allow)(program)) return [];
  return [denied('entrypoint', `runs ${shown(program)}${setBy(facts, 'Entrypoint')}; ${allowed}`)];
}

function checkHealth({ healthcheck }: MetadataRules, facts: ImageFacts): Finding[] {
  if (!healthcheck?.required) return [];
  const [kind] = facts.healthcheck;
  if (kind === undefined) return [denied('healthcheck', 'has no healthcheck')];
  return kind === 'NONE'
    ? [denied('healthcheck', `its healthcheck is switched off${setBy(facts, 'Healthcheck')}`)]
    : [];
}

function checkCreated({ created }: MetadataRules, facts: ImageFacts): Finding[] {
  if (!created) return [];
  const { time, age } = facts.created;
  const by = setBy(facts, '/created');
  if (time === undefined) return [denied('created', 'does not say when it was created')];
  if (age === undefined)
    return [denied('created', `says that it was created at ${shown(time)}${by}, which is no time`)];
  if (age < -created.skew / 1000) return [denied('created', `says ${time}${by}, which lies ahead`)];
  if (age * 1000 <= created.maxAge) return [];
  return [
    denied('created', `was created at ${time} by its own word${by}, which is too long ago`, 'rebuild it'),
  ];
}

function checkBase({ base }: MetadataRules, facts: ImageFacts): Finding[] {
  if (!base) return [];
  const { name } = facts.base;
  const allowed = `allowed are ${base.allow.join(', ')}`;
  if (name === undefined) return [denied('base', `names no base; ${allowed}`)];
  if (fitting(base.allow)(name)) return [];
  return [denied('base', `names the base ${shown(name)}; ${allowed}`)];
}
