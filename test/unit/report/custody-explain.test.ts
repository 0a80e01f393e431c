import { describe, expect, it } from 'vitest';
import type { ReasonCode } from '../../../src/base/codes.js';
import { AREAS, areaOf } from '../../../src/report/custody-areas.js';
import { explainCustody } from '../../../src/report/index.js';
import { aPolicy } from '../custody/world.js';
import {
  dropped,
  good,
  judged,
  masked,
  type Told,
  textOf,
  tooWide,
  underSigned,
  unread,
} from './verdicts.js';

function explain({ verdict, policy }: Told): string {
  return textOf(explainCustody(verdict, policy));
}

/** The sign before each part of the check, by its number. */
function signs(text: string): string {
  return [...text.matchAll(/^ {2}(\S) \d {2}/gm)].map(([, sign]) => sign).join('');
}

describe('the explanation of a custody verdict', () => {
  it('goes through the rules in their order, and says what is not guaranteed', async () => {
    expect(masked(explain(await good()))).toMatchInlineSnapshot(`
      "What was checked
        ✓ 1  the policy rules
             shop, version 7 (sha256:000000000000), valid until 2027-03-01, for
               registry.example.com/shop/*
        ✓ 2  the image is the one that was asked about
             registry.example.com/shop/app,
               sha256:0000000000000000000000000000000000000000000000000000000000000000
             platform linux/amd64
             identity manifest: the manifest itself was marked
        ✓ 3  only signatures by keys of the teams count
             5 teams: base, runtime, app, security, release
             found in bundle and simplesigning; other signatures are left out
        ✓ 4  every claim stands on the one below, and the layers have no gap and no second owner
             base → runtime → app
             6 layers with one owner each
        ✓ 5  the steps are those of the policy, by their teams, in order
             – step upstream: adopt by team base, 0 to 1 times, 2 signers or more, from
               docker.io/library/debian: not there
             ✓ step base: add by team base, 1 time, 2 signers or more, at most 60 days old: base (grace,
               linus), 20 days ago
             ✓ step runtime: add or config by team runtime, 1 to 2 times, 1 signer or more, at most 90
               days old: runtime (rita), 10 days ago
             ✓ step app: add or config by team app*, 1 time, 1 signer or more: app (amy), 3 days ago
             one person never stands for two teams
        ✓ 6  the image was approved
             ✓ approval base-qa: by team security on step base, 1 signer or more: security (sam), 20
               days ago
             ✓ approval scan: by team security on the image, 1 signer or more, at most 7 days old, with
               scan-report: security (sam), 3 days ago
             ✓ approval promote: by team release on the image, 2 signers or more, after scan: release
               (ria, rob), 3 days ago
        ✓ 7  each step changed only the config that it may, and the image is what it must be
             step base: may change anything
             step runtime: may change anything
             step app: may change Env:APP_*, Cmd, Entrypoint, WorkingDir, Labels:*, ExposedPorts, User;
               never User=root, User=0, Env:LD_*, Env:PATH, Volumes
        ✓ 8  the stored layers are the ones that were signed
             each layer at least at level manifest
        – 9  each step changed only the files that it may
             not looked at

      What the level says
        asked for: manifest: every layer has the digest that its owner signed; its bytes need not have
          been read
        reached: blobs: every layer was read and unpacks to what its owner signed

      What is not guaranteed
        - threshold 1: one stolen key of team runtime is enough, until the policy drops it
        - threshold 1: one stolen key of team app is enough, until the policy drops it
        - threshold 1: one stolen key of team security is enough, until the policy drops it
        - two teams that work together can mark what the rules allow either of them
        - when: times are what the signers say; no time authority stands behind them
        - age of app: the policy sets no maxAge, so an old image passes like a new one
        - what is kept back: a registry can hide a newer mark or a withdrawal from this check
        - files: each team may add, replace and delete any file of the layers below its own
        - config: base, runtime may set Entrypoint, User, Env and everything else; the policy has no rules
        - what is good: the teams stand for their layers, which may still have bugs and vulnerabilities
        - where a team got its files: what it copied in from elsewhere (COPY --from) is its own
        - what happens at run time: mounts, volumes, environment and arguments come from whoever starts it
        - secrecy: whoever can read the image reads everything in it"
    `);
  });

  it('marks only what was checked and held', async () => {
    expect(signs(explain(await good()))).toBe('✓✓✓✓✓✓✓✓–');
    expect(signs(explain(await underSigned()))).toBe('✓✓✓✓✗✗✓✓–');
    expect(signs(explain(await dropped()))).toBe('✓✓✓✗✗––––');
    expect(signs(explain(await unread()))).toBe('✓✓✓✓✓✓✓?–');
    expect(signs(explain(await judged({}, () => ({ marks: [] }))))).toBe('✓–✗––––––');
    const expired = await judged({ policy: { expires: new Date('2026-01-01T00:00:00Z') } });
    expect(signs(explain(expired))).toBe('✗––––––––');
  });

  it('gives every part its own findings', async () => {
    const text = explain(await underSigned());
    expect(text).toMatch(/✗ step base: [^✓]*threshold-not-met/);
    expect(text).toMatch(/✗ approval promote: [^✓]*approval-missing/);
    expect(text).toMatch(/✓ approval scan: /);
    const flow = ['step-missing', 'step-order', 'key-not-authorised'] as const;
    const place = (code: ReasonCode, where = 'image') => areaOf({ code, where } as never);
    expect(flow.map(code => place(code))).toEqual(['flow', 'flow', 'flow']);
    expect(place('threshold-not-met', 'approval scan (sha256:0)')).toBe('approvals');
    expect(place('net-timeout')).toBe('marks');
    expect(new Set(AREAS).size).toBe(AREAS.length);
  });

  it('ties what is not guaranteed to the policy', async () => {
    const told = await good();
    const strict = await aPolicy();
    const lax = explain({
      ...told,
      policy: { ...strict, distinctSigners: false, expires: undefined, config: {} },
    });
    expect(lax).toContain('one person who signs for two teams');
    expect(lax).toContain('the policy itself: it never expires');
    expect(lax).toMatch(/config: base, runtime, app may set/);
    const firm = explain({
      ...told,
      policy: { ...strict, flow: strict.flow.map(step => ({ ...step, threshold: 2, maxAge: 1e10 })) },
    });
    expect(firm).not.toContain('stolen key of team app');
    expect(firm).toContain('stolen key of team security');
    expect(firm).not.toContain('no maxAge');
  });

  it('is at most a hundred columns wide', async () => {
    for (const world of [good, dropped, underSigned, unread])
      expect(tooWide(explain(await world()))).toEqual([]);
  });
});
