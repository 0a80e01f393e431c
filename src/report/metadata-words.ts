import type { CustodyPolicy, MetadataRules } from '../custody/index.js';
import { formatAge } from './custody-words.js';

/** What a policy says that the finished image must be, a sentence for each rule. */
export interface MetadataWords {
  /** As in the document, and in the `where` of findings: `metadata user`. */
  readonly rule: string;
  readonly asks: string;
}

export function sayMetadata(rules: MetadataRules | undefined): readonly MetadataWords[] {
  if (rules === undefined) return [];
  const { os, architecture, user, entrypoint, ports, volumes, healthcheck, created, base } = rules;
  const sentences: readonly (readonly [keyof MetadataRules, string | undefined])[] = [
    ['os', os && `is for ${os.join(' or ')}`],
    ['architecture', architecture && `is for ${architecture.join(' or ')}`],
    ['user', user && sayUser(user)],
    ['entrypoint', entrypoint && `the program is ${listed(entrypoint.allow)}`],
    ['ports', ports && `names no port${exceptFor(ports.allow)}`],
    ['volumes', volumes && `has no volume${exceptFor(volumes.allow)}`],
    ...(['environment', 'labels', 'annotations'] as const).map(
      key => [key, rules[key] && sayNames(rules[key])] as const,
    ),
    ['healthcheck', healthcheck?.required ? 'has a healthcheck' : undefined],
    [
      'created',
      created && `is at most ${formatAge(created.maxAge / 1000)} old, by the word of whoever built it`,
    ],
    ['base', base && `says that its base is ${listed(base.allow)}`],
  ];
  return sentences.flatMap(([key, asks]) => (asks === undefined ? [] : [{ rule: `metadata ${key}`, asks }]));
}

export interface PredicateWords extends MetadataWords {
  readonly message: string | undefined;
}

export function sayPredicates({ predicates = [] }: CustodyPolicy): readonly PredicateWords[] {
  return predicates.map(({ name, expression, message }) => ({
    rule: name === undefined ? 'predicate' : `predicate ${name}`,
    asks: expression.replaceAll(/\s+/g, ' ').trim(),
    message,
  }));
}

function exceptFor(patterns: readonly string[]): string {
  return patterns.length === 0 ? '' : ` but ${listed(patterns)}`;
}

function listed(patterns: readonly string[]): string {
  return patterns.join(' or ') || 'none';
}

function sayUser({ nonRoot, allow }: NonNullable<MetadataRules['user']>): string {
  const which = allow === undefined ? '' : ` ${listed(allow)}`;
  if (!nonRoot) return `runs as${which}`;
  return allow === undefined ? 'runs as a number other than 0' : `does not run as root, and runs as${which}`;
}

function sayNames({ require = {}, forbid = [] }: NonNullable<MetadataRules['labels']>): string {
  const required = Object.entries(require).map(([name, pattern]) =>
    pattern === '*' ? name : `${name}=${pattern}`,
  );
  return [
    ...(required.length === 0 ? [] : [`has ${required.join(', ')}`]),
    ...(forbid.length === 0 ? [] : [`never ${forbid.join(', ')}`]),
  ].join('; ');
}
