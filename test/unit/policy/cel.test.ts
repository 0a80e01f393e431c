import { Environment } from '@marcbachmann/cel-js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CelOutcome, type CelValue, openCel, toCelValue } from '../../../src/policy/cel/index.js';

const compile = openCel({
  types: {
    User: { name: 'string', id: 'int', root: 'bool' },
    Layer: { team: 'string', size: 'int', signers: 'list<string>' },
  },
  variables: {
    labels: 'map<string, string>',
    user: 'User',
    layers: 'list<Layer>',
    numbers: 'list<int>',
    texts: 'list<string>',
    count: 'int',
    text: 'string',
    flag: 'bool',
    document: 'dyn',
    absent: 'string',
  },
});

const FACTS = {
  labels: { 'a.b': 'x', empty: '', ['__proto__']: 'p', long: 'aaaa' },
  user: { name: 'app', root: false },
  layers: [
    { team: 'base', size: 10, signers: ['linus', 'grace'] },
    { team: 'app', size: 5, signers: [] },
  ],
  numbers: [1, 2, 3],
  texts: ['a', 'bb'],
  count: 3,
  text: 'Grüße 𝄞',
  flag: true,
  document: { n: 1.5, big: 2n ** 62n, list: [null, true], deep: { er: [1] } },
};

function valuesOf(facts: object): ReadonlyMap<string, CelValue> {
  return new Map(Object.entries(facts).map(([name, value]) => [name, toCelValue(value)]));
}

async function outcomeOf(expression: string, facts: object = FACTS): Promise<CelOutcome> {
  const program = await compile(expression);
  if ('problem' in program) throw new Error(`${expression}: ${program.problem}`);
  return program.evaluate(valuesOf(facts));
}

describe('an expression that is true', () => {
  it.each([
    'labels["a.b"] == "x" && labels.long.startsWith("a") && labels.long.endsWith("aa")',
    'labels.all(name, name != "") && labels.exists(name, labels[name] == "")',
    'has(labels.empty) && !has(labels.missing) && !has(user.id) && "a.b" in labels && !("b" in labels)',
    'labels["__proto__"] == "p" && !("constructor" in labels) && !("toString" in labels)',
    'layers.exists_one(l, l.team == "app") && layers.map(l, l.size) == [10, 5]',
    'layers.filter(l, l.signers.size() == 0).map(l, l.team) == ["app"]',
    'layers.map(l, l.size > 5, l.team)[0] == "base" && size(layers) == 2',
    'layers.all(l, layers.exists(m, m.size >= l.size))',
    'text.size() == 7 && text.contains("üß") && text.upperAscii() == "GRüßE 𝄞" && text.lowerAscii() == "grüße 𝄞"',
    'text.matches("^Gr.*𝄞$") && !text.matches("^(a+)+$") && text.matches("ü")',
    '" a b ".trim().split(" ").join("-") == "a-b" && ["x", "y"].join() == "xy"',
    'count * 2 - 1 == 5 && 7 / 2 == 3 && -7 % 3 == -1 && -count == -3',
    '1.5 + 1.0 == 2.5 && double(count) == 3.0 && int("12") == 12 && int(2.9) == 2 && string(count) == "3"',
    '9007199254740993 > 9007199254740992 && 9223372036854775807 - 1 == 9223372036854775806',
    'flag ? count == 3 : count == 4',
    'document.n > 1 && document.n < 2 && document.big == 4611686018427387904',
    'document.list[0] == null && document.list[1] && document.deep.er == [1]',
    'document.deep == {"er": [1]} && document.deep != {"er": [2]}',
    '"b" > "a" && "a" < "ab" && [1, 2] + [3] == numbers && false < true',
    'dyn(1) == dyn(1.0) && dyn("1") != dyn(1) && size({"a": 1}) == 1 && numbers[2] == 3',
    // What decides is enough, whatever is wrong with the rest.
    'labels.missing == "x" || true',
    '[0, 1].exists(n, 1 / n == 1)',
    '!([0, 2].all(n, 1 / n == 1))',
  ])('%s', async expression => {
    expect(await outcomeOf(expression)).toEqual({ result: true });
  });
});

it('says which parts of a conjunction are false, also beside one that has a fault', async () => {
  const expression = 'flag && (count == 3 || flag) && count == 4 && labels.missing == "x" && !flag';
  expect(await outcomeOf(expression)).toEqual({ result: false, parts: ['count == 4', '!flag'] });
});

describe('an expression without a value is no yes', () => {
  it.each([
    ['labels.missing == "x"', 'there is no "missing"'],
    ['user.id > 0', 'there is no "id"'],
    ['numbers[3] == 1', 'the list has no item 3'],
    ['numbers[-1] == 1', 'the list has no item -1'],
    ['1 / (count - 3) == 1', 'it divides by zero'],
    ['1 % (count - 3) == 1', 'it divides by zero'],
    ['9223372036854775807 + count > 0', 'a number does not fit 64 bits'],
    ['-(-9223372036854775807 - 1) > 0', 'an int has no negative'],
    ['int("9223372036854775808") > 0', 'a number does not fit 64 bits'],
    ['int("0x10") == 16', 'it is no whole number'],
    ['double("infinite") > 1.0', 'it is no number'],
    ['absent == "x"', 'absent is not known of this image'],
    ['document.n.startsWith("a")', 'a string is needed, not a double'],
    ['document', 'true or false is needed, not a map'],
    ['document.n && flag', 'true or false is needed, not a double'],
    ['document.missing', 'there is no "missing"'],
    ['document.list < document.list', 'list and list have no order'],
    ['document.all(x, document[x])', 'true or false is needed, not a double'],
    ['labels.all(name, labels[name + "x"] == "")', 'there is no'],
    ['[0, 1].exists(n, 1 / n == 2)', 'it divides by zero'],
    ['[0, 1].exists_one(n, 1 / n == 1)', 'it divides by zero'],
  ])('%s', async (expression, reason) => {
    expect(await outcomeOf(expression)).toMatchObject({
      result: 'fault',
      reason: expect.stringContaining(reason.replace('an int', 'a int')),
    });
  });
});

describe('an expression that is refused', () => {
  it.each([
    ['', 0, 'is empty'],
    ['count', 0, 'comes to a int'],
    ['text', 0, 'comes to a string'],
    ['cuont == 3', 0, 'there is no fact "cuont"'],
    ['labels.exists(l, k == "a")', 17, 'there is no fact "k"'],
    ['flag && user.nmae == "x"', 13, 'no such key: nmae'],
    ['text == 1', 0, 'no such overload'],
    ['count == 1.0', 0, 'no such overload'],
    ['count == ', 9, 'unexpected token'],
    ['text.startWith("a")', 0, 'there is no function "startWith"'],
    ['timestamp("2026-01-01T00:00:00Z") == text', 0, 'there is no function "timestamp"'],
    ['cel.bind(x, 1, x == 1)', 0, 'there is no function "bind"'],
    ['text.matches(labels.a)', 13, 'must be written out'],
    ['text.matches("(?=a)")', 13, 'no RE2'],
    ['text.matches("(a){1001}")', 13, 'no RE2'],
    ['1u == 1u', 0, 'unsigned'],
    ['b"a" == b"a"', 0, 'bytes'],
    ['has(flag)', 4, 'has() asks for a member'],
    ['labels.all("x", true)', 11, 'invalid predicate iteration variable'],
    ['numbers.all(a, numbers.all(b, numbers.all(c, numbers.all(d, numbers.all(e, true)))))', 60, 'deep'],
    [`${'!'.repeat(20_000)}flag`, 0, 'characters'],
    [`${'!'.repeat(8000)}flag`, 0, ''],
    [`${Array(600).fill('flag').join(' && ')}`, 4196, 'maxAstNodes'],
    ['flag ? 1 : text', 0, 'Ternary'],
  ])('%.40s', async (expression, at, problem) => {
    const refused = await compile(expression);
    if (!('problem' in refused)) throw new Error('it was accepted');
    expect(refused.problem.toLowerCase()).toContain(problem.toLowerCase());
    if (problem !== '' && problem !== 'maxAstNodes') expect(refused.at).toBe(at);
  });

  it('with the name that was meant', async () => {
    expect(await compile('user.name.startWith("a")')).toMatchObject({ hint: 'did you mean startsWith?' });
    expect(await compile('lables.x == "a"')).toMatchObject({ hint: 'did you mean labels?' });
  });
});

describe('facts that an attacker chose', () => {
  const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`name-${i}`, `value ${i}`]));
  const megabyte = `${'a'.repeat(1_000_000)}b`;

  it('may be many: a hundred thousand labels are gone through', async () => {
    const facts = { ...FACTS, labels: many };
    expect(await outcomeOf('labels.all(n, n.startsWith("name-") && labels[n] != "")', facts)).toEqual({
      result: true,
    });
  });

  it('may be long: a pattern takes time that is linear in a label of a megabyte', async () => {
    const facts = { ...FACTS, labels: { x: megabyte } };
    expect(await outcomeOf('labels.x.matches("^(a+)+$")', facts)).toMatchObject({ result: false });
  });

  it.each([
    ['lists in lists', 'labels.all(a, labels.all(b, a != b || true))'],
    ['a search for a long text in a long one', 'text.contains(labels.name)'],
    ['long texts put together again and again', 'labels.all(n, (text + text + text).size() > 0)'],
    ['a pattern over and over', 'numbers.exists(a, numbers.exists(b, text.matches("(a|aa)+(b|c){20}")))'],
    ['a list in a list', 'labels.all(n, n in labels.map(m, m))'],
    ['what || absorbs no more than this', 'labels.all(a, labels.all(b, a != "")) || true'],
    ['pieces', 'numbers.all(n, text.split("").size() > 0)'],
  ])('cost no more than the bound: %s', async (_, expression) => {
    const facts = {
      ...FACTS,
      labels: { ...many, name: megabyte },
      text: megabyte,
      numbers: Array(100).fill(1),
    };
    expect(await outcomeOf(expression, facts)).toMatchObject({ result: 'exhausted' });
  });
});

it('agrees with the evaluator of the library on whatever both can evaluate', async () => {
  const environment = new Environment();
  const variables = {
    numbers: 'list<int>',
    texts: 'list<string>',
    count: 'int',
    text: 'string',
    flag: 'bool',
  };
  for (const [name, type] of Object.entries(variables)) environment.registerVariable(name, type);
  const { bool } = fc.letrec<{ bool: string; int: string; string: string }>(tie => ({
    bool: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom('flag', 'true', 'false'),
      fc.tuple(tie('bool'), fc.constantFrom('&&', '||'), tie('bool')).map(parts => `(${parts.join(' ')})`),
      fc
        .tuple(tie('int'), fc.constantFrom('<', '<=', '>', '>=', '==', '!='), tie('int'))
        .map(p => `(${p.join(' ')})`),
      fc.tuple(tie('string'), fc.constantFrom('==', '!='), tie('string')).map(p => `(${p.join(' ')})`),
      tie('bool').map(inner => `!${inner}`),
      fc
        .tuple(tie('string'), fc.constantFrom('startsWith', 'endsWith', 'contains'), tie('string'))
        .map(([a, name, b]) => `${a}.${name}(${b})`),
      fc
        .tuple(fc.constantFrom('all', 'exists', 'exists_one'), tie('bool'))
        .map(([m, b]) => `numbers.${m}(count, ${b})`),
      fc.tuple(fc.constantFrom('all', 'exists'), tie('bool')).map(([m, b]) => `texts.${m}(text, ${b})`),
      fc.tuple(tie('int'), fc.constantFrom('numbers', '[1, count]')).map(p => `(${p.join(' in ')})`),
      fc.tuple(tie('bool'), tie('bool'), tie('bool')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    ),
    int: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom('count', '0', '1', '-3', 'numbers[1]', 'numbers[count]'),
      fc.tuple(tie('int'), fc.constantFrom('+', '-', '*', '/', '%'), tie('int')).map(p => `(${p.join(' ')})`),
      tie('string').map(inner => `size(${inner})`),
      fc.constant('numbers.filter(count, count > 1).size()'),
    ),
    string: fc.oneof(
      { maxDepth: 2 },
      fc.constantFrom('text', '"a"', '""', 'texts[0]'),
      fc.tuple(tie('string'), tie('string')).map(([a, b]) => `(${a} + ${b})`),
      tie('int').map(inner => `string(${inner})`),
    ),
  }));
  const facts = { numbers: [0, 1, 2], texts: ['', 'ab'], count: 2, text: 'a𝄞b', flag: true };
  const theirs = { ...facts, numbers: [0n, 1n, 2n], count: 2n };
  await fc.assert(
    fc.asyncProperty(bool, async expression => {
      const outcome = await outcomeOf(expression, facts);
      let expected: unknown;
      try {
        expected = environment.evaluate(expression, theirs);
      } catch {
        expected = 'fault';
      }
      expect(outcome.result, expression).toBe(expected);
    }),
    { numRuns: 300 },
  );
});
