import { describe, expect, it } from 'vitest';
import { EXIT_CODES, type ReasonCode } from '../../../src/base/codes.js';
import { type CustodyVerdict, verifyIndex } from '../../../src/custody/index.js';
import { rawManifest, serializeManifest } from '../../../src/oci/manifest.js';
import { fixOf } from '../../../src/report/custody-words.js';
import { presentCustody, presentCustodyIndex } from '../../../src/report/index.js';
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

function show({ verdict, story }: Told): string {
  return textOf(presentCustody(verdict, { layers: manifestLayers(story) }));
}

describe('a custody verdict as text', () => {
  it('is a yes in its first line, then who stands for what, then whose each layer is', async () => {
    expect(masked(show(await good()))).toMatchInlineSnapshot(`
      "registry.example.com/shop/app@sha256:0000000000000000000000000000000000000000000000000000000000000000  verified
        custody     base → runtime → app, 6 layers, no gaps
        signed by   base: grace, linus, 20 days ago
                    runtime: rita, 10 days ago
                    app: amy, 3 days ago
        approved    base-qa by security: sam, 20 days ago
                    scan by security: sam, 3 days ago
                    promote by release: ria, rob, 3 days ago
        level       blobs: every layer was read and unpacks to what its owner signed
        policy      shop, version 7 (sha256:000000000000)

        layer  digest                  size  team     step     signed by         age  evidence
            0  sha256:000000000000  12.6 MB  base     base     grace, linus  20 days  blobs
            1  sha256:000000000000  13.5 MB  base     base     grace, linus  20 days  blobs
            2  sha256:000000000000  12.8 MB  runtime  runtime  rita          10 days  blobs
            3  sha256:000000000000  13.8 MB  runtime  runtime  rita          10 days  blobs
            4  sha256:000000000000  12.8 MB  app      app      amy            3 days  blobs
            5  sha256:000000000000  13.1 MB  app      app      amy            3 days  blobs"
    `);
  });

  it('of a no says first what failed, then the rest', async () => {
    expect(masked(show(await underSigned()))).toMatchInlineSnapshot(`
      "registry.example.com/shop/app@sha256:0000000000000000000000000000000000000000000000000000000000000000  not verified: threshold-not-met
        why         step base (sha256:000000000000): 1 of 2 signers: linus
        also        approval-missing: approval promote: no promote by team release was found
        custody     base → runtime → app: claimed, and not accepted
        signed by   base: linus, 20 days ago
                    runtime: rita, 10 days ago
                    app: amy, 3 days ago
        approved    base-qa by security: sam, 20 days ago
                    scan by security: sam, 3 days ago
        policy      shop, version 7 (sha256:000000000000)
        note        tag-unpinned: a tag can move; this verdict is about
                    sha256:0000000000000000000000000000000000000000000000000000000000000000 (deploy the
                    digest)

        layer  digest                  size  team     step     signed by      age  evidence
            0  sha256:000000000000  12.6 MB  base     base     linus      20 days  ✗ failed
            1  sha256:000000000000  13.5 MB  base     base     linus      20 days  ✗ failed
            2  sha256:000000000000  12.8 MB  runtime  runtime  rita       10 days  manifest
            3  sha256:000000000000  13.8 MB  runtime  runtime  rita       10 days  manifest
            4  sha256:000000000000  12.8 MB  app      app      amy         3 days  manifest
            5  sha256:000000000000  13.1 MB  app      app      amy         3 days  manifest"
    `);
  });

  it('names layers that nobody stands for', async () => {
    expect(masked(show(await dropped()))).toMatchInlineSnapshot(`
      "registry.example.com/shop/app@sha256:0000000000000000000000000000000000000000000000000000000000000000  not verified: prev-missing
        why         step app (sha256:000000000000): builds on runtime of team runtime, whose mark
                    sha256:0000000000000000000000000000000000000000000000000000000000000000 was not found
        also        step-missing: step base: occurs 0 times; the policy asks for 1
                    step-missing: step runtime: occurs 0 times; the policy asks for 1
        custody     app: claimed, and not accepted
        signed by   app: amy, 3 days ago
        approved    scan by security: sam, 3 days ago
                    promote by release: ria, rob, 3 days ago
        policy      shop, version 7 (sha256:000000000000)

        layer  digest                  size  team    step  signed by     age  evidence
            0  sha256:000000000000  12.6 MB  nobody  –     –               –  ✗ no owner
            1  sha256:000000000000  13.5 MB  nobody  –     –               –  ✗ no owner
            2  sha256:000000000000  12.8 MB  nobody  –     –               –  ✗ no owner
            3  sha256:000000000000  13.8 MB  nobody  –     –               –  ✗ no owner
            4  sha256:000000000000  12.8 MB  app     app   amy        3 days  · not verified
            5  sha256:000000000000  13.1 MB  app     app   amy        3 days  · not verified"
    `);
  });

  it('tells a no from what could not be decided', async () => {
    const text = show(await unread());
    const [first, why] = text.split('\n');
    expect(first).toMatch(/ {2}not verified: layer-unavailable \(could not be decided\)$/);
    expect(why).toBe('  why         layer 4: the registry answered 404');
    expect(text).toMatch(/4 {2}sha256:\w+ .* {2}\? undecided$/m);
    expect(text).not.toContain('no gaps');
  });

  it('stays readable with many links and layers, and says how many it leaves out', async () => {
    const text = show(await long());
    expect(text).toContain('custody     base → runtime ×30 → app, 124 layers, no gaps');
    expect(text).toContain('runtime ×30: rita, 12 days ago');
    expect(text).toMatch(/ … {2}118 more +1\.\d GB {2}runtime/);
    expect(text.split('\n').length).toBeLessThan(30);
  });

  it('prints a bounded number of findings, however many there are', async () => {
    const { verdict } = await underSigned();
    const [finding] = verdict.findings;
    const many = ['fail', 'warning'].flatMap(severity =>
      Array.from({ length: 2000 }, (_, at) => ({ ...finding, severity, message: `number ${at}` })),
    );
    const text = textOf(presentCustody({ ...verdict, findings: many } as CustodyVerdict));
    expect(text.split('\n').length).toBeLessThan(50);
    expect(text).toContain('and 1988 more; -o json lists them');
    expect(text).toContain('and 1993 more; -o json lists them');
  });

  it('says once what is so in many places, and breaks no digest', async () => {
    const { verdict } = await good();
    const digest = `sha256:${'ab'.repeat(32)}`;
    const note = { code: 'mark-unverifiable', severity: 'warning', hint: undefined };
    const strangers = Array.from({ length: 9 }, (_, at) => ({
      ...note,
      where: `place ${at}`,
      message: 'strange',
    }));
    const wide = {
      ...note,
      where: 'image',
      message: `see ${'registry.example/'.repeat(3)}app@${digest} there`,
    };
    const findings = [...strangers, wide];
    const text = textOf(presentCustody({ ...verdict, findings } as CustodyVerdict));
    expect(text).toContain('mark-unverifiable: place 0 and 8 more: strange\n');
    expect(text).not.toContain('place 1');
    expect(text).toMatch(new RegExp(`^ +(registry.example/){3}app@${digest}$`, 'm'));
  });

  it('is at most a hundred columns wide, save for the reference', async () => {
    const worlds = [
      good,
      underSigned,
      dropped,
      gapped,
      unread,
      long,
      async () => hostile(await underSigned()),
    ];
    for (const world of worlds) {
      const [, ...rows] = show(await world()).split('\n');
      expect(rows.length).toBeGreaterThan(5);
      expect(tooWide(rows.join('\n'))).toEqual([]);
    }
  });

  it('knows a way out of every no about custody', () => {
    const warnings = [
      'duplicate-claims',
      'custody-collapsed',
      'history-untrusted',
      'oci-',
      'sig-',
      'tuf-not-signed',
      'mark-un',
    ];
    const others = ['mark-other', 'carrier-', 'identity-content', 'tag-', 'annotation-'];
    // Of signatures with an identity, which have no part in custody.
    const bundles = [
      'signer-kind',
      'signer-identity',
      'certificate-',
      'sct-',
      'log-',
      'timestamp-',
      'time-th',
    ];
    const codes = (Object.keys(EXIT_CODES) as ReasonCode[])
      .filter(code => [10, 12, 14, 15, 16, 24].includes(EXIT_CODES[code]))
      .filter(code => ![...warnings, ...others, ...bundles].some(start => code.startsWith(start)));
    expect(codes.length).toBeGreaterThan(40);
    expect(codes.filter(code => fixOf({ code }) === undefined)).toEqual([]);
  });

  it('says nothing about a chain where there is none', async () => {
    const told = await judged({}, () => ({ marks: [] }));
    const text = textOf(presentCustody(told.verdict));
    expect(text).toMatch(/ {2}not verified: no-marks\n {2}why {9}no team has marked this image\n {2}policy /);
    expect(text).not.toMatch(/custody|signed by|layer/);
  });
});

/** Names as long as they may be, and texts as bad as a registry may send them. */
function hostile(told: Told): Told {
  const name = 'n'.repeat(64);
  const text = `\u202e\u001b[31m${'w'.repeat(300)}\u0007 ${'\u0000'.repeat(40)}`;
  const verdict: CustodyVerdict = {
    ...told.verdict,
    chain: told.verdict.chain.map(entry => ({
      ...entry,
      team: name,
      step: `${name}-x`,
      signers: [name, text],
    })),
    layers: told.verdict.layers.map(entry => ({ ...entry, team: name, step: `${name}-x` })),
    findings: told.verdict.findings.map(found => ({ ...found, where: text, message: text, hint: text })),
  };
  return { ...told, verdict };
}

describe('a verdict on an index as text', () => {
  it('is one line for each image, then the first that is no yes in full', async () => {
    const [yes, no] = [await good(), await underSigned()];
    const arm = { os: 'linux', architecture: 'arm64' };
    const other = {
      ...no.verdict,
      subject: { ...no.verdict.subject, manifest: digestLike('b'), platform: arm },
    };
    const children = [yes.verdict, other as CustodyVerdict];
    const manifest = serializeManifest({
      manifests: children.map(({ subject }) => ({
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        digest: subject.manifest,
        size: 1,
        platform: subject.platform,
      })),
    } as never);
    const { bytes, descriptor } = rawManifest('application/vnd.oci.image.index.v1+json', manifest.bytes);
    const verdict = await verifyIndex({
      index: { mediaType: descriptor.mediaType, bytes },
      children,
      marks: [],
      policy: yes.story.input.policy,
      now: yes.story.input.now,
      tagGiven: true,
    });
    const text = textOf(presentCustodyIndex(verdict));
    expect(masked(text).split('\n').slice(0, 8).join('\n')).toMatchInlineSnapshot(`
      "registry.example.com/shop/app@sha256:0000000000000000000000000000000000000000000000000000000000000000  not verified: threshold-not-met
        linux/amd64   sha256:000000000000  verified  base → runtime → app, 6 layers, no gaps
        linux/arm64   sha256:000000000000  not verified: threshold-not-met
        note        tag-unpinned: index: a tag can move; this verdict is about
                    sha256:0000000000000000000000000000000000000000000000000000000000000000 (deploy the
                    digest)

      registry.example.com/shop/app@sha256:0000000000000000000000000000000000000000000000000000000000000000  not verified: threshold-not-met"
    `);
    expect(text.split('\n').filter(row => row.includes('also'))).toHaveLength(1);
  });

  it('names images that nobody checked', () => {
    const digest = digestLike('c');
    const finding = {
      code: 'layer-unavailable',
      severity: 'indeterminate',
      where: `image ${digest.slice(0, 19)} (linux/arm)`,
      message: 'was not checked',
      hint: undefined,
    } as const;
    const text = textOf(
      presentCustodyIndex({
        verdict: 'indeterminate',
        code: finding.code,
        index: digestLike('d'),
        children: [],
        findings: [finding],
      }),
    );
    expect(text).toContain('not verified: layer-unavailable (could not be decided)');
    expect(text).toContain(
      'index       layer-unavailable: image sha256:cccccccccccc (linux/arm): was not checked',
    );
  });
});

function digestLike(digit: string) {
  return `sha256:${digit.repeat(64)}` as CustodyVerdict['subject']['manifest'];
}
