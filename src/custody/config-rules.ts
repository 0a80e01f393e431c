import type { Digest } from '../base/digest.js';
import { matchGlob } from '../base/glob.js';
import type { JsonObject } from '../base/json.js';
import { canonicalJson } from './claim-digest.js';
import { type ConfigChange, compareConfigs } from './config-delta.js';
import { type Finding, failure, warning } from './finding.js';
import type { Image } from './image.js';
import type { ConfigRules, CustodyPolicy } from './policy.js';
import { type Chain, type Link, whereOf } from './walk.js';

/** The config of a link, read strictly; undefined when its bytes are not at hand. A digest is all that names it. */
export type ConfigSource = (digest: Digest) => JsonObject | undefined;

/**
 * I14 and the rules over config keys: what each step changed between its base's config and its own. A step without rules
 * is free, so its config is not asked for. What is adopted was not written here: the rules begin behind it.
 */
export function checkConfigRules(
  chain: Chain,
  policy: CustodyPolicy,
  configOf: ConfigSource,
): readonly Finding[] {
  return chain.links.flatMap((link, at) => {
    const { step, kind } = link.claim;
    const rules = Object.hasOwn(policy.config, step) ? policy.config[step] : undefined;
    if (rules === undefined || kind === 'adopt') return [];
    const prev = chain.links[at - 1];
    // Without what it was built on there is nothing to compare, and the chain has failed already.
    if (prev === undefined && link.claim.prev !== undefined) return [];
    const after = configOf(link.claim.subject.config.digest);
    const before = prev && configOf(prev.claim.subject.config.digest);
    if (after === undefined || (prev && before === undefined))
      return [unavailable(after === undefined || !prev ? link : prev)];
    return compareConfigs(before, after)
      .filter(change => !isAllowed(change, rules))
      .map(change => failure('config-denied', whereOf(link), `may not ${describe(change)}`));
  });
}

function unavailable(link: Link): Finding {
  const message = `its config ${link.claim.subject.config.digest} is not at hand, or is not strict JSON, and the policy has rules about config`;
  return failure(
    'config-unavailable',
    whereOf(link),
    message,
    'the custody artifact carries the configs of ancestors',
  );
}

function describe({ key, member, values, ambiguous }: ConfigChange): string {
  const name = member === undefined ? key : `${key}:${member}`;
  if (ambiguous) return `use the key ${name.slice(0, 100)}, which some readers take for another one`;
  const value = values[0] ?? '';
  return value === '' ? `remove or empty ${name}` : `set ${name} to ${JSON.stringify(value.slice(0, 100))}`;
}

/** Deny wins; what neither list names is denied. */
export function isAllowed(change: ConfigChange, rules: ConfigRules): boolean {
  if (change.ambiguous || rules.deny.some(rule => matchesRule(rule, change, 'any'))) return false;
  return rules.allow.some(rule => matchesRule(rule, change, 'every'));
}

/**
 * `Key`, `Key=value`, `Key:member`, `Key:member=value`; `*` stands for any run of characters. A rule without member is
 * about all members. To deny, one value that fits is enough; to allow, all must fit.
 */
function matchesRule(rule: string, change: ConfigChange, values: 'any' | 'every'): boolean {
  const equals = rule.indexOf('=');
  const name = equals < 0 ? rule : rule.slice(0, equals);
  const colon = name.indexOf(':');
  const key = colon < 0 ? name : name.slice(0, colon);
  if (!matches(key, change.key)) return false;
  if (colon >= 0 && !matches(name.slice(colon + 1), change.member ?? '')) return false;
  if (equals < 0) return true;
  const fits = (value: string) => matches(rule.slice(equals + 1), value);
  return values === 'any' ? change.values.some(fits) : change.values.every(fits);
}

function matches(pattern: string, text: string): boolean {
  return pattern === text || (pattern !== '' && matchGlob(pattern, text, ''));
}

/** History is text that any step may rewrite; nothing here rests on it, but scanners guess by it. */
export function checkHistory(chain: Chain, image: Image, configOf: ConfigSource): readonly Finding[] {
  const history = historyOf(image.configDocument);
  const findings: Finding[] = [];
  const real = history.filter(entry => !isEmptyLayer(entry)).length;
  const count = image.manifest.layers.length;
  if (history.length > 0 && real !== count) {
    findings.push(
      warning('history-untrusted', 'image', `the history speaks of ${real} layers, the image has ${count}`),
    );
  }
  const base = chain.links.at(-2);
  const before = base && configOf(base.claim.subject.config.digest);
  if (base && before) {
    const own = historyOf(before);
    const kept = own.every(
      (entry, at) => canonicalJson(entry ?? null) === canonicalJson(history[at] ?? null),
    );
    if (!kept)
      findings.push(
        warning('history-untrusted', 'image', `the history is not that of ${whereOf(base)} continued`),
      );
  }
  return findings;
}

function historyOf(document: JsonObject) {
  const history = document['history'];
  return Array.isArray(history) ? history : [];
}

function isEmptyLayer(entry: unknown): boolean {
  return typeof entry === 'object' && entry !== null && (entry as JsonObject)['empty_layer'] === true;
}
