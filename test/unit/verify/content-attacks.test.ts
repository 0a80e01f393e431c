import { gzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { EXIT_CODES, type ReasonCode } from '../../../src/base/codes.js';
import { LIMITS } from '../../../src/base/limits.js';
import type { CustodyVerdict } from '../../../src/custody/index.js';
import type { TestLayer } from '../../../src/testing/image.js';
import { f, type Layer, link, soft, wh } from '../layers/constructs.js';
import { tar } from '../layers/tars.js';
import { contentImage, judgeMarked, layerFrom, policyOf, storeOf } from './content-world.js';

const BASE: Layer = [
  { path: 'etc/' },
  f('etc/pam.d/common-auth'),
  f('etc/ssl/certs/a.pem', 'a'),
  f('etc/ssl/certs/b.pem', 'b'),
  f('usr/bin/sudo', 'sudo', { mode: 0o4755 }),
  f('usr/bin/su', 'su', { mode: 0o4755 }),
  f('usr/lib/libssl.so.3', 'ssl'),
  f('opt/app/README', 'where the application goes'),
];
const SEALS = [{ paths: ['/usr/bin/sudo', '/usr/lib/**'], ops: ['modify', 'delete', 'metadata', 'link'] }];
const POLICY = `paths:
  app: { allow: ["/opt/app/**", "/etc/app/**"], delete: ["/opt/app/**"] }`;

/** One row of CUSTODY.md section 8: a layer of the app team, and the same without its one defect. */
interface Row {
  readonly id: string;
  readonly does: string;
  readonly code: ReasonCode;
  /** Further codes among the findings. */
  readonly also?: readonly ReasonCode[];
  readonly bad: Layer | TestLayer;
  readonly good: Layer | TestLayer;
  readonly base?: Layer;
}

const setuid = { mode: 0o4755 };
const content = tar(f('opt/app/x'));
const TABLE = { 'io.github.containers.zstd-chunked.manifest-checksum': 'x' };

/** A layer whose blob is not what a gzip of its tar would be. */
const stored = (blob: Buffer, unpacked: Buffer): TestLayer => ({
  ...layerFrom(blob),
  diffId: layerFrom(unpacked).diffId,
});

const ROWS: readonly Row[] = [
  {
    id: 'B18',
    does: 'overwrites /usr/bin/sudo',
    code: 'path-denied',
    also: ['seal-violated'],
    bad: [f('usr/bin/sudo', 'evil')],
    good: [f('opt/app/sudo', 'evil')],
  },
  {
    id: 'B19',
    does: 'hides /etc/pam.d/common-auth',
    code: 'path-delete-denied',
    bad: [wh('etc/pam.d/.wh.common-auth')],
    good: [wh('opt/app/.wh.README')],
  },
  {
    id: 'B20',
    does: 'empties /etc/ssl/certs',
    code: 'path-delete-denied',
    bad: [wh('etc/ssl/certs/.wh..wh..opq')],
    good: [wh('opt/app/.wh..wh..opq')],
  },
  {
    id: 'B21',
    does: 'writes through a symbolic link of its own',
    code: 'path-symlink-traversal',
    also: ['path-denied', 'seal-violated'],
    bad: [soft('opt/app/lib', '/usr/lib'), f('opt/app/lib/libssl.so.3', 'evil')],
    good: [soft('opt/app/lib', 'bin'), f('opt/app/bin/libssl.so.3', 'evil')],
  },
  {
    id: 'B22',
    does: 'puts a symbolic link in the place of /etc',
    code: 'path-denied',
    also: ['path-delete-denied'],
    bad: [soft('etc', 'opt/app/etc')],
    good: [soft('etc/app/now', '../../opt/app/etc')],
  },
  {
    id: 'B23',
    does: 'links to a setuid program of the base',
    code: 'path-link-denied',
    also: ['hardlink-cross-layer'],
    bad: [{ ...link('opt/app/x', 'usr/bin/su'), mode: 0o4755 }],
    good: [f('opt/app/su'), link('opt/app/x', 'opt/app/su')],
  },
  {
    id: 'B24 setuid',
    does: 'makes a setuid program',
    code: 'path-mode-denied',
    bad: [f('opt/app/x', 'x', setuid)],
    good: [f('opt/app/x', 'x', { mode: 0o755 })],
  },
  {
    id: 'B24 capabilities',
    does: 'gives a program capabilities',
    code: 'path-mode-denied',
    bad: [f('opt/app/x', 'x', { pax: { 'SCHILY.xattr.security.capability': 'c' } })],
    good: [f('opt/app/x')],
  },
  {
    id: 'B24 device',
    does: 'makes a device',
    code: 'path-mode-denied',
    bad: [{ path: 'opt/app/mem', type: '3', device: [1, 1] }],
    good: [{ path: 'opt/app/mem', type: '6' }],
  },
  {
    id: 'B25',
    does: 'opens /etc to everybody',
    code: 'path-mode-denied',
    also: ['path-denied'],
    bad: [{ path: 'etc/', mode: 0o777 }],
    good: [{ path: 'etc/' }, f('etc/app/x')],
  },
  {
    id: 'B26',
    does: 'has a file and its whiteout',
    code: 'layer-ambiguous',
    bad: [f('opt/app/x'), wh('opt/app/.wh.x')],
    good: [wh('opt/app/.wh.x'), f('opt/app/x')],
  },
  {
    id: 'B27',
    does: 'has a path twice',
    code: 'layer-duplicate-entry',
    bad: [f('opt/app/x', 'good'), f('opt/app/x', 'evil')],
    good: [f('opt/app/x', 'evil')],
  },
  {
    id: 'B28',
    does: 'has a table of contents besides its tar',
    code: 'layer-dual-view',
    bad: layerFrom([f('opt/app/x')], TABLE),
    good: layerFrom([f('opt/app/x')]),
  },
  {
    id: 'B29 gzip',
    does: 'has a second payload behind its gzip',
    code: 'blob-trailing-data',
    bad: stored(Buffer.concat([gzipSync(content), Buffer.from('more')]), content),
    good: layerFrom([f('opt/app/x')]),
  },
  {
    id: 'B29 tar',
    does: 'has a second tar behind its tar',
    code: 'layer-trailing-data',
    bad: stored(gzipSync(Buffer.concat([content, content])), Buffer.concat([content, content])),
    good: layerFrom([f('opt/app/x')]),
  },
  {
    id: 'B30 depth',
    does: 'has a path that is too deep',
    code: 'limit-exceeded',
    bad: [{ pax: { path: `opt/app/${'a/'.repeat(LIMITS.entryPathDepth)}b` } }],
    good: [{ pax: { path: `opt/app/${'a/'.repeat(LIMITS.entryPathDepth - 3)}b` } }],
  },
  {
    id: 'B32',
    does: 'has what is no tar for a layer',
    code: 'layer-not-tar',
    bad: stored(gzipSync(Buffer.alloc(143, 'a')), Buffer.alloc(143, 'a')),
    good: layerFrom([f('opt/app/x')]),
  },
  {
    id: 'path',
    does: 'climbs out of the root',
    code: 'layer-path-invalid',
    bad: [f('opt/app/../../etc/x')],
    good: [f('opt/app/x')],
  },
  {
    id: 'B45',
    does: 'hides what only the new base has',
    code: 'path-delete-denied',
    bad: [wh('etc/.wh.shadow')],
    good: [wh('opt/app/.wh.shadow')],
    base: [...BASE, f('etc/shadow')],
  },
];

async function verdictOf(app: Layer | TestLayer, document = POLICY, base = BASE): Promise<CustodyVerdict> {
  const layer = Array.isArray(app) ? layerFrom(app) : (app as TestLayer);
  const marked = await contentImage({ base, app: layer, seals: SEALS });
  const store = await storeOf(marked);
  const { custody } = await judgeMarked(marked, await policyOf(marked, document), store);
  return custody as CustodyVerdict;
}

const codesOf = ({ findings }: CustodyVerdict) => findings.map(({ code }) => code);

describe.each(ROWS)('$id: the app team’s layer $does', ({ code, also = [], bad, good, base }) => {
  it(`fails with ${code}`, async () => {
    const verdict = await verdictOf(bad, POLICY, base);
    expect([verdict.verdict, verdict.code]).toEqual(['fail', code]);
    expect(codesOf(verdict)).toEqual(expect.arrayContaining([...also]));
    expect(verdict.findings[0]?.where).toBe('layer 1');
    expect([15, 16, 18, 24]).toContain(EXIT_CODES[code]);
  });

  it('passes at level content once the one defect is gone', async () => {
    const verdict = await verdictOf(good, POLICY, base);
    expect([verdict.verdict, verdict.code, verdict.level]).toEqual(['pass', null, 'content']);
    expect(verdict.layers.map(({ evidence }) => evidence)).toEqual(['content', 'content']);
    for (const other of [code, ...also]) expect(codesOf(verdict)).not.toContain(other);
  });
});

describe('B28: a table of contents that the policy allows', () => {
  it('passes with a finding', async () => {
    const verdict = await verdictOf(
      layerFrom([f('opt/app/x')], TABLE),
      POLICY.replace('}', ', tables: allow }'),
    );
    expect([verdict.verdict, codesOf(verdict)]).toEqual(['pass', ['layer-dual-view']]);
  });
});

describe('B45: a whiteout of nothing', () => {
  it('passes with a finding, as long as there is nothing below it', async () => {
    const verdict = await verdictOf([wh('etc/.wh.shadow')]);
    expect([verdict.verdict, codesOf(verdict)]).toEqual(['pass', ['whiteout-dangling']]);
  });
});

it('B30: a layer with too many entries, and an image that unpacks to too much, are no yes', async () => {
  const { collectContent } = await import('../../../src/verify/collect-content.js');
  const marked = await contentImage({ base: BASE, app: layerFrom([f('opt/app/x')]) });
  const { store } = await storeOf(marked);
  const manifest = JSON.parse(Buffer.from(marked.image.manifest.bytes).toString());
  const outcomes = async (size: number, indexes: number) =>
    (await collectContent(store, manifest, { concurrency: 1 }, { size, indexes })).facts.map(
      ({ outcome }) => outcome,
    );
  expect(await outcomes(100_000, 100_000)).toEqual(['read', 'read']);
  expect(await outcomes(7000, 100_000)).toEqual(['limit-exceeded', 'limit-exceeded']);
  expect(await outcomes(100_000, 10)).toEqual(['limit-exceeded', 'limit-exceeded']);
});

describe('level content', () => {
  const layer = layerFrom([f('opt/app/x')]);

  it('opens each layer’s blob exactly once, also one that is there twice', async () => {
    const marked = await contentImage({ base: BASE, app: [layer, layer] });
    const memory = await storeOf(marked);
    const { custody } = await judgeMarked(marked, await policyOf(marked, POLICY), memory);
    // The second time it changes nothing.
    expect([custody?.verdict, custody?.level]).toEqual(['pass', 'content']);
    for (const { descriptor } of marked.image.layers) expect(memory.opened(descriptor.digest)).toBe(1);
  });

  it('is read for nobody who does not ask', async () => {
    const marked = await contentImage({ base: BASE, app: layerFrom([f('usr/bin/sudo', 'evil')]) });
    const memory = await storeOf(marked);
    const policy = await policyOf(marked, 'evidence: manifest');
    const { custody } = await judgeMarked(marked, policy, memory);
    expect([custody?.verdict, custody?.level]).toEqual(['pass', 'manifest']);
    expect(marked.image.layers.map(({ descriptor }) => memory.opened(descriptor.digest))).toEqual([0, 0]);
    // Who asks is told what is in it; without rules that is no reason for a no.
    const asked = await judgeMarked(marked, policy, memory, { level: 'content' });
    expect([asked.custody?.verdict, asked.custody?.level]).toEqual(['pass', 'content']);
  });

  it('is not reached by a check that goes less far than the policy asks', async () => {
    const marked = await contentImage({ base: BASE, app: layer });
    const policy = await policyOf(marked, POLICY);
    const { custody } = await judgeMarked(marked, policy, await storeOf(marked), { level: 'blobs' });
    expect([custody?.verdict, custody?.code]).toEqual(['fail', 'evidence-insufficient']);
    expect(custody?.findings[0]?.hint).toContain('level content');
  });

  it.each([0, 1])('is indeterminate when layer %i is not there, whoever’s it is', async index => {
    const marked = await contentImage({ base: BASE, app: layer });
    const memory = await storeOf(marked);
    const digest = marked.image.layers[index]?.descriptor.digest;
    if (digest) memory.forget(digest);
    const { custody } = await judgeMarked(marked, await policyOf(marked, POLICY), memory);
    expect([custody?.verdict, custody?.code]).toEqual(['indeterminate', 'layer-unavailable']);
    // The signed digest is enough where nobody looks into layers.
    const less = await judgeMarked(marked, await policyOf(marked, 'evidence: manifest'), memory);
    expect(less.code).toBeNull();
  });

  it('reads what was stored, whatever anybody remembers of it', async () => {
    const marked = await contentImage({ base: BASE, app: layer });
    const memory = await storeOf(marked);
    const cache = await import('../../../src/layers/index-cache.js');
    const used = vi.spyOn(cache, 'openIndexCache');
    await judgeMarked(marked, await policyOf(marked, POLICY), memory);
    expect(used).not.toHaveBeenCalled();
    expect(memory.opened(layer.descriptor.digest)).toBe(1);
  });
});

describe('G6: whatever a team does to a file of the step below, outside its rules', () => {
  const files = ['etc/pam.d/common-auth', 'usr/bin/sudo', 'usr/lib/libssl.so.3'];
  const SAME: Readonly<Record<string, string>> = {
    'etc/pam.d/common-auth': 'x',
    'usr/bin/sudo': 'sudo',
    'usr/lib/libssl.so.3': 'ssl',
  };
  const DEEDS: readonly (readonly [string, (path: string) => Layer])[] = [
    ['other bytes', path => [f(path, 'evil')]],
    ['another mode', path => [f(path, path === 'etc/pam.d/common-auth' ? 'x' : '', { mode: 0o600 })]],
    ['a deletion', path => [wh(path.replace(/([^/]+)$/, '.wh.$1'))]],
    ['a symbolic link', path => [soft(path, '/opt/app/evil')]],
    ['a folder', path => [{ path: `${path}/` }, f(`${path}/x`)]],
    ['a link of its own', path => [f('opt/app/evil', 'evil'), link(path, 'opt/app/evil')]],
    ['a link to the same bytes', path => [f('opt/app/same', SAME[path]), link(path, 'opt/app/same')]],
    ['its folder emptied', path => [wh(path.replace(/[^/]+$/, '.wh..wh..opq'))]],
    ['its folder replaced', path => [soft(path.replace(/\/[^/]+$/, ''), '/opt/app')]],
    ['a way around, by a symbolic link', path => [soft('opt/app/l', `/${path}`), f('opt/app/l/x')]],
  ];

  it.each(DEEDS)('%s is no yes', async (_, deed) => {
    for (const path of files) {
      const verdict = await verdictOf(deed(path));
      expect([path, verdict.verdict]).toEqual([path, 'fail']);
      expect([16, 18]).toContain(EXIT_CODES[verdict.code as ReasonCode]);
    }
    expect((await verdictOf([f('opt/app/README', 'evil')])).code).toBeNull();
  });
});

describe('seals', () => {
  const evil = [f('usr/lib/libssl.so.3', 'evil')];
  const wide = 'paths: { app: { allow: ["/**"], delete: ["/**"] } }';

  it('bind the steps above, whatever their rules allow', async () => {
    expect(await verdictOf(evil, wide)).toMatchObject({ verdict: 'fail', code: 'seal-violated' });
    expect((await verdictOf([f('usr/lib/other')], wide)).code).toBeNull();
  });

  it.each(['manifest', 'blobs'])('raise the level where the policy asks for %s only', async level => {
    const document = `evidence: ${level}`;
    expect(await verdictOf(evil, document)).toMatchObject({ verdict: 'fail', code: 'seal-violated' });
    expect(await verdictOf([f('usr/lib/other')], document)).toMatchObject({
      verdict: 'pass',
      level: 'content',
    });
    const marked = await contentImage({ base: BASE, app: layerFrom(evil), seals: SEALS });
    const less = await judgeMarked(marked, await policyOf(marked, document), await storeOf(marked), {
      level: 'manifest',
    });
    expect(less.code).toBe('evidence-insufficient');
  });

  it('are loosened by the policy alone, for a step and for paths', async () => {
    const override = (more: string) => `${wide}\nseals: { override: [{ of: base, by: app${more} }] }`;
    expect((await verdictOf(evil, override(''))).code).toBeNull();
    expect((await verdictOf(evil, override(', paths: ["/usr/lib/libssl*"]'))).code).toBeNull();
    expect((await verdictOf(evil, override(', paths: ["/usr/lib/other"]'))).code).toBe('seal-violated');
    expect((await verdictOf(evil, `${wide}\nseals: { honour: false }`)).code).toBeNull();
    expect((await verdictOf(evil, 'seals: { honour: false }')).level).toBe('blobs');
  });
});
