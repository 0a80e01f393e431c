import { describe, expect, test } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import { computeDigest } from '../../../src/base/digest.js';
import type { ScannedImage } from '../../../src/inheritance/attribute-reports.js';
import { buildInheritance, type InheritanceNode } from '../../../src/inheritance/index.js';
import type { Lineage } from '../../../src/inheritance/lineage.js';
import type { AttributedFinding } from '../../../src/verify/attribute-report.js';
import {
  digestOf,
  findingIn,
  type LineageDraft,
  leadsTo,
  lineageOf,
  lookupsOf,
  NOW,
  type StageDraft,
} from './lineages.js';

const base: StageDraft = { name: 'base', adds: ['b1', 'b2'] };
const runtime: StageDraft = { name: 'runtime', adds: ['r1'] };
const image = (reference: string, stages: readonly StageDraft[], more: Partial<LineageDraft> = {}) =>
  lineageOf({ reference, stages, ...more });
const build = (...lineages: readonly Lineage[]) => buildInheritance(lineages, lookupsOf(), NOW);

/** `depth+layers name,name (children)`: the shape of a tree. */
function shapeOf(node: InheritanceNode): string {
  const names = node.images.map(({ asked, repository }) => asked[0] ?? repository?.split('/').at(-1));
  const children = node.children.map(shapeOf).join(' ');
  return `${node.depth}:${names.join(',')}${children === '' ? '' : `(${children})`}`;
}

describe('images join where their layers meet', () => {
  test('two images on one chain', () => {
    const root = build(
      image('app:1', [base, runtime, { name: 'app', adds: ['a1'] }]),
      image('worker:1', [base, runtime, { name: 'worker', adds: ['w1', 'w2'] }]),
    );
    expect(shapeOf(root)).toBe('0:(2:base(3:runtime(4:app:1 5:worker:1)))');
    const [baseNode] = root.children;
    expect(baseNode).toMatchObject({ adds: { layers: 2, bytes: 32_252_689 }, owners: [{ team: 'base' }] });
    // One claim, however many images stand on it.
    expect(baseNode?.images[0]?.marks).toHaveLength(1);
    expect(baseNode?.images[0]).toMatchObject({ basis: 'proven', state: null, asked: [] });
  });

  test('images that only share layers part at a place without an image', () => {
    const part = image('b:1', [{ name: 'b', adds: ['x', 'y', 'b'] }], { state: 'unverified' });
    const root = build(image('a:1', [{ name: 'a', adds: ['x', 'y', 'a'] }], { state: 'unverified' }), part);
    expect(shapeOf(root)).toBe('0:(2:(3:a:1 3:b:1))');
    expect(root.children[0]).toMatchObject({ images: [], adds: { layers: 2 }, owners: [] });
  });

  test('one image is what another stands on', () => {
    const root = build(image('app:1', [base, { name: 'app', adds: ['a1'] }]), image('base:1', [base]));
    expect(shapeOf(root)).toBe('0:(2:base:1(3:app:1))');
    expect(root.children[0]?.images).toHaveLength(1);
  });

  test('identical images are one, with both names', () => {
    const root = build(image('app:1', [base]), image('app:latest', [base]));
    expect(shapeOf(root)).toBe('0:(2:app:1)');
    expect(root.children[0]?.images[0]).toMatchObject({
      asked: ['app:1', 'app:latest'],
      currency: { names: [{ name: 'app:1' }, { name: 'app:latest' }] },
    });
  });

  test('the same layers with another config are two images of one place', () => {
    const root = build(image('a:1', [base]), image('b:1', [base, { name: 'b', adds: [] }]));
    expect(shapeOf(root)).toBe('0:(2:a:1,b:1)');
    expect(root.children[0]?.images.map(({ marks }) => marks[0]?.kind)).toEqual(['add', 'config']);
  });

  test('an image without layers is scratch', () => {
    const root = build(image('empty:1', [{ name: 'empty', adds: [] }]), image('app:1', [base]));
    expect(shapeOf(root)).toBe('0:empty:1(2:app:1)');
    expect(root).toMatchObject({ chainID: 'empty', adds: { layers: 0, bytes: 0 } });
  });

  test('a layer that is there twice counts twice', () => {
    const root = build(
      image('once:1', [{ name: 'once', adds: ['e'] }]),
      image('twice:1', [{ name: 'twice', adds: ['e', 'e'] }]),
      image('more:1', [{ name: 'more', adds: ['e', 'e', 'e', 'm'] }]),
    );
    expect(shapeOf(root)).toBe('0:(1:once:1(2:twice:1(4:more:1)))');
  });

  test('a layer made to have the ChainID of two joins nothing', () => {
    const fake = computeDigest(utf8(`${digestOf('b1')} ${digestOf('b2')}`));
    const honest = image('base:1', [base]);
    const evil = image('evil:1', [{ name: 'evil', adds: ['x'] }], { more: { diffIDs: [fake] } });
    const root = build(honest, evil);
    expect(root.children.map(({ chainID }) => chainID)).toEqual([fake, fake]);
    expect(shapeOf(root)).toBe('0:(2:base:1 1:evil:1)');
  });

  test('no image gives scratch alone; sizes that are not known stay so', () => {
    expect(shapeOf(build())).toBe('0:');
    expect(build(image('a:1', [base], { more: { sizes: null } })).children[0]?.adds.bytes).toBeNull();
  });

  test('branches stand in the order of the command line', () => {
    const root = build(
      ...['c', 'a', 'b'].map(name =>
        image(`${name}:1`, [base, { name, adds: [name] }], { state: 'unverified' }),
      ),
    );
    expect(shapeOf(root)).toBe('0:(2:base(3:c:1 3:a:1 3:b:1))');
  });
});

describe('what is not proven', () => {
  const failed = image('tool:1', [{ name: 'tool', adds: ['b1', 'b2', 't1'] }], {
    state: 'failed',
    code: 'no-marks',
  });

  test('an image whose chain does not hold is there by its layers, and nobody stands for its own', () => {
    const root = build(failed, image('app:1', [base, { name: 'app', adds: ['a1'] }]));
    expect(shapeOf(root)).toBe('0:(2:base(3:tool:1 3:app:1))');
    const [tool, app] = root.children[0]?.children ?? [];
    expect(tool).toMatchObject({
      owners: [],
      images: [{ basis: 'asked', state: 'failed', code: 'no-marks', marks: [] }],
    });
    expect(app).toMatchObject({ owners: [{ team: 'app' }], images: [{ state: 'verified', code: null }] });
  });

  test('an image that is proven below another and fails by itself has both said of it', () => {
    const alone = image('base:1', [base], { state: 'failed', code: 'step-missing' });
    const root = build(alone, image('app:1', [base, { name: 'app', adds: ['a1'] }]));
    expect(root.children[0]?.images).toMatchObject([
      { basis: 'proven', state: 'failed', code: 'step-missing', marks: [{ team: 'base' }] },
    ]);
  });

  test('two chains that give one layer to two teams are both shown', () => {
    const root = build(image('a:1', [base]), image('b:1', [{ name: 'other', adds: ['b1', 'b2'] }]));
    expect(root.children[0]?.owners.map(({ team }) => team)).toEqual(['base', 'other']);
  });
});

describe('up to date or not', () => {
  const tag = 'registry.example/shop/base:12';
  const named = [
    { ...base, tag },
    { name: 'app', adds: ['a1'] },
  ];
  const currencyIn = (lookup?: Parameters<typeof lookupsOf>[0], stages: readonly StageDraft[] = named) =>
    buildInheritance([image('app', stages)], lookupsOf(lookup), NOW).children[0]?.images[0]?.currency;

  test('a tag that leads to it, by itself or by its index', () => {
    expect(currencyIn({ [tag]: leadsTo('base') })).toMatchObject({
      state: 'current',
      names: [{ by: 'store' }],
    });
    const index = leadsTo('an index', 'tuf', [digestOf('manifest base')]);
    expect(currencyIn({ [tag]: index })).toMatchObject({ state: 'current', names: [{ by: 'tuf' }] });
    const through = [{ ...base, tag, more: { index: digestOf('manifest an index') } }, ...named.slice(1)];
    expect(currencyIn({ [tag]: leadsTo('an index') }, through)).toMatchObject({ state: 'current' });
  });

  test('a tag that leads elsewhere', () => {
    expect(currencyIn({ [tag]: leadsTo('newer') })).toMatchObject({
      state: 'behind',
      names: [{ name: tag, now: digestOf('manifest newer'), code: null }],
    });
  });

  test('what could not be looked up is unknown, never current', () => {
    const lookup = { kind: 'unknown', code: 'net-timeout', why: 'no answer' } as const;
    expect(currencyIn({ [tag]: lookup })).toMatchObject({
      state: 'unknown',
      names: [{ now: null, by: null, code: 'net-timeout', why: 'no answer' }],
    });
    expect(currencyIn()).toMatchObject({ state: 'unknown' });
    // Nothing is known without a name either.
    expect(currencyIn({}, [base])).toEqual({ state: 'unknown', names: [] });
    // A release whose index cannot be read may hold the image.
    const unread = { ...leadsTo('an index', 'tuf'), children: null } as const;
    expect(currencyIn({ [tag]: unread })).toMatchObject({ state: 'unknown' });
  });

  test('of several names the worst counts', () => {
    const second = 'registry.example/shop/base:12.1';
    const names = [tag, second].map(name => ({ name, from: 'annotation' as const }));
    const twice = [{ ...base, more: { names } }, ...named.slice(1)];
    const good = leadsTo('base');
    const unknown = { kind: 'unknown', code: null, why: 'not asked' } as const;
    const stateOf = (a: typeof good | typeof unknown, b: typeof good | typeof unknown) =>
      currencyIn({ [tag]: a, [second]: b }, twice)?.state;
    expect(stateOf(good, good)).toBe('current');
    expect(stateOf(good, unknown)).toBe('unknown');
    expect(stateOf(unknown, leadsTo('newer'))).toBe('behind');
  });

  test('a channel counts how far', () => {
    const stages = [{ ...base, more: { channel: 'stable' } }, ...named.slice(1)];
    const inChannel = (...releases: string[]) => {
      const channel = releases.map(name => [digestOf(`manifest ${name}`)]);
      const lookups = lookupsOf({}, new Map([['stable', channel]]));
      return buildInheritance([image('app', stages)], lookups, NOW).children[0]?.images[0]?.currency.names[0];
    };
    expect(inChannel('base', 'older')).toMatchObject({ state: 'current', by: 'tuf', behind: 0 });
    expect(inChannel('newest', 'newer', 'base')).toMatchObject({ state: 'behind', behind: 2 });
    expect(inChannel('newest')).toMatchObject({ state: 'behind', behind: null });
    expect(currencyIn({}, stages)).toMatchObject({
      state: 'unknown',
      names: [{ kind: 'channel', by: null }],
    });
  });
});

describe('findings of scanners', () => {
  const app = image('app:1', [base, { name: 'app', adds: ['a1', 'a2'] }]);
  const worker = image('worker:1', [base, { name: 'worker', adds: ['w1'] }]);
  const countsOf = (...scanned: readonly ScannedImage[]) => {
    const root = buildInheritance([app, worker], lookupsOf(), NOW, scanned);
    const [below] = root.children;
    return [below, ...(below?.children ?? [])].map(node => node?.findings?.total ?? null);
  };
  const scan = (reference: string, ...findings: readonly AttributedFinding[]) => {
    return { reference, reports: 1, findings };
  };

  test('stand at the layers of their owners, and are not counted where nobody has scanned', () => {
    expect(countsOf()).toEqual([null, null, null]);
    expect(countsOf(scan('app:1'))).toEqual([0, 0, null]);
    expect(countsOf(scan('app:1', findingIn('a', 'low', 0), findingIn('b', 'high', 3)))).toEqual([
      1,
      1,
      null,
    ]);
    // In two places it is for both to mend; nobody's is at no layer.
    expect(countsOf(scan('app:1', findingIn('a', 'low', 1, 2), findingIn('c', 'high')))).toEqual([
      1,
      1,
      null,
    ]);
  });

  test('are counted once, however many images and reports have them, by the graver word', () => {
    const scanned = [
      scan('app:1', findingIn('a', 'low', 0), findingIn('a', 'low', 1)),
      scan('worker:1', findingIn('a', 'high', 0), findingIn('w', 'unknown', 2)),
    ];
    expect(countsOf(...scanned)).toEqual([1, 0, 1]);
    const [below] = buildInheritance([app, worker], lookupsOf(), NOW, scanned).children;
    expect(below?.findings?.bySeverity).toMatchObject({ high: 1, low: 0 });
  });
});
