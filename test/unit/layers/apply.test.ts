import { describe, expect, it } from 'vitest';
import { applyLayer } from '../../../src/layers/apply-layer.js';
import type { Operation } from '../../../src/layers/operation.js';
import { createTree, findNode, ownersOf, pathOf, tombstones, walk } from '../../../src/layers/tree.js';
import { codeOf } from '../support.js';
import { AMBIGUOUS, f, type Layer, link, soft, wh } from './constructs.js';
import { layerOf, type RawEntry } from './tars.js';

/** Applies layers, and says what the last one did and what is there then. */
function stack(...layers: readonly Layer[]) {
  const tree = createTree();
  let done: Operation[] = [];
  for (const entries of layers) {
    done = [];
    applyLayer(tree, layerOf(...entries), operation => done.push(operation));
  }
  const files = [...walk(tree)].slice(1);
  return {
    tree,
    done,
    says: done.map(
      ({ kind, path, through }) => `${kind} ${path}${through === undefined ? '' : ` through ${through}`}`,
    ),
    paths: files.map(node => pathOf(tree, node)),
    owners: Object.fromEntries(
      files.map(node => [pathOf(tree, node), Object.values(ownersOf(tree, node)).join('')]),
    ),
    gone: [...tombstones(tree)].map(({ path, layer, how }) => `${path} ${layer} ${how}`),
  };
}
const refusal = (...layers: readonly Layer[]) => codeOf(() => stack(...layers));

describe('what a layer does', () => {
  const base: Layer = [
    { path: 'etc/' },
    f('etc/a', 'a'),
    f('etc/b', 'b'),
    soft('lib', 'usr/lib'),
    f('usr/lib/x'),
  ];

  it('is an operation for each path, and folders that no entry names are implied', () => {
    expect(stack(base).says).toEqual([
      'add etc',
      'add etc/a',
      'add etc/b',
      'add lib',
      'implied-dir usr',
      'implied-dir usr/lib',
      'add usr/lib/x',
    ]);
  });

  it.each<[string, RawEntry, string]>([
    ['other bytes', f('etc/a', 'c'), 'modify etc/a'],
    ['another kind', soft('etc/a', 'b'), 'modify etc/a'],
    ['the same again', f('etc/a', 'a'), 'noop etc/a'],
    ['the same at another time', f('etc/a', 'a', { mtime: 99 }), 'noop etc/a'],
    ['another mode', f('etc/a', 'a', { mode: 0o600 }), 'metadata etc/a'],
    ['another owner', f('etc/a', 'a', { uid: 1 }), 'metadata etc/a'],
    ['another group', f('etc/a', 'a', { gid: 1 }), 'metadata etc/a'],
    ['a capability', f('etc/a', 'a', { pax: { 'SCHILY.xattr.security.capability': 'c' } }), 'metadata etc/a'],
    ['the same folder', { path: 'etc/' }, 'noop etc'],
    ['the folder with another mode', { path: 'etc/', mode: 0o777 }, 'metadata etc'],
    ['a folder that was implied', { path: 'usr/' }, 'noop usr'],
    ['the same link', soft('lib', 'usr/lib'), 'noop lib'],
    ['the same link with a mode that nobody can set', { ...soft('lib', 'usr/lib'), mode: 0 }, 'noop lib'],
    ['another link', soft('lib', '/usr/lib'), 'modify lib'],
    ['the root as it is', { path: './' }, 'noop '],
    ['the root with another mode', { path: './', mode: 0o700 }, 'metadata '],
    ['a file through a link', f('lib/x', 'y'), 'modify usr/lib/x through lib'],
    ['a whiteout', wh('etc/.wh.a'), 'delete etc/a'],
    ['a whiteout through a link', wh('lib/.wh.x'), 'delete usr/lib/x through lib'],
    ['a whiteout of nothing', wh('etc/.wh.c'), 'dangling etc/c'],
    ['a whiteout below what is not there', wh('opt/d/.wh.c'), 'dangling opt/d/c'],
    ['an opaque mark in a folder of its own', wh('opt/.wh..wh..opq'), 'dangling opt'],
    ['another name', link('etc/c', 'etc/a'), 'link etc/c'],
  ])('%s', (_what, entry, says) => {
    expect(stack(base, [entry]).says).toEqual([says]);
  });

  it('names what was hidden one by one', () => {
    const opaque = stack(base, [wh('etc/.wh..wh..opq'), f('etc/new')]);
    expect(opaque.says).toEqual(['delete etc/a', 'delete etc/b', 'add etc/new']);
    expect(opaque.paths).toContain('etc');
    expect(opaque.gone).toEqual(['etc/a 1 opaque', 'etc/b 1 opaque']);
    const whole = stack(base, [wh('.wh.etc')]);
    expect(whole.says).toEqual(['delete etc', 'delete etc/a', 'delete etc/b']);
    expect(whole.paths).toEqual(['lib', 'usr', 'usr/lib', 'usr/lib/x']);
    const replaced = stack(base, [soft('etc', 'usr')]);
    expect(replaced.says).toEqual(['delete etc/a', 'delete etc/b', 'modify etc']);
    expect(replaced.gone).toEqual(['etc/a 1 replaced', 'etc/b 1 replaced']);
    expect(stack(base, [wh('.wh..wh..opq')]).paths).toEqual([]);
  });

  it('does not depend on where an opaque mark stands', () => {
    const entries = [f('etc/a', 'new'), f('etc/c'), wh('etc/.wh..wh..opq'), { path: 'etc/' }];
    const results = [entries, entries.toReversed()].map(layer => stack(base, layer).paths.toSorted());
    expect(results[0]).toEqual(results[1]);
    expect(results[0]).toEqual(['etc', 'etc/a', 'etc/c', 'lib', 'usr', 'usr/lib', 'usr/lib/x']);
  });

  it('follows links as a runtime does, inside the root', () => {
    const links = [soft('up', '../../../usr'), soft('abs', '/up/lib'), soft('usr/self', '.')];
    const { says } = stack([...base, ...links], [f('abs/y'), f('usr/self/self/z'), f('up/w')]);
    expect(says).toEqual(['add usr/lib/y through abs', 'add usr/z through usr/self', 'add usr/w through up']);
  });

  it('is a replacement when a whiteout stands in front of it', () => {
    expect(stack(base, [wh('etc/.wh.a'), f('etc/a', 'new')]).says).toEqual(['modify etc/a']);
    expect(stack(base, [wh('etc/.wh.a'), { path: 'etc/a/' }, f('etc/a/b')]).says).toEqual([
      'modify etc/a',
      'add etc/a/b',
    ]);
    expect(stack(base, [wh('.wh.etc'), f('etc', 'new')]).says).toEqual([
      'delete etc/a',
      'delete etc/b',
      'modify etc',
    ]);
  });

  it('may put an opaque folder in the place of a link', () => {
    const { says, paths } = stack(base, [{ path: 'lib/' }, wh('lib/.wh..wh..opq'), f('lib/y')]);
    expect(says).toEqual(['modify lib', 'add lib/y']);
    expect(paths).toContain('usr/lib/x');
    expect(refusal(base, [wh('lib/.wh..wh..opq'), { path: 'lib/' }])).toBe('layer-ambiguous');
  });
});

describe('who owns what', () => {
  it.each<[string, Layer, Layer, Record<string, string>]>([
    ['a new file', [f('a')], [f('b')], { a: '000', b: '111' }],
    ['other bytes', [f('a')], [f('a', 'y')], { a: '111' }],
    ['another mode', [f('a')], [f('a', 'x', { mode: 0o600 })], { a: '001' }],
    ['the same again', [f('a')], [f('a')], { a: '000' }],
    ['a folder as it is', [{ path: 'd/' }], [{ path: 'd/' }, f('d/x')], { d: '000', 'd/x': '111' }],
    ['a folder otherwise', [{ path: 'd/' }], [{ path: 'd/', uid: 9 }], { d: '001' }],
    ['an implied folder', [f('d/x')], [{ path: 'd/', mode: 0o700 }], { d: '001', 'd/x': '000' }],
    ['a link within a layer', [f('a')], [f('b', 'y'), link('c', 'b')], { a: '000', b: '111', c: '111' }],
    ['a link to a layer below', [f('a')], [link('c', 'a')], { a: '000', c: '100' }],
    ['one name of two', [f('a'), link('c', 'a')], [f('c', 'y')], { a: '000', c: '111' }],
    ['a link target again', [soft('s', 'a')], [soft('s', 'a')], { s: '000' }],
    ['back after it was gone', [f('a')], [wh('.wh.a')], {}],
    ['a file in the place of a folder', [f('d/x')], [f('d')], { d: '111' }],
    [
      'a folder in the place of a file',
      [f('d')],
      [f('d/', '', { type: '5' }), f('d/x')],
      { d: '111', 'd/x': '111' },
    ],
  ])('%s', (_what, lower, upper, owners) => {
    expect(stack(lower, upper).owners).toEqual(owners);
  });

  it('keeps what a path was before', () => {
    const { tree } = stack(
      [f('a', '0')],
      [f('a', '1')],
      [f('a', '1', { mode: 0o600 })],
      [wh('.wh.a')],
      [f('a', '4')],
    );
    const node = findNode(tree, 'a') ?? -1;
    expect(ownersOf(tree, node)).toEqual({ path: 4, content: 4, meta: 4 });
    expect([...tombstones(tree)]).toMatchObject([
      {
        path: 'a',
        layer: 3,
        was: { path: 1, content: 1, meta: 2, history: [{ content: 0 }, { content: 1, meta: 1 }] },
      },
    ]);
  });
});

describe.each(AMBIGUOUS)('%s', (_what, code, lower, bad, good) => {
  it(`is ${code}`, () => {
    expect(refusal(lower, bad)).toBe(code);
    expect(refusal(lower, good)).toBeUndefined();
  });
});

it('gives up on links that lead through links, and through links, before that takes for ever', () => {
  const doubling = Array.from({ length: 60 }, (_, i) => soft(`l${i}`, `l${i + 1}/../l${i + 1}`));
  const chain = (length: number) =>
    Array.from({ length }, (_, i) => soft(`m${i}`, i === length - 1 ? 'd' : `m${i + 1}`));
  expect(refusal([...doubling, { path: 'l60/' }], [f('l0/x')])).toBe('layer-ambiguous');
  expect(refusal([...chain(41), { path: 'd/' }], [f('m0/x')])).toBe('layer-ambiguous');
  expect(refusal([...chain(40), { path: 'd/' }], [f('m0/x')])).toBeUndefined();
});

it('says which layer it is that cannot be applied', () => {
  expect(() => stack([f('a')], [f('b'), f('b')])).toThrow(expect.objectContaining({ details: { layer: 1 } }));
});
