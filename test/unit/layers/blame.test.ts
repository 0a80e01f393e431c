import { describe, expect, it } from 'vitest';
import { computeDigest } from '../../../src/base/digest.js';
import {
  applyLayer,
  blamePath,
  blamePaths,
  createTree,
  deletedPaths,
  ENTRY,
} from '../../../src/layers/index.js';
import { f, type Layer, link, soft, wh } from './constructs.js';
import { layerOf } from './tars.js';

/** Base, runtime and application, each a layer. */
const LAYERS: readonly Layer[] = [
  [
    { path: 'etc/' },
    f('etc/passwd', 'root'),
    f('etc/gone', 'base'),
    f('usr/lib/libssl.so.3', 'ssl 1'),
    soft('lib', 'usr/lib'),
    f('usr/share/doc/a', 'doc'),
    f('usr/share/doc/b', 'doc'),
  ],
  [
    f('usr/lib/libssl.so.3', 'ssl 2'),
    wh('etc/.wh.gone'),
    f('etc/passwd', 'root', { mode: 0o600 }),
    wh('usr/share/.wh.doc'),
  ],
  [
    { path: 'etc/' },
    f('etc/gone', 'app'),
    f('opt/app/main', 'x'),
    link('opt/app/ssl', 'usr/lib/libssl.so.3'),
  ],
];

function build(layers = LAYERS) {
  const tree = createTree();
  for (const entries of layers) applyLayer(tree, layerOf(...entries));
  return tree;
}
const hex = (text: string) => computeDigest(Buffer.from(text)).slice('sha256:'.length);

describe('blame', () => {
  it('names the layers of name, bytes and metadata, and what was before', () => {
    expect(blamePath(build(), 'usr/lib/libssl.so.3')).toEqual({
      path: 'usr/lib/libssl.so.3',
      kind: ENTRY.file,
      owners: { path: 1, content: 1, meta: 1 },
      ...{
        mode: 0o644,
        uid: 0,
        gid: 0,
        size: 5,
        digest: hex('ssl 2'),
        link: '',
        attributes: '',
        touched: undefined,
      },
      history: [
        {
          ...{ kind: ENTRY.file, owners: { path: 0, content: 0, meta: 0 }, mode: 0o644, uid: 0, gid: 0 },
          ...{ size: 5, digest: hex('ssl 1'), link: '', attributes: '' },
        },
      ],
      deletions: [],
    });
    expect(blamePath(build(), 'etc/passwd')).toMatchObject({
      owners: { path: 0, content: 0, meta: 1 },
      mode: 0o600,
    });
    expect(blamePath(build(), 'opt/app/ssl')).toMatchObject({ owners: { path: 2, content: 1, meta: 1 } });
    expect(blamePath(build(), 'etc')).toMatchObject({ owners: { path: 0, content: 0, meta: 0 }, touched: 2 });
    expect(blamePath(build(), 'lib')).toMatchObject({ kind: ENTRY.symlink, link: 'usr/lib' });
  });

  it('finds a path through links as the container does', () => {
    expect(blamePath(build(), 'lib/libssl.so.3')?.path).toBe('usr/lib/libssl.so.3');
    const tree = build([[soft('none', 'nowhere'), soft('a', 'b'), soft('b', 'a'), f('file')]]);
    for (const path of ['none/x', 'a/x', 'file/x', 'missing', 'missing/x']) {
      expect(blamePath(tree, path), path).toBeUndefined();
    }
  });

  it('remembers that a name was gone, and whose it was then', () => {
    expect(blamePath(build(), 'etc/gone')).toMatchObject({
      owners: { path: 2, content: 2, meta: 2 },
      digest: hex('app'),
      deletions: [{ layer: 1, how: 'explicit', was: { owners: { content: 0 }, digest: hex('base') } }],
    });
  });

  it('lists what is gone: who did it and how, each path below a folder too, and not what is there again', () => {
    const gone = [...deletedPaths(build())].map(({ path, layer, how, was }) => [
      path,
      layer,
      how,
      was.owners.path,
    ]);
    expect(gone).toEqual([
      ['usr/share/doc', 1, 'explicit', 0],
      ['usr/share/doc/a', 1, 'explicit', 0],
      ['usr/share/doc/b', 1, 'explicit', 0],
    ]);
    const some = [...deletedPaths(build(), path => path.endsWith('/b'))];
    expect(some.map(({ path }) => path)).toEqual(['usr/share/doc/b']);
  });

  it('lists every path once and in order, or those that are chosen', () => {
    expect([...blamePaths(build())].map(({ path }) => path)).toEqual([
      ...['etc', 'etc/gone', 'etc/passwd', 'lib', 'opt', 'opt/app', 'opt/app/main', 'opt/app/ssl'],
      ...['usr', 'usr/lib', 'usr/lib/libssl.so.3', 'usr/share'],
    ]);
    const chosen = [...blamePaths(build(), path => path.startsWith('etc/'))];
    expect(chosen.map(({ path, deletions }) => [path, deletions.length])).toEqual([
      ['etc/gone', 1],
      ['etc/passwd', 0],
    ]);
  });

  it('is that of the image after fewer layers when fewer are applied', () => {
    const tree = build(LAYERS.slice(0, 2));
    expect(blamePath(tree, 'etc/gone')).toBeUndefined();
    expect([...deletedPaths(tree)].map(({ path }) => path)).toContain('etc/gone');
  });
});
