import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FACTS } from '../../../src/custody/index.js';
import { compilePolicy, lintPolicy } from '../../../src/policy/index.js';
import { root } from '../documents.js';
import { edit, load, parse, refusalOf, SHOP } from './support.js';

const withLines = (...lines: readonly string[]) => `${SHOP}${lines.join('\n')}\n`;

describe('rules about metadata in a document', () => {
  it('become those of the check, with times in milliseconds', async () => {
    const { policy } = await load(
      withLines(
        'metadata:',
        '  os: [linux]',
        '  architecture: [amd64, arm/v7]',
        '  user: { nonRoot: true, allow: ["node", "1000?"] }',
        '  labels: { require: { team: "*" }, forbid: ["debug.*"] }',
        '  ports: { allow: [] }',
        '  healthcheck: { required: true }',
        '  created: { maxAge: 30d }',
      ),
    );
    expect(policy.metadata).toEqual({
      os: ['linux'],
      architecture: ['amd64', 'arm/v7'],
      user: { nonRoot: true, allow: ['node', '1000?'] },
      labels: { require: { team: '*' }, forbid: ['debug.*'] },
      ports: { allow: [] },
      healthcheck: { required: true },
      created: { maxAge: 30 * 86_400_000, skew: 300_000 },
    });
    expect((await load(SHOP)).policy.metadata).toBeUndefined();
  });

  it.each([
    ['metadata: {}', 'metadata asks for nothing'],
    ['metadata: { user: {} }', 'metadata.user asks for nothing'],
    ['metadata: { user: { nonRoot: false } }', 'metadata.user asks for nothing'],
    ['metadata: { user: { nonroot: true } }', 'metadata.user.nonroot is an unknown key'],
    ['metadata: { User: { nonRoot: true } }', 'metadata.User is an unknown key'],
    ['metadata: { os: [] }', 'metadata.os allows none'],
    ['metadata: { architecture: ["amd 64"] }', 'metadata.architecture[0]: "amd 64" is no architecture'],
    ['metadata: { labels: {} }', 'metadata.labels has neither require nor forbid'],
    ['metadata: { labels: { forbid: ["a**"] } }', 'metadata.labels.forbid[0]: the pattern "a**" has **'],
    [
      'metadata: { labels: { require: { team: "a**" } } }',
      'metadata.labels.require.team: the pattern "a**" has **',
    ],
    [
      'metadata: { labels: { require: { debug.x: "*" }, forbid: ["debug.*"] } }',
      'is forbidden by "debug.*" too, so that no image could pass',
    ],
    ['metadata: { base: { allow: [] } }', 'metadata.base.allow allows none'],
    ['metadata: { ports: {} }', 'metadata.ports.allow is missing'],
    ['metadata: { ports: { allow: [8080] } }', 'metadata.ports.allow[0] must be a text'],
    ['metadata: { healthcheck: { required: false } }', 'metadata.healthcheck.required must be true'],
    ['metadata: { created: { maxAge: 2w } }', 'metadata.created.maxAge: "2w" is not a time'],
    ['predicates: [{ name: a, when: "true" }]', 'predicates[0].when is an unknown key'],
    ['predicates: [{ name: a, require: "" }]', 'predicates[0].require is empty'],
    [
      'predicates: [{ name: a, require: "true" }, { name: a, require: "true" }]',
      'predicates[1].name: "a" stands there already',
    ],
  ])('are refused: %s', (line, message) => {
    const refusal = refusalOf(() => parse(withLines(line)));
    expect(refusal?.code).toBe('policy-invalid');
    expect(
      [refusal?.message, ...((refusal?.details['problems'] as string[] | undefined) ?? [])].join('\n'),
    ).toContain(message);
  });

  it('that whoever builds can meet by writing what they ask for are worth a note', async () => {
    const codes = async (text: string) =>
      lintPolicy(await load(text)).flatMap(({ code, path, message }) =>
        code === 'metadata-asserted' ? [`${path}: ${message.split(':')[0]}`] : [],
      );
    expect(
      await codes(withLines('metadata: { user: { nonRoot: true }, labels: { forbid: [run] } }')),
    ).toEqual([]);
    const labels = 'metadata: { labels: { require: { team: "*" } } }';
    expect(await codes(withLines(labels))).toEqual(['metadata.labels: labels']);
    expect(await codes(withLines('metadata: { base: { allow: ["*"] }, created: { maxAge: 9d } }'))).toEqual([
      'metadata.created: created, base',
    ]);
    // Where each step has its rules about config, these say who may set a label.
    const narrow = edit(
      'config:\n',
      'config:\n  upstream: { deny: ["*"] }\n  base: { deny: ["*"] }\n',
      withLines(labels),
    );
    expect(await codes(narrow)).toEqual([]);
  });
});

describe('predicates in a document', () => {
  it('are those of both keys, and an empty one is none', async () => {
    const { policy } = await load(
      withLines(
        'predicate: "!user.root"',
        'predicates: [{ name: one, require: "tag != \\"\\"", message: no tag }]',
      ),
    );
    expect(policy.predicates).toMatchObject([
      { name: undefined, expression: '!user.root', message: undefined },
      { name: 'one', expression: 'tag != ""', message: 'no tag' },
    ]);
    expect((await load(withLines('predicate: ""'))).policy.predicates).toEqual([]);
  });

  it.each([
    ['predicate: "user.rot"', 'line 34, column 12: predicate: at character 6, "rot": no such key: rot'],
    ['predicate: "user.root &&"', 'predicate: at its end: unexpected token'],
    ['predicate: "user.name"', 'predicate: at character 1, "user.name": comes to a string'],
    [
      'predicates: [{ name: a, require: "age < 5" }]',
      'predicates[0].require: at character 1, "age < 5": there is no fact "age"',
    ],
  ])('are refused with their place: %s', async (line, message) => {
    const failure = await load(withLines(line)).then(
      () => undefined,
      error => error,
    );
    expect(failure?.code).toBe('policy-invalid');
    expect(failure?.message).toContain(message);
  });

  it('that say nothing, or what anybody can write, are found', async () => {
    const found = async (predicate: string) =>
      lintPolicy(await load(withLines(`predicate: '${predicate}'`))).flatMap(({ code, path }) =>
        path === 'predicate' ? [code] : [],
      );
    expect(await found('1 < 2')).toEqual(['predicate-constant']);
    expect(await found('labels["a"] == "b" && created.age < 9')).toEqual(['predicate-asserted']);
    expect(await found('labels["a"] == "b" && setBy["Labels:a"] == "base"')).toEqual([]);
    expect(await found('["labels"].exists(layers, layers == labels.a)')).toEqual(['predicate-asserted']);
  });

  it('are never left out: a document that has some is not compiled without', () => {
    const parsed = parse(withLines('predicate: "!user.root"'));
    expect(() => compilePolicy(parsed, () => [])).toThrow('the predicates of the policy were not compiled');
  });
});

it('the page on metadata has each fact, with its type and what it rests on', () => {
  const page = readFileSync(join(root, 'docs/policy/metadata.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `(\w+)` +\| `([^`]+)` +\| (\w+) +\| (.*?) +\|$/gm)].map(row =>
    row.slice(1),
  );
  expect(rows).toEqual(
    Object.entries(FACTS).map(([name, { type, standing, says }]) => [name, type, standing, says]),
  );
});
