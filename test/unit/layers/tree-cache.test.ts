import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { computeDigest, type Digest } from '../../../src/base/digest.js';
import { TouchmarkError } from '../../../src/base/errors.js';
import {
  applyLayer,
  blamePath,
  blamePaths,
  createTree,
  deletedAt,
  deletedPaths,
  findCollisions,
  openTreeCache,
  summarize,
  type Tree,
} from '../../../src/layers/index.js';
import { codeOf } from '../support.js';
import { f, type Layer, link, soft, wh } from './constructs.js';
import { layerOf, type RawEntry } from './tars.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'touchmark-trees-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let images = 0;
const freshDiffIDs = (count: number): readonly Digest[] => {
  images++;
  return Array.from({ length: count }, (_, i) => computeDigest(Buffer.from(`${images} ${i}`)));
};

/** All that can be asked of a tree. */
const answers = (tree: Tree, paths: readonly string[]) => ({
  all: [...blamePaths(tree)],
  gone: [...deletedPaths(tree)],
  single: paths.map(path => [blamePath(tree, path), deletedAt(tree, path)]),
  sums: [...summarize(tree, layer => layer)],
  collisions: findCollisions(tree),
});

const names = ['a', 'b', 'A', 'd'];
const path = fc
  .array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 })
  .map(parts => parts.join('/'));
const target = fc.oneof(
  path,
  path.map(to => `/${to}`),
  path.map(to => `../${to}`),
);
const entry: fc.Arbitrary<RawEntry> = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(path, fc.constantFrom('x', 'y')).map(([at, body]) => f(at, body)) },
  path.map(at => f(at, 'x', { mode: 0o600 })),
  path.map(at => ({ path: `${at}/` })),
  path.map(at => ({ path: `${at}/`, mode: 0o700 })),
  fc.tuple(path, target).map(([at, to]) => soft(at, to)),
  fc.tuple(path, path).map(([at, to]) => link(at, to)),
  path.map(at => wh(at.replace(/[^/]*$/, '.wh.$&'))),
  path.map(at => wh(`${at}/.wh..wh..opq`)),
);
const stacks = fc.array(fc.array(entry, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 });

/** Undefined when the layers are refused. */
function stack(layers: readonly Layer[]) {
  const indexes = layers.map(entries => layerOf(...entries));
  const tree = createTree();
  try {
    for (const index of indexes) applyLayer(tree, index);
  } catch (error) {
    if (error instanceof TouchmarkError) return undefined;
    throw error;
  }
  return { tree, indexes };
}

it('a tree that was kept gives every answer that it gave before', async () => {
  const cache = openTreeCache(folder);
  let kept = 0;
  await fc.assert(
    fc.asyncProperty(stacks, fc.array(path, { maxLength: 4 }), async (layers, paths) => {
      const made = stack(layers);
      if (made === undefined) return;
      kept++;
      const diffIDs = freshDiffIDs(layers.length);
      await cache.save(diffIDs, made.tree);
      const single = await cache.load(diffIDs, made.indexes);
      const loaded = await cache.load(diffIDs, made.indexes);
      if (!single || !loaded) throw new Error('it is not there');
      for (const at of paths) expect(blamePath(single, at)).toEqual(blamePath(made.tree, at));
      expect(answers(loaded, paths)).toEqual(answers(made.tree, paths));
    }),
    { numRuns: 150, seed: 5 },
  );
  // Else the generator makes nothing but nonsense.
  expect(kept).toBeGreaterThan(40);
});

it('names of a large folder are found one by one, and by a table once that is quicker', async () => {
  const count = 3000;
  const made = stack([
    Array.from({ length: count }, (_, i) => f(`d/n${i}`)),
    [wh('d/.wh.n7'), f('d/n8', 'y'), wh('d/.wh.n9')],
    [f('d/n9', 'z')],
  ]);
  if (made === undefined) throw new Error('refused');
  const diffIDs = freshDiffIDs(3);
  await openTreeCache(folder).save(diffIDs, made.tree);
  const loaded = await openTreeCache(folder).load(diffIDs, made.indexes);
  if (!loaded) throw new Error('it is not there');
  for (let i = 0; i < count; i += 10) {
    for (const at of [`d/n${i}`, 'd/n7', 'd/n8', 'd/n9', 'd/none'])
      expect(blamePath(loaded, at)).toEqual(blamePath(made.tree, at));
  }
});

it('knows no tree of other layers, or of these in another order, nor a file that was changed', async () => {
  const made = stack([[f('a')], [f('b')]]);
  if (made === undefined) throw new Error('refused');
  const home = join(folder, 'own');
  const cache = openTreeCache(home);
  const diffIDs = freshDiffIDs(2);
  expect(await cache.load(diffIDs, made.indexes)).toBeUndefined();
  await cache.save(diffIDs, made.tree);
  const loaded = await cache.load(diffIDs, made.indexes);
  expect(codeOf(() => loaded && applyLayer(loaded, layerOf(wh('.wh.a'))))).toBe('internal');
  expect(await cache.load(diffIDs.toReversed(), made.indexes)).toBeUndefined();
  expect(await cache.load(diffIDs.slice(0, 1), made.indexes)).toBeUndefined();
  const file = join(home, 'trees', readdirSync(join(home, 'trees'))[0] as string);
  const good = readFileSync(file);
  for (let at = 0; at < good.length; at += 5) {
    const bad = Buffer.from(good);
    bad[at] = (bad[at] as number) ^ 1;
    writeFileSync(file, bad);
    expect(await cache.load(diffIDs, made.indexes), `byte ${at}`).toBeUndefined();
  }
  writeFileSync(file, good.subarray(0, -1));
  expect(await cache.load(diffIDs, made.indexes)).toBeUndefined();
});
