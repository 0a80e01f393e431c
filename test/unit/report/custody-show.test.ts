import { describe, expect, it } from 'vitest';
import { type CustodyVerdict, claimDigest } from '../../../src/custody/index.js';
import {
  type CustodyPicture,
  pictureOf,
  pictureOfClaims,
  presentPicture,
  renderCustodyDot,
  renderCustodyMermaid,
  renderCustodySvg,
} from '../../../src/report/index.js';
import { APP, buildLink, buildWithdrawal, daysAgo, digestOf, NOW } from '../custody/world.js';
import {
  dropped,
  gapped,
  good,
  judged,
  long,
  manifestLayers,
  masked,
  type Told,
  textOf,
  tooWide,
  underSigned,
  unread,
} from './verdicts.js';

function draw({ verdict, story }: Told): CustodyPicture {
  return pictureOf(verdict, manifestLayers(story));
}

function claimed({ verdict, story }: Told, left: readonly number[] = [0, 1, 2]): CustodyPicture {
  const approval = story.approvals.scan;
  const links = story.links.filter((_, at) => left.includes(at));
  return pictureOfClaims({
    repository: verdict.subject.repository,
    manifest: verdict.subject.manifest,
    layers: manifestLayers(story),
    now: NOW,
    claims: [
      ...links.map(({ claim, digest }) => ({ claim, digest, keyids: ['0123456789abcdef0123'] })),
      { claim: approval, digest: approval.prev.claim.replace(/.$/, '0') as never, keyids: [] },
    ],
  });
}

describe('a chain as a tree', () => {
  it('leads from what it stands on to the image', async () => {
    expect(masked(textOf(presentPicture(draw(await good()))))).toMatchInlineSnapshot(`
      "registry.example.com/shop/app@sha256:0000000000000000000000000000000000000000000000000000000000000000
        linux/amd64, 3 steps, 6 layers, verified by policy shop, version 7

        scratch
        │
        ├─ ✓ base: add, layers 0–1, signed by grace, linus, 20 days ago (2026-10-31)
        │  └─ ✓ approval base-qa: by security: sam, 20 days ago (2026-10-31)
        │
        ├─ ✓ runtime: add, layers 2–3, signed by rita, 10 days ago (2026-11-10)
        │
        ├─ ✓ app: add, layers 4–5, signed by amy, 3 days ago (2026-11-17)
        │  ├─ ✓ approval scan: by security: sam, 3 days ago (2026-11-17)
        │  └─ ✓ approval promote: by release: ria, rob, 3 days ago (2026-11-17)
        │
        └─ the image

        layer  digest                  size  team     step     signed by         age  evidence
            0  sha256:000000000000  12.6 MB  base     base     grace, linus  20 days  blobs
            1  sha256:000000000000  13.5 MB  base     base     grace, linus  20 days  blobs
            2  sha256:000000000000  12.8 MB  runtime  runtime  rita          10 days  blobs
            3  sha256:000000000000  13.8 MB  runtime  runtime  rita          10 days  blobs
            4  sha256:000000000000  12.8 MB  app      app      amy            3 days  blobs
            5  sha256:000000000000  13.1 MB  app      app      amy            3 days  blobs"
    `);
  });

  it('shows what fails where it fails, and approvals that are not there', async () => {
    expect(masked(textOf(presentPicture(draw(await underSigned()))))).toMatchInlineSnapshot(`
      "registry.example.com/shop/app@sha256:0000000000000000000000000000000000000000000000000000000000000000
        linux/amd64, 3 steps, 6 layers, not verified by policy shop, version 7: threshold-not-met

        scratch
        │
        ├─ ✗ base: add, layers 0–1, signed by linus, 20 days ago (2026-10-31)
        │    failed: threshold-not-met
        │  └─ ✓ approval base-qa: by security: sam, 20 days ago (2026-10-31)
        │
        ├─ ✓ runtime: add, layers 2–3, signed by rita, 10 days ago (2026-11-10)
        │
        ├─ ✓ app: add, layers 4–5, signed by amy, 3 days ago (2026-11-17)
        │  └─ ✓ approval scan: by security: sam, 3 days ago (2026-11-17)
        │
        └─ the image: threshold-not-met
           └─ ✗ approval promote: is asked for and does not hold
                failed: approval-missing

        layer  digest                  size  team     step     signed by      age  evidence
            0  sha256:000000000000  12.6 MB  base     base     linus      20 days  ✗ failed
            1  sha256:000000000000  13.5 MB  base     base     linus      20 days  ✗ failed
            2  sha256:000000000000  12.8 MB  runtime  runtime  rita       10 days  manifest
            3  sha256:000000000000  13.8 MB  runtime  runtime  rita       10 days  manifest
            4  sha256:000000000000  12.8 MB  app      app      amy         3 days  manifest
            5  sha256:000000000000  13.1 MB  app      app      amy         3 days  manifest

        wrong  threshold-not-met
              step base (sha256:000000000000): 1 of 2 signers: linus
              fix: more signers of the team co-sign the same claim
        wrong  approval-missing
              approval promote: no promote by team release was found
              fix: the team named approves the image
        note  tag-unpinned
              a tag can move; this verdict is about
              sha256:0000000000000000000000000000000000000000000000000000000000000000
              fix: deploy the digest"
    `);
  });

  it('says of every link that nobody verified it, when nobody did', async () => {
    const text = textOf(presentPicture(claimed(await good())));
    expect(masked(text)).toMatchInlineSnapshot(`
      "registry.example.com/shop/app@sha256:0000000000000000000000000000000000000000000000000000000000000000
        linux/amd64, 3 steps, 6 layers, not verified: no policy was given, so every word below is only
        claimed

        scratch
        │
        ├─ · base: add, layers 0–1, signature not checked: key 0123456789ab, 20 days ago (2026-10-31)
        │    not verified
        │
        ├─ · runtime: add, layers 2–3, signature not checked: key 0123456789ab, 10 days ago (2026-11-10)
        │    not verified
        │
        ├─ · app: add, layers 4–5, signature not checked: key 0123456789ab, 3 days ago (2026-11-17)
        │    not verified
        │  └─ · approval scan: by security: unknown, 3 days ago (2026-11-17)
        │       not verified
        │
        └─ the image

        layer  digest                  size  team     step     signed by             age  evidence
            0  sha256:000000000000  12.6 MB  base     base     key 0123456789ab  20 days  · not verified
            1  sha256:000000000000  13.5 MB  base     base     key 0123456789ab  20 days  · not verified
            2  sha256:000000000000  12.8 MB  runtime  runtime  key 0123456789ab  10 days  · not verified
            3  sha256:000000000000  13.8 MB  runtime  runtime  key 0123456789ab  10 days  · not verified
            4  sha256:000000000000  12.8 MB  app      app      key 0123456789ab   3 days  · not verified
            5  sha256:000000000000  13.1 MB  app      app      key 0123456789ab   3 days  · not verified"
    `);
    expect(text).not.toMatch(/✓|signed by r|amy|linus/);
  });

  it('is at most a hundred columns wide', async () => {
    for (const world of [good, underSigned, dropped, gapped, unread, long]) {
      const [, ...rows] = textOf(presentPicture(draw(await world()))).split('\n');
      expect(tooWide(rows.join('\n'))).toEqual([]);
    }
  });
});

describe('a picture', () => {
  it('gives no layer and no link a better state than what vouches for it', async () => {
    const { links, layers } = draw(await underSigned());
    expect(links.map(({ state }) => state)).toEqual(['failed', 'verified', 'verified']);
    expect(layers.map(({ state }) => state)).toEqual(['failed', 'failed', ...Array(4).fill('verified')]);
    const open = draw(await unread());
    expect(open.links.at(-1)).toMatchObject({ state: 'indeterminate', codes: ['layer-unavailable'] });
    expect(open.layers.map(({ state }) => state)).toEqual([
      ...Array(4).fill('verified'),
      'indeterminate',
      'verified',
    ]);
  });

  it('is sure of no owner where the whole does not add up', async () => {
    const { layers } = draw(await gapped());
    expect(layers.map(({ owner, state }) => [owner?.team, state])).toEqual([
      ['base', 'unverified'],
      ['base', 'unverified'],
      [undefined, 'failed'],
      ['runtime', 'unverified'],
      ['app', 'unverified'],
      ['app', 'unverified'],
    ]);
    const { verdict, story } = await good();
    const ambiguous = {
      code: 'custody-ambiguous',
      severity: 'fail',
      where: 'image',
      message: '',
      hint: undefined,
    };
    const two = {
      ...verdict,
      verdict: 'fail',
      code: 'custody-ambiguous',
      findings: [ambiguous],
    } as CustodyVerdict;
    expect(
      new Set(draw({ ...(await good()), verdict: two, story }).layers.map(({ state }) => state)),
    ).toEqual(new Set(['unverified']));
  });

  it('of claims follows the head as far as there are claims', async () => {
    const whole = claimed(await good());
    expect(whole.links.map(({ team, state }) => [team, state])).toEqual([
      ['base', 'unverified'],
      ['runtime', 'unverified'],
      ['app', 'unverified'],
    ]);
    expect(whole).toMatchObject({ state: 'unverified', policy: null, start: { kind: 'scratch' } });
    expect(whole.links.flatMap(({ signers }) => signers)).toEqual([]);
    const part = claimed(await good(), [0, 2]);
    expect(part.links.map(({ team }) => team)).toEqual(['app']);
    expect(part.start).toEqual({ kind: 'missing', name: 'runtime' });
    expect(part.layers.map(({ owner }) => owner?.team)).toEqual([...Array(4).fill(undefined), 'app', 'app']);
    expect(claimed(await good(), []).links).toEqual([]);
  });

  it('of claims tells of a withdrawal, and bounds the approvals', async () => {
    const { verdict, story } = await good();
    const links = story.links.map(({ claim, digest }) => ({ claim, digest, keyids: [] }));
    const withdrawal = buildWithdrawal(story.head, 'app');
    const approval = story.approvals.scan;
    const approvals = Array.from({ length: 100 }, (_, at) => ({
      claim: { ...approval, time: daysAgo(at) },
      digest: digestOf(`approval ${at}`),
      keyids: [],
    }));
    const picture = pictureOfClaims({
      ...verdict.subject,
      layers: manifestLayers(story),
      now: NOW,
      claims: [...links, ...approvals, { claim: withdrawal, digest: claimDigest(withdrawal), keyids: [] }],
    });
    expect(picture.links.map(({ codes }) => codes)).toEqual([[], [], ['mark-withdrawn']]);
    expect(picture.approvals).toHaveLength(64);
    expect(picture.approvals.at(-1)?.time).toBe(daysAgo(63));
    const text = textOf(presentPicture(picture)).replace(/\s+/g, ' ');
    expect(text).toContain('a withdrawal lies with the image; whether it counts was not verified');
    expect(text).toContain('36 older approvals are not shown');
  });

  it('of claims tells the longest story, says that there are others, and names every key', async () => {
    const { verdict, story } = await good();
    const [, , head] = story.links;
    const other = buildLink({ ...APP, signers: ['mallory'] });
    const forged = { ...other.claim, subject: head?.claim.subject } as typeof other.claim;
    const links = story.links.flatMap(({ claim, digest }) =>
      ['aa', 'bb', 'aa'].map(keyid => ({ claim, digest, keyids: [keyid] })),
    );
    const picture = pictureOfClaims({
      ...verdict.subject,
      layers: manifestLayers(story),
      now: NOW,
      claims: [{ claim: forged, digest: claimDigest(forged), keyids: ['cc'] }, ...links],
    });
    expect(picture.links.map(({ team, keyids }) => [team, keyids])).toEqual([
      ['base', ['aa', 'bb']],
      ['runtime', ['aa', 'bb']],
      ['app', ['aa', 'bb']],
    ]);
    expect(picture.findings.map(({ message }) => message)).toEqual([
      '1 other claim about this image is not shown',
    ]);
  });

  it('knows what a chain stands on', async () => {
    expect(draw(await good()).start.kind).toBe('scratch');
    expect(draw(await dropped()).start.kind).toBe('missing');
    const { verdict, story } = await good();
    const [first, ...rest] = verdict.chain;
    const adopted = { ...verdict, chain: [{ ...first, kind: 'adopt' }, ...rest] } as CustodyVerdict;
    expect(pictureOf(adopted, manifestLayers(story)).start.kind).toBe('upstream');
    expect(pictureOf((await judged({}, () => ({ marks: [] }))).verdict).start.kind).toBe('missing');
  });
});

const EVIL = [
  '"];evil[label="',
  '</text><script>evil()</script>',
  "' onload='evil()",
  '\\',
  '&lt;<!--',
  ']]>',
  '%%{init: {"theme":"evil"}}%%',
  '`**evil**`',
  'a\nevil --> b\n',
  '\u202e\u0000\u001b[31m\ufffe\ud800',
  '{evil|<f0>}',
  '#quot;evil',
  ';evil',
].join(' ');

/** Every text that comes from outside is as bad as can be. */
function evil(picture: CustodyPicture): CustodyPicture {
  return JSON.parse(JSON.stringify(picture), (key, value) => {
    if (
      ['team', 'step', 'name', 'repository', 'platform', 'message', 'where', 'kind', 'time'].includes(key) &&
      typeof value === 'string'
    )
      return EVIL;
    return key === 'signers' || key === 'keyids' ? [EVIL] : value;
  });
}

const pictures = async () => {
  const told = [await good(), await underSigned(), await gapped(), await unread(), await long()];
  const drawn = [...told.map(draw), claimed(await good()), draw(await judged({}, () => ({ marks: [] })))];
  return [...drawn, ...drawn.map(evil)];
};

describe('a picture as SVG', () => {
  it('is made of its own elements and attributes only, whatever the names are', async () => {
    for (const picture of await pictures()) {
      const svg = renderCustodySvg(picture);
      const tag = /^<\/?(?:svg|title|desc|style|rect|g|path|circle|text)(?: [a-z-A-Z]+="[^"<>&']*")*\/?>$/;
      const withoutStyle = svg.replace(/<style>[^<]*<\/style>/, '');
      const tags = withoutStyle.match(/<[^>]*>/g) ?? [];
      expect(tags.filter(found => !tag.test(found))).toEqual([]);
      const texts = withoutStyle.replace(/<[^>]*>/g, '');
      expect(texts.replace(/&(?:amp|lt|gt|quot|#39);/g, '')).not.toMatch(/[<>&]/);
      expect(texts.replace(/\n/g, '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Cn}]/u);
      const opened = tags.filter(found => !found.startsWith('</') && !found.endsWith('/>')).length;
      expect(opened).toBe(tags.filter(found => found.startsWith('</')).length);
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    }
  });

  it('stands alone: no scripts, nothing fetched', async () => {
    const svg = renderCustodySvg(draw(await underSigned()));
    expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(
      /https?:|url\(|@import|href|<script|on\w+=/,
    );
  });

  it('shows each team, signer, approval and failure', async () => {
    const svg = renderCustodySvg(draw(await underSigned()));
    for (const words of [
      'not verified: threshold-not-met',
      'failed: threshold-not-met',
      'promote · approval-missing',
      'scan · security: sam · 3 days',
      'signed by linus',
      '20 days ago, 2026-10-31',
      'policy shop, version 7 · level manifest',
    ])
      expect(svg).toContain(`>${words}</text>`);
    expect(svg.match(/not accepted/g)).toHaveLength(2);
    expect(renderCustodySvg(draw(await good()))).toContain('>verified</text>');
    expect(renderCustodySvg(claimed(await good()))).toContain('all of this is only claimed');
  });

  it('folds many layers and draws the one that is wrong', async () => {
    const { verdict, story } = await long(1, 60);
    const found = {
      code: 'layer-diffid-mismatch',
      severity: 'fail',
      where: 'layer 30',
      message: '',
      hint: undefined,
    };
    const svg = renderCustodySvg(
      pictureOf(
        { ...verdict, verdict: 'fail', code: 'layer-diffid-mismatch', findings: [found] } as CustodyVerdict,
        manifestLayers(story),
      ),
    );
    expect(svg).toContain('53 more layers');
    expect(svg).toContain('>30</text>');
    expect(svg).toContain('✗ layer-diffid-mismatch');
  });
});

describe('a picture in DOT', () => {
  it('keeps names inside their quotes', async () => {
    for (const picture of await pictures()) {
      const dot = renderCustodyDot(picture);
      const bare = dot.replace(/"(?:[^"\\]|\\.)*"/g, '""');
      expect(bare).not.toMatch(/evil/);
      for (const row of bare.trimEnd().split('\n'))
        expect(row).toMatch(
          /^(?:digraph custody \{|\}| {2}(?:graph|node|edge) \[[\w=", .]*\];| {2}n\d+ \[[\w=", .]*\];| {2}n\d+ -> n\d+ \[[\w=, ]+\];| {2}\{ rank=same; n\d+; n\d+; \})$/,
        );
      expect(dot.replace(/\\[nl\\"]/g, '')).not.toContain('\\');
    }
  });

  it('draws every link, approval and layer', async () => {
    const dot = renderCustodyDot(draw(await underSigned()));
    expect(dot).toContain(
      '✗ base\\nadd, layers 0–1\\nsigned by linus\\n20 days ago, 2026-10-31\\nfailed: threshold-not-met',
    );
    expect(dot).toMatch(/approval promote\\nfailed: approval-missing", color="#cf222e"/);
    expect(dot.match(/\d {2}sha256:[0-9a-f]{12} {2}\d+\.\d MB\\l/g)).toHaveLength(6);
  });
});

describe('a picture in Mermaid', () => {
  it('lets nothing of a name act', async () => {
    const label = '"(?:[\\p{L}\\p{N} .,_()✓✗·…–-]|#\\d+;|<br/>)*"';
    const rows = new RegExp(
      `^(?:flowchart BT|  n\\d+(?:\\[${label}\\]|\\(${label}\\)|\\(\\[${label}\\]\\)|\\[\\[${label}\\]\\])|  n\\d+ (?:==>|-\\.-) n\\d+|  style n\\d+ stroke:#[0-9a-f]{6},stroke-width:[13]px)$`,
      'u',
    );
    for (const picture of await pictures())
      for (const row of renderCustodyMermaid(picture).trimEnd().split('\n')) expect(row).toMatch(rows);
  });

  it('draws a chain', async () => {
    expect(
      masked(renderCustodyMermaid(draw(await dropped())).replaceAll('#58;', ':')),
    ).toMatchInlineSnapshot(`
      "flowchart BT
        n0(["a step whose mark was not found"])
        n1["✗ app<br/>add, layers 4–5<br/>signed by amy<br/>3 days ago, 2026-11-17<br/>failed: prev-missing"]
        n2["4  sha256:000000000000  12.8 MB<br/>5  sha256:000000000000  13.1 MB"]
        n3("✓ approval scan<br/>security: sam<br/>3 days ago")
        n4("✓ approval promote<br/>release: ria, rob<br/>3 days ago")
        n5[["sha256:000000000000<br/>not verified: prev-missing"]]
        n6["no owner<br/>0  sha256:000000000000  12.6 MB<br/>1  sha256:000000000000  13.5 MB<br/>2  sha256:000000000000  12.8 MB<br/>3  sha256:000000000000  13.8 MB"]
        n0 ==> n1
        n1 -.- n2
        n1 -.- n3
        n1 -.- n4
        n1 ==> n5
        n5 -.- n6
        style n0 stroke:#cf222e,stroke-width:1px
        style n1 stroke:#cf222e,stroke-width:3px
        style n2 stroke:#0072b2,stroke-width:1px
        style n3 stroke:#1a7f37,stroke-width:1px
        style n4 stroke:#1a7f37,stroke-width:1px
        style n5 stroke:#cf222e,stroke-width:1px
        style n6 stroke:#cf222e,stroke-width:1px
      "
    `);
  });
});
