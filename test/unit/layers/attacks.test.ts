import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { TouchmarkError } from '../../../src/base/errors.js';
import { type ContentStep, type PathRules, STRICT_MODES } from '../../../src/base/path-rules.js';
import { applyLayer } from '../../../src/layers/apply-layer.js';
import { type ContentLayer, judgeContent } from '../../../src/layers/judge-content.js';
import { createIndexWriter } from '../../../src/layers/layer-index.js';
import { readLayer } from '../../../src/layers/read-layer.js';
import { createTree } from '../../../src/layers/tree.js';
import { codeOf, codeOfAsync } from '../support.js';
import { f, type Layer, link, soft, wh } from './constructs.js';
import { blobStore, LAYER } from './support.js';
import { layerOf, readTar, tar } from './tars.js';

const BASE: Layer = [
  { path: 'etc/' },
  f('etc/pam.d/common-auth'),
  f('etc/ssl/certs/a.pem', 'a'),
  f('etc/ssl/certs/b.pem', 'b'),
  f('usr/bin/sudo', 'sudo', { mode: 0o4755 }),
  f('usr/bin/su', 'su', { mode: 0o4755 }),
  f('usr/lib/libssl.so.3', 'ssl'),
  f('opt/runtime/VERSION'),
];
const RULES: PathRules = {
  allow: ['/opt/app/**', '/etc/app/**'],
  deny: ['/opt/app/secret/**'],
  delete: ['/opt/app/**'],
  modes: STRICT_MODES,
  tables: 'deny',
};
const SEALS = [
  {
    step: 'base',
    except: [],
    paths: ['/usr/bin/sudo', '/usr/lib/**'],
    ops: ['modify', 'delete', 'metadata', 'link'],
  },
];

/** The codes of what is wrong with the app team's layer; what fails before what warns, each once. */
function judge(layer: Layer, rules: Partial<PathRules> = {}, more: Partial<ContentStep> = {}, base = BASE) {
  const steps: ContentStep[] = [
    { step: 'base', span: { from: 0, to: 1 }, rules: undefined, seals: [] },
    { step: 'app', span: { from: 1, to: 2 }, rules: { ...RULES, ...rules }, seals: SEALS, ...more },
  ];
  const layers: ContentLayer[] = [base, layer].map(entries => ({ entries: layerOf(...entries) }));
  const { findings, fault } = judgeContent(layers, steps);
  if (fault) return { codes: [fault.code], findings };
  return {
    codes: [...new Set(findings.map(({ code, severity }) => (severity === 'fail' ? code : `(${code})`)))],
    findings,
  };
}

/** Rows of CUSTODY.md section 8; each with the same layer less its one defect. */
const ATTACKS: readonly (readonly [
  row: string,
  does: string,
  bad: Layer,
  codes: readonly string[],
  good: Layer,
])[] = [
  [
    'B18',
    'overwrites /usr/bin/sudo',
    [f('usr/bin/sudo', 'evil')],
    ['path-denied', 'seal-violated'],
    [f('opt/app/sudo', 'evil')],
  ],
  ['B18', 'writes where nothing was', [f('usr/bin/new')], ['path-denied'], [f('opt/app/new')]],
  [
    'B19',
    'hides /etc/pam.d/common-auth',
    [wh('etc/pam.d/.wh.common-auth')],
    ['path-delete-denied'],
    [wh('opt/app/.wh.none')],
  ],
  [
    'B20',
    'empties /etc/ssl/certs',
    [wh('etc/ssl/certs/.wh..wh..opq')],
    ['path-delete-denied'],
    [wh('opt/app/.wh..wh..opq')],
  ],
  [
    'B21',
    'writes through a link of its own',
    [soft('opt/app/lib', '/usr/lib'), f('opt/app/lib/libssl.so.3', 'evil')],
    ['path-mode-denied', 'path-symlink-traversal', 'path-denied', 'seal-violated'],
    [soft('opt/app/lib', 'bin'), f('opt/app/bin/x')],
  ],
  [
    'B22',
    'puts a link in the place of /etc',
    [soft('etc', 'opt/app/etc')],
    ['path-delete-denied', 'path-denied'],
    [soft('etc/app/now', '../../opt/app/etc')],
  ],
  [
    'B23',
    'links to a setuid program of the base',
    [{ ...link('opt/app/x', 'usr/bin/su'), mode: 0o4755 }],
    ['hardlink-cross-layer', 'path-mode-denied', 'path-link-denied'],
    [f('opt/app/su'), link('opt/app/x', 'opt/app/su')],
  ],
  [
    'B24',
    'makes a setuid program',
    [f('opt/app/x', 'x', { mode: 0o4755 })],
    ['path-mode-denied'],
    [f('opt/app/x', 'x', { mode: 0o755 })],
  ],
  [
    'B24',
    'makes a setgid program',
    [f('opt/app/x', 'x', { mode: 0o2755 })],
    ['path-mode-denied'],
    [f('opt/app/x')],
  ],
  [
    'B24',
    'gives a program capabilities',
    [f('opt/app/x', 'x', { pax: { 'SCHILY.xattr.security.capability': 'c' } })],
    ['path-mode-denied'],
    [f('opt/app/x', 'x', { pax: { 'SCHILY.xattr.user.note': 'c' } })],
  ],
  [
    'B24',
    'makes a device',
    [{ path: 'opt/app/mem', type: '3', device: [1, 1] }],
    ['path-mode-denied'],
    [{ path: 'opt/app/mem', type: '6' }],
  ],
  [
    'B24',
    'links outwards',
    [soft('opt/app/x', '../../usr/lib')],
    ['path-mode-denied'],
    [soft('opt/app/x', '../../etc/app/y')],
  ],
  [
    'B25',
    'opens /etc to everybody',
    [{ path: 'etc/', mode: 0o777 }],
    ['path-denied', 'path-mode-denied'],
    [{ path: 'etc/' }, f('etc/app/x')],
  ],
  [
    'B26',
    'has a file and its whiteout',
    [f('opt/app/x'), wh('opt/app/.wh.x')],
    ['layer-ambiguous'],
    [wh('opt/app/.wh.x'), f('opt/app/x')],
  ],
  [
    'B27',
    'has a path twice',
    [f('opt/app/x', 'good'), f('opt/app/x', 'evil')],
    ['layer-duplicate-entry'],
    [f('opt/app/x', 'evil')],
  ],
];

describe.each(ATTACKS)('%s: a team that %s', (_row, _does, bad, codes, good) => {
  it(`gets ${codes.join(', ')}`, () => {
    expect(judge(bad).codes).toEqual(codes);
    expect(judge(good).codes.filter(code => !code.startsWith('('))).toEqual([]);
    // Who built nothing on top of others, or is held to nothing but seals, may do it.
    if (!codes[0]?.startsWith('layer-')) {
      const free = judge(bad, {}, { rules: undefined }).codes;
      expect(free).toEqual(codes.filter(code => ['seal-violated', 'hardlink-cross-layer'].includes(code)));
    }
  });
});

describe('rules over paths', () => {
  it('name each path that an opaque folder hides, and every one of a folder that is replaced', () => {
    const paths = (layer: Layer) =>
      judge(layer)
        .findings.filter(({ code }) => code === 'path-delete-denied')
        .map(({ path }) => path);
    expect(paths([wh('etc/ssl/certs/.wh..wh..opq')])).toEqual([
      '/etc/ssl/certs/a.pem',
      '/etc/ssl/certs/b.pem',
    ]);
    expect(paths([soft('etc/ssl', 'x')])).toEqual([
      '/etc/ssl/certs',
      '/etc/ssl/certs/a.pem',
      '/etc/ssl/certs/b.pem',
    ]);
  });

  it('list twenty of a kind and count the rest', () => {
    const many = Array.from({ length: 50 }, (_, i) => f(`usr/share/f${i}`));
    const { findings } = judge(many);
    expect(findings).toHaveLength(21);
    expect(findings.at(-1)).toMatchObject({ code: 'path-denied', severity: 'fail', message: 'and 30 more' });
  });

  it('let deny win, everywhere', () => {
    expect(judge([f('opt/app/secret/x')]).codes).toEqual(['path-denied']);
    expect(judge([{ path: 'opt/app/secret/' }]).codes).toEqual([]);
    const base = [...BASE, f('opt/app/secret/x'), f('opt/app/y')];
    expect(judge([wh('opt/app/secret/.wh.x')], {}, {}, base).codes).toEqual(['path-delete-denied']);
    expect(judge([wh('opt/app/.wh.y')], {}, {}, base).codes).toEqual([]);
    expect(judge([wh('opt/app/.wh.y')], { delete: [] }, {}, base).codes).toEqual(['path-delete-denied']);
  });

  it('let folders be made on the way to what is allowed, and no others', () => {
    const deep = { allow: ['/srv/a/b/**'] };
    expect(judge([{ path: 'srv/' }, { path: 'srv/a/' }, f('srv/a/b/c')], deep).codes).toEqual([]);
    expect(judge([{ path: 'srv/' }, { path: 'srv/other/' }, f('srv/a/b/c')], deep).codes).toEqual([
      'path-denied',
    ]);
    expect(judge([{ path: 'srv/' }], deep).codes).toEqual(['path-denied']);
    expect(judge([{ path: 'srv/', mode: 0o777 }, f('srv/a/b/c')], deep).codes).toEqual(['path-mode-denied']);
    expect(judge([{ path: 'srv/' }, f('srv/a/b/c')], { ...deep, deny: ['/srv'] }).codes).toEqual([
      'path-denied',
    ]);
  });

  it('forgive what builders leave behind: empty mount points, where nothing was', () => {
    const noise = [{ path: 'proc/' }, { path: 'dev/' }, f('etc/resolv.conf', ''), f('etc/hosts', '')];
    expect(judge(noise).codes).toEqual([]);
    expect(judge([f('etc/resolv.conf', 'nameserver evil')]).codes).toEqual(['path-denied']);
    expect(judge([f('etc/hosts', '')], {}, {}, [...BASE, f('etc/hosts', 'a')]).codes).toEqual([
      'path-denied',
    ]);
    expect(judge([{ path: 'proc/', mode: 0o777 }]).codes).toEqual(['path-mode-denied']);
  });

  it('may allow each mode by itself, and bound owners', () => {
    const modes = (edit: object) => ({ modes: { ...STRICT_MODES, ...edit } });
    expect(judge([f('opt/app/x', 'x', { mode: 0o4755 })], modes({ setuid: 'allow' })).codes).toEqual([]);
    expect(judge([f('opt/app/x', 'x', { mode: 0o6755 })], modes({ setuid: 'allow' })).codes).toEqual([
      'path-mode-denied',
    ]);
    expect(judge([f('opt/app/x', 'x', { uid: 99 })], modes({ uid: [1000, 2000] })).codes).toEqual([
      'path-mode-denied',
    ]);
    expect(judge([f('opt/app/x', 'x', { gid: 1500, uid: 0 })], modes({ gid: [1000, 2000] })).codes).toEqual(
      [],
    );
    expect(judge([soft('opt/app/x', '/usr/bin/sh')], modes({ outwardLinks: 'allow' })).codes).toEqual([]);
    // A symbolic link has no mode.
    expect(judge([soft('opt/app/x', 'y')]).codes).toEqual([]);
  });

  it('take names as bytes', () => {
    expect(judge([f('opt/app/caf\xc3\xa9')], { deny: ['/opt/app/café'] }).codes).toEqual(['path-denied']);
    expect(judge([f('opt/app/cafe\xcc\x81')], { deny: ['/opt/app/café'] }).codes).toEqual([]);
    expect(judge([f('opt/app/\xff')], { allow: ['/opt/app/?'] }).codes).toEqual([]);
    expect(judge([f('opt/app/\xff')], { allow: ['/opt/app/ÿ'] }).codes).toEqual(['path-denied']);
  });

  it('do not hold a team to a layer of its own below', () => {
    const layers = [BASE, [f('opt/app/x')], [link('opt/app/y', 'opt/app/x')]].map(entries => ({
      entries: layerOf(...entries),
    }));
    const { findings } = judgeContent(layers, [
      { step: 'base', span: { from: 0, to: 1 }, rules: undefined, seals: [] },
      { step: 'app', span: { from: 1, to: 3 }, rules: RULES, seals: [] },
    ]);
    expect(findings).toMatchObject([{ code: 'hardlink-cross-layer', severity: 'warning', layer: 2 }]);
  });
});

describe('seals', () => {
  it('hold every step above to them, whatever its rules allow', () => {
    const all = { allow: ['/**'], delete: ['/**'], deny: [] };
    expect(judge([f('usr/lib/libssl.so.3', 'evil')], all).codes).toEqual(['seal-violated']);
    expect(judge([wh('usr/.wh.lib')], all).codes).toEqual(['seal-violated']);
    expect(judge([link('opt/app/x', 'usr/lib/libssl.so.3')], all).codes).toEqual([
      'hardlink-cross-layer',
      'seal-violated',
    ]);
    expect(judge([f('usr/lib/other')], all).codes).toEqual([]);
    expect(judge([f('usr/lib/libssl.so.3', 'ssl')], all).codes).toEqual([]);
  });

  it('let go of what the policy excepts', () => {
    const held = (except: readonly string[]) =>
      judge(
        [f('usr/lib/libssl.so.3', 'evil'), f('usr/lib/other')],
        {},
        { rules: undefined, seals: SEALS.map(seal => ({ ...seal, except })) },
      ).codes;
    expect(held([])).toEqual(['seal-violated']);
    expect(held(['/usr/lib/other'])).toEqual(['seal-violated']);
    expect(held(['/usr/lib/libssl*'])).toEqual([]);
  });

  it('hold those that they are given to', () => {
    const layers = [BASE, [f('usr/bin/sudo', 'new', { mode: 0o4755 })]].map(entries => ({
      entries: layerOf(...entries),
    }));
    const steps = (spans: readonly (readonly [number, number])[]) =>
      spans.map(([from, to], i) => ({
        ...{ step: `${i}`, span: { from, to }, rules: undefined },
        seals: i > 0 ? SEALS : [],
      }));
    expect(judgeContent(layers, steps([[0, 2]])).findings).toEqual([]);
    expect(
      judgeContent(
        layers,
        steps([
          [0, 1],
          [1, 2],
        ]),
      ).findings,
    ).toMatchObject([{ code: 'seal-violated' }]);
  });
});

describe('B28: a layer with a table of contents', () => {
  const judged = (tables: 'allow' | 'deny', annotations: Record<string, string>) =>
    judgeContent(
      [{ entries: layerOf(f('opt/app/x')), annotations }],
      [{ step: 'app', span: { from: 0, to: 1 }, rules: { ...RULES, tables }, seals: [] }],
    ).findings;
  it.each([
    'io.github.containers.zstd-chunked.manifest-checksum',
    'containerd.io/snapshot/stargz/toc.digest',
  ])('%s', key => {
    expect(judged('deny', { [key]: 'x' })).toMatchObject([{ code: 'layer-dual-view', severity: 'fail' }]);
    expect(judged('allow', { [key]: 'x' })).toMatchObject([{ code: 'layer-dual-view', severity: 'warning' }]);
    expect(judged('deny', { other: 'x' })).toEqual([]);
  });
});

describe('B29 and B30: what is behind the end, and too much of it', () => {
  const read = (blob: Uint8Array, limits?: { size: number; ratio: number; slack: number }) => {
    const { open, descriptor } = blobStore(blob, `${LAYER}+gzip`);
    return readLayer(open, descriptor, limits && { limits });
  };
  const content = tar(f('a', 'x'));

  it('is refused: bytes behind the tar, bytes behind the gzip', async () => {
    const { entries } = await read(gzipSync(Buffer.concat([content, content])));
    expect(entries).toBeInstanceOf(TouchmarkError);
    expect(entries).toMatchObject({ code: 'layer-trailing-data' });
    expect((await read(gzipSync(content))).entries).toMatchObject({ count: 1 });
    expect(await codeOfAsync(read(Buffer.concat([gzipSync(content), Buffer.from('more')])))).toBe(
      'blob-trailing-data',
    );
  });

  it('is refused: a bomb, too many entries, too large an index, too many folders', async () => {
    const bomb = gzipSync(tar(f('a', 'x'.repeat(1_000_000))));
    expect(await codeOfAsync(read(bomb, { size: 1e9, ratio: 100, slack: 0 }))).toBe('limit-exceeded');
    expect(await codeOfAsync(read(bomb, { size: 1e9, ratio: 2000, slack: 0 }))).toBeUndefined();

    const index = readTar(tar(f('a'), f('b'), f('c')));
    const copy = (entries: number, bytes: number) => {
      const writer = createIndexWriter({ entries, bytes });
      for (const at of index) writer.add(index.entry(at));
      return writer.finish().count;
    };
    expect(codeOf(() => copy(2, 1000))).toBe('limit-exceeded');
    expect(codeOf(() => copy(3, 100))).toBe('limit-exceeded');
    expect(copy(3, 1000)).toBe(3);

    const deep = layerOf({ pax: { path: `${'a/'.repeat(200)}b` } });
    expect(codeOf(() => applyLayer(createTree(200), deep))).toBe('limit-exceeded');
    expect(codeOf(() => applyLayer(createTree(201), deep))).toBeUndefined();
  });
});

it('B45: a whiteout of nothing is a finding, and a deletion once there is something below it', () => {
  const layer = [wh('etc/.wh.shadow')];
  expect(judge(layer).codes).toEqual(['(whiteout-dangling)']);
  expect(judge(layer, {}, {}, [...BASE, f('etc/shadow')]).codes).toEqual(['path-delete-denied']);
  expect(judge(layer, { delete: ['/etc/shadow'] }, {}, [...BASE, f('etc/shadow')]).codes).toEqual([]);
});

it('a layer that cannot be applied has a fault, and nothing is said about the paths of the image', () => {
  const entries = layerOf(f('a'), f('a'));
  const { tree, fault } = judgeContent(
    [{ entries }],
    [{ step: 'app', span: { from: 0, to: 1 }, rules: undefined, seals: [] }],
  );
  expect(tree).toBeUndefined();
  expect(fault).toMatchObject({ code: 'layer-duplicate-entry', details: { layer: 0 } });
});
