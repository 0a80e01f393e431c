import { describe, expect, it } from 'vitest';
import {
  applyLayer,
  compareTrees,
  createTree,
  deletedPaths,
  type PathFilter,
} from '../../../src/layers/index.js';
import { f, type Layer, link, soft, wh } from './constructs.js';
import { layerOf } from './tars.js';

function build(...layers: readonly Layer[]) {
  const tree = createTree();
  for (const entries of layers) applyLayer(tree, layerOf(...entries));
  return tree;
}

/** `path: added`, `path: removed by 1 explicit`, `path: content 2`, with the layer that the bytes, or the metadata, are from. */
function compare(before: readonly Layer[], after: readonly Layer[], chosen?: PathFilter): string[] {
  const now = build(...after);
  const deletions = new Map([...deletedPaths(now)].map(one => [one.path, one]));
  return [...compareTrees(build(...before), now, deletions, chosen)].map(one => {
    const { path, before: was, after: is, aspects, deletion } = one;
    if (!was) return `${path}: added`;
    if (!is) return `${path}: removed${deletion ? ` by ${deletion.layer} ${deletion.how}` : ''}`;
    return `${path}: ${aspects.join(' ')}`;
  });
}

const BASE: Layer = [
  { path: 'etc/' },
  f('etc/a', '1'),
  f('etc/b', '2'),
  soft('lib', 'usr/lib'),
  f('usr/lib/x', 'x'),
];

describe('comparing the files of two images', () => {
  it('finds nothing between an image and itself, or the same files in other layers', () => {
    expect(compare([BASE], [BASE])).toEqual([]);
    expect(compare([BASE], [BASE.slice(0, 2), BASE.slice(2), [{ path: 'etc/' }]])).toEqual([]);
  });

  it.each<[string, Layer, string[]]>([
    ['other bytes', [f('etc/a', '3')], ['etc/a: content']],
    ['another mode', [f('etc/a', '1', { mode: 0o600 })], ['etc/a: mode']],
    ['another owner, and bytes', [f('etc/a', '3', { uid: 5 })], ['etc/a: content owner']],
    [
      'a capability',
      [f('etc/a', '1', { pax: { 'SCHILY.xattr.security.capability': 'c' } })],
      ['etc/a: attributes'],
    ],
    ['the mode of a folder', [{ path: 'etc/', mode: 0o700 }], ['etc: mode']],
    ['another target', [soft('lib', 'lib64')], ['lib: content']],
    ['the mode of a link, which means nothing', [{ ...soft('lib', 'usr/lib'), mode: 0o644 }], []],
    [
      'a folder in the place of a file',
      [{ path: 'etc/a/' }, f('etc/a/c')],
      ['etc/a: type', 'etc/a/c: added'],
    ],
    [
      'a file in the place of a folder',
      [f('etc', 'x')],
      ['etc: type', 'etc/a: removed by 1 replaced', 'etc/b: removed by 1 replaced'],
    ],
    ['a whiteout', [wh('etc/.wh.a')], ['etc/a: removed by 1 explicit']],
    ['an opaque folder', [wh('etc/.wh..wh..opq'), f('etc/b', '2')], ['etc/a: removed by 1 opaque']],
    ['a name more for the same bytes', [link('etc/c', 'etc/a')], ['etc/c: added']],
    ['a file that was deleted and comes back', [wh('etc/.wh.a'), f('etc/a', '1')], []],
  ])('%s', (_, layer, expected) => {
    expect(compare([BASE], [BASE, layer])).toEqual(expected);
  });

  it('what the second image never had was removed by none of its layers', () => {
    expect(compare([[f('x'), f('y')]], [[f('y')], [f('z')]])).toEqual(['x: removed', 'z: added']);
  });

  it('goes by names, so that what sorts before a slash does not shift the order', () => {
    const some = (...paths: string[]): Layer => paths.map(path => f(path));
    expect(compare([some('a/x', 'a.b', 'a-c', 'b')], [some('a/y', 'a.b', 'a!', 'a/x/z')])).toEqual([
      'a/x: type',
      'a/x/z: added',
      'a/y: added',
      'a!: added',
      'a-c: removed',
      'b: removed',
    ]);
  });

  it('looks at chosen paths alone', () => {
    const after = [BASE, [f('etc/a', '3'), f('etc/new')]];
    expect(compare([BASE], after, path => path.startsWith('etc/n'))).toEqual(['etc/new: added']);
  });
});
