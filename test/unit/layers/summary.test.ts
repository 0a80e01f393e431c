import { expect, it } from 'vitest';
import { applyLayer, createTree, findCollisions, summarize } from '../../../src/layers/index.js';
import { judgeContent } from '../../../src/layers/judge-content.js';
import { f, type Layer, link, soft, wh } from './constructs.js';
import { layerOf } from './tars.js';

function build(layers: readonly Layer[]) {
  const tree = createTree();
  for (const entries of layers) applyLayer(tree, layerOf(...entries));
  return tree;
}

const TEAMS = ['base', 'app', 'app'];
const NOTHING = { files: 0, bytes: 0, others: 0, replaced: 0, metadata: 0, deleted: 0, deletedOfOthers: 0 };
const LAYERS: readonly Layer[] = [
  [
    { path: 'etc/' },
    f('etc/a', 'base'),
    f('etc/b', 'base'),
    f('etc/c', 'base'),
    soft('etc/l', 'a'),
    f('usr/share/doc/a', 'doc'),
    f('usr/share/doc/b', 'doc'),
  ],
  [
    f('etc/a', 'application'),
    f('etc/b', 'base', { mode: 0o600 }),
    wh('etc/.wh.c'),
    f('opt/app/one', '12345'),
    f('opt/app/old', 'old'),
    link('opt/app/two', 'opt/app/one'),
    link('opt/app/b', 'etc/b'),
  ].map(raw => (raw.path === 'opt/app/b' ? { ...raw, mode: 0o600 } : raw)),
  [f('etc/a', 'once more'), { path: 'etc/', mode: 0o700 }, wh('usr/share/.wh.doc'), wh('opt/app/.wh.old')],
];

it('counts what each team has, and what it did to what others made', () => {
  const tallies = summarize(build(LAYERS), layer => TEAMS[layer]);
  expect(tallies.get('base')?.all).toEqual({
    // etc/b, by both its names; the folders etc, usr and usr/share, and the link.
    ...NOTHING,
    ...{ files: 2, bytes: 4, others: 4 },
  });
  expect(tallies.get('app')?.all).toEqual({
    // etc/a, which was changed twice and was another's once; both names of opt/app/one; folders opt and opt/app.
    ...{ files: 3, bytes: 14, others: 2, replaced: 1 },
    // The mode of etc/b and of etc.
    metadata: 2,
    // etc/c, usr/share/doc with two files, and a file of its own.
    ...{ deleted: 5, deletedOfOthers: 4 },
  });
  expect(tallies.get('app')?.folders.get('etc')).toEqual({
    ...NOTHING,
    ...{ files: 1, bytes: 9, replaced: 1, metadata: 1, deleted: 1, deletedOfOthers: 1 },
  });
  const some = summarize(
    build(LAYERS),
    layer => TEAMS[layer],
    path => path.startsWith('opt/'),
  );
  expect(some.get('app')?.all).toMatchObject({ files: 2, others: 1, replaced: 0, deleted: 1 });
});

const COLLIDING: readonly Layer[] = [
  [
    f('A/x'),
    f('etc/stra\xc3\x9fe'),
    f('etc/caf\xc3\xa9'),
    f('etc/other'),
    f('same/readme'),
    f('else/README'),
  ],
  [f('a/x'), f('etc/cafe\xcc\x81'), f('etc/STRASSE'), f('etc/\xff'), f('etc/\xfe'), f('A/X')],
];

it('finds names that are one where case or composition does not count, folder by folder', () => {
  const { collisions, more } = findCollisions(build(COLLIDING));
  expect(more).toBe(0);
  expect(collisions.map(({ paths, layers }) => [...paths, ...layers])).toEqual([
    ['A', 'a', 0, 1],
    ['A/x', 'A/X', 0, 1],
    ['etc/stra\xc3\x9fe', 'etc/STRASSE', 0, 1],
    ['etc/caf\xc3\xa9', 'etc/cafe\xcc\x81', 0, 1],
  ]);
  expect(findCollisions(build([COLLIDING[0] ?? []])).collisions).toEqual([]);
});

it('keeps a thousand of them and counts the rest', () => {
  const pairs = Array.from({ length: 1003 }, (_, i) => [f(`d/n${i}`), f(`d/N${i}`)]).flat();
  const { collisions, more } = findCollisions(build([pairs]));
  expect([collisions.length, more]).toEqual([1000, 3]);
});

it('they are a warning about the layer that made the second name, and change no verdict', () => {
  const layers = COLLIDING.map(entries => ({ entries: layerOf(...entries) }));
  const steps = ['base', 'app'].map((step, at) => ({
    step,
    span: { from: at, to: at + 1 },
    rules: undefined,
    seals: [],
  }));
  expect(judgeContent(layers, steps).findings).toMatchObject([
    { code: 'path-collision', severity: 'warning', layer: 1, step: 'app', path: '/A' },
  ]);
  expect(judgeContent(layers.slice(0, 1), steps).findings).toEqual([]);
});
