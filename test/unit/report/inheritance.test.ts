import { describe, expect, test } from 'vitest';
import { printable } from '../../../src/cli/text.js';
import type { Inheritance } from '../../../src/inheritance/index.js';
import { layOut, type PlacedBox } from '../../../src/report/inheritance-drawing.js';
import { renderInheritanceDot, renderInheritanceMermaid } from '../../../src/report/inheritance-graph.js';
import { renderInheritanceSvg } from '../../../src/report/inheritance-svg.js';
import { presentInheritance } from '../../../src/report/inheritance-text.js';
import { renderLines } from '../../../src/report/lines.js';
import { digestOf, findingIn, leadsTo, lineageOf, lookupsOf, treeOf } from '../inheritance/lineages.js';

const SHOP = 'registry.example/shop';
const base = { name: 'base', adds: ['b1', 'b2'], tag: `${SHOP}/base:12`, days: 40 };

/** A base that is behind, an image that holds, one that does not, and one that could not be read. */
function shopTree(): Inheritance {
  const lineages = [
    lineageOf({ reference: `${SHOP}/app:1.4`, stages: [base, { name: 'app', adds: ['a1'], days: 2 }] }),
    lineageOf({
      reference: `${SHOP}/tool:7`,
      state: 'failed',
      code: 'no-marks',
      stages: [{ name: 'tool', adds: ['b1', 'b2', 't1', 't2'] }],
    }),
  ];
  const lookups = lookupsOf({
    [base.tag]: leadsTo('newer', 'tuf'),
    [`${SHOP}/app:1.4`]: leadsTo('app'),
    [`${SHOP}/tool:7`]: { kind: 'unknown', code: 'net-timeout', why: 'no answer within 10 s' },
  });
  const findings = [
    findingIn('CVE-1', 'critical', 2),
    findingIn('CVE-2', 'low', 2),
    findingIn('CVE-3', 'high'),
  ];
  const tree = treeOf(lineages, lookups, {}, [{ reference: `${SHOP}/app:1.4`, reports: 1, findings }]);
  const unread = { reference: `${SHOP}/gone:1`, pinned: null, digest: null, through: null } as const;
  const why = {
    state: 'indeterminate',
    code: 'oci-not-found',
    message: 'it does not exist',
    scan: null,
  } as const;
  return { ...tree, images: [...tree.images, { ...unread, ...why }] };
}

function hostileTree(): Inheritance {
  const evil = ']]><script>alert(1)</script>&"\u001b[31m\u202e\n%%{init: {}}%%\\N';
  const stage = { name: evil, adds: ['x'], tag: `${SHOP}/${evil}:1` };
  const namedBase = { name: evil, digest: digestOf('x'), why: evil, code: 'net-offline' } as const;
  const open = lineageOf({
    reference: `${evil}:1`,
    state: 'unverified',
    stages: [stage, { name: 'y', adds: ['y'] }],
    more: { namedBase },
  });
  return treeOf([open, lineageOf({ reference: 'z:1', stages: [{ ...stage, adds: ['x', 'z'] }] })]);
}

const textOf = (tree: Inheritance) => renderLines(presentInheritance(tree), (_, text) => text, printable);

test('as text', () => {
  expect(`\n${textOf(shopTree())}\n`).toBe(`
3 images, 1 of them verified by policy shop, version 1

scratch
└─ ✓ registry.example/shop/base:12
   │    sha256:d67e86b9201c, linux/amd64, 2 layers, 32.3 MB, built 40 days ago
   │    no findings in these layers
   │    base: add, signed by base-1, 40 days ago (2026-10-19)
   │    behind: registry.example/shop/base:12 (so called by the next image) is sha256:0edf08b3709a
   │    now, by TUF
   ├─ ✓ registry.example/shop/app:1.4
   │       sha256:f9d2155037fe, linux/amd64, 1 layer, 48.3 MB, built 2 days ago
   │       2 findings in these layers: 1 critical, 1 low
   │       app: add, signed by app-1, 2 days ago (2026-11-26)
   │       up to date: it is registry.example/shop/app:1.4
   └─ ✗ registry.example/shop/tool:7
           sha256:1b0b5c409e19, linux/amd64, 2 layers, 48.3 MB, built 3 days ago
           failed: no-marks
           not known whether it is still registry.example/shop/tool:7: no answer within 10 s

? registry.example/shop/gone:1
  could not be read: oci-not-found: it does not exist
`);
});

test('in DOT', () => {
  expect(renderInheritanceDot(shopTree())).toMatchInlineSnapshot(`
    "digraph inheritance {
      graph [rankdir=BT, labelloc=t, fontname="Helvetica", nodesep=0.4, label="inheritance of 3 images, 1 of them verified by policy shop, version 1"];
      node [shape=box, style="rounded,filled", fillcolor=white, fontname="Helvetica", fontsize=11, penwidth=2];
      edge [color="#6e7781", fontname="Helvetica"];
      n0 [label="scratch", color="#6e7781", shape=plaintext, style=""];
      n1 [label="✓ registry.example/shop/base:12\\nsha256:d67e86b9201c\\nbase: add, signed by base-1, 40 days ago (2026-10-19)\\nbehind: registry.example/shop/base:12 (so called by the next image) is sha256:0edf08b3709a now, by TUF\\n2 layers, 32.3 MB\\nno findings in these layers", color="#0072b2"];
      n2 [label="✓ registry.example/shop/app:1.4\\nsha256:f9d2155037fe\\napp: add, signed by app-1, 2 days ago (2026-11-26)\\nup to date: it is registry.example/shop/app:1.4\\n1 layer, 48.3 MB\\n2 findings in these layers: 1 critical, 1 low", color="#e69f00"];
      n3 [label="✗ registry.example/shop/tool:7\\nsha256:1b0b5c409e19\\nfailed: no-marks\\nnot known whether it is still registry.example/shop/tool:7: no answer within 10 s\\n2 layers, 48.3 MB", color="#cf222e", fontcolor="#cf222e"];
      n4 [label="? registry.example/shop/gone:1\\ncould not be read: oci-not-found", color="#9a6700", shape=box, style="filled,bold"];
      n0 -> n1 [penwidth=2];
      n1 -> n2 [penwidth=2];
      n1 -> n3 [penwidth=2];
    }
    "
  `);
});

test('in Mermaid', () => {
  const rows = renderInheritanceMermaid(shopTree()).split('\n');
  expect(rows.filter(row => row.includes('==>'))).toEqual(['  n0 ==> n1', '  n1 ==> n2', '  n1 ==> n3']);
  expect(rows[0]).toBe('flowchart BT');
  expect(rows[2]).toMatch(/^ {2}n1\["✓ registry.example#47;shop#47;base#58;12<br\/>/);
});

describe('as SVG', () => {
  /** What a parser must see: tags that open and close, and no bare sign. */
  function tagsOf(svg: string): readonly string[] {
    const open: string[] = [];
    const seen: string[] = [];
    const rest = svg.replace(
      /<(\/?)([a-z]+)((?: [a-zA-Z:-]+="[^"<>]*")*)(\/?)>/g,
      (_, closes, name, __, alone) => {
        seen.push(name);
        if (closes) expect(open.pop()).toBe(name);
        else if (!alone) open.push(name);
        return '';
      },
    );
    expect(open).toEqual([]);
    expect(rest).not.toMatch(/[<>]|&(?!(?:amp|lt|gt|quot|#39);)/);
    return seen;
  }

  test('says what is in it to who cannot see it, and brings nothing with it', () => {
    const svg = renderInheritanceSvg(shopTree());
    expect(svg).toMatch(
      /^<svg [^>]*role="img" aria-labelledby="title summary">\n<title id="title">Inheritance of 3 images<\/title>\n<desc id="summary">3 images, 1 of them verified/,
    );
    expect(svg).toContain('prefers-color-scheme:dark');
    expect(new Set(tagsOf(svg))).toEqual(
      new Set(['svg', 'title', 'desc', 'style', 'rect', 'text', 'path', 'g', 'circle']),
    );
    for (const word of [
      'base:12',
      'app:1.4',
      'tool:7',
      'gone:1',
      'failed: no-marks',
      'behind: base:12',
      'not known: tool:7',
      'layers of app',
      '2 findings in these layers:',
    ])
      expect(svg).toContain(word);
    expect(svg.match(/href|url\(|@import/)).toBeNull();
  });

  test('names from outside stay text, in every form', () => {
    const tree = hostileTree();
    const svg = renderInheritanceSvg(tree);
    tagsOf(svg);
    expect(svg).not.toMatch(/<script|\]\]>|\p{Cc}(?<!\n)|\u202e/u);
    const dot = renderInheritanceDot(tree);
    // A quoted string ends where it should: an even number of signs that are not escaped, in every line.
    for (const row of dot.split('\n'))
      expect((row.replace(/\\./g, '').match(/"/g) ?? []).length % 2, row).toBe(0);
    expect(dot).not.toMatch(/\p{Cc}(?<!\n)|\u202e/u);
    const mermaid = renderInheritanceMermaid(tree);
    expect(mermaid).not.toMatch(/<script|%%\{|\p{Cc}(?<!\n)|\u202e/u);
    expect(textOf(tree)).not.toMatch(/\p{Cc}(?<!\n)|\u202e/u);
  });
});

describe('the layout', () => {
  const leaf = (height: number) => ({ item: null, height, children: [] });
  const all = (box: PlacedBox<null>): readonly PlacedBox<null>[] => [box, ...box.children.flatMap(all)];

  test('no two boxes of one level touch, and all lie in the height that is given back', () => {
    const trees = [
      leaf(10),
      { item: null, height: 400, children: [leaf(20), leaf(30)] },
      {
        item: null,
        height: 10,
        children: [{ item: null, height: 300, children: [leaf(20)] }, leaf(50), leaf(20)],
      },
      {
        item: null,
        height: 50,
        children: [leaf(10), { item: null, height: 20, children: [leaf(90), leaf(90), leaf(90)] }],
      },
    ];
    for (const tree of trees) {
      const { placed, height } = layOut(tree, 20, 100);
      const boxes = all(placed);
      for (const box of boxes) {
        expect(box.y).toBeGreaterThanOrEqual(100);
        expect(box.y + box.height).toBeLessThanOrEqual(100 + height);
        for (const other of boxes.filter(({ level }) => level === box.level && box !== boxes[0]))
          if (other !== box)
            expect(other.y >= box.y + box.height + 20 || box.y >= other.y + other.height + 20).toBe(true);
      }
    }
  });
});
