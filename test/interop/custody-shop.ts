import { writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { buildImage, type TestImage } from '../../src/testing/image.js';
import { repositoryOf } from '../integration/registry-http.js';
import { openSite, type Site } from '../integration/site.js';
import { describeOutcome, runOk } from '../peers/command.js';
import type { CosignMajor } from '../peers/cosign.js';
import { PEERS } from '../peers/peer-list.js';
import { skopeoCopy } from '../peers/skopeo.js';
import { writeLayout } from '../peers/small-image.js';

/** A registry with images that teams have marked in every way there is, for cosign to look at. */
export interface Shop extends Site {
  readonly policy: string;
  /** The same, with the approval `scan` by the security team. */
  readonly scanned: string;
  /** The policy, with other members. */
  writePolicy(name: string, changes: Readonly<Record<string, unknown>>): string;
  /** Pushes an image to `shop/PATH:v1`. @returns it by digest */
  push(path: string, image: TestImage): Promise<string>;
  /** `custody VERB`, as a team with a person's key. */
  claim(verb: string, team: string, key: string, image: string, ...more: string[]): Promise<void>;
  /** Marks as the app team with cosign alone: runs what `custody claim` prints. @returns the digest of the claim */
  markWithCosign(major: CosignMajor, image: string, base: string, ...more: string[]): Promise<string>;
  /** Copies an image to `copies/PATH` with skopeo, and what lies under the tags of its attachments. @returns it by digest */
  copyWith(image: string, path: string, suffixes: readonly string[]): Promise<string>;
  /** `custody verify` of one image. */
  verify(image: string, ...more: string[]): Promise<Answer>;
}

interface Entry {
  readonly step: string;
  readonly signers: readonly string[];
  readonly claim: string;
}

/** What `custody verify -o json` says of an image, as far as it is looked at here. */
export interface Answer {
  readonly ok: boolean;
  readonly code: string | null;
  readonly custody: { readonly chain: readonly Entry[]; readonly approvals: readonly Entry[] } | null;
}

/** The tag of the list of an image's referrers; with a suffix, of its signatures and its custody artifact. */
export const attachedTo = (pinned: string, suffix = ''): string =>
  `${repositoryOf(pinned)}:${digestOf(pinned).replace(':', '-')}${suffix}`;

export const digestOf = (pinned: string): string => pinned.slice(pinned.indexOf('@') + 1);

export const APPROVALS = [{ name: 'scan', team: 'security', threshold: 1 }] as const;

const base = buildImage({ layers: [{ 'etc/os-release': 'NAME=tests\n' }] });
const app = buildImage({ base, layers: [{ 'srv/': '', 'srv/app': '#!/bin/sh\n' }] });

/** What the first team builds, what the next adds to it, what that only configures; and somebody else's image. */
export const IMAGES = {
  base,
  app,
  configured: buildImage({ base: app, layers: [], config: { config: { Env: ['APP_MODE=production'] } } }),
  upstream: buildImage({ layers: [{ 'etc/os-release': 'NAME=upstream\n' }] }),
  baseForArm: buildImage({
    layers: [{ 'etc/os-release': 'NAME=tests\n' }],
    platform: { os: 'linux', architecture: 'arm64' },
  }),
} as const;

/** Who holds which key; `gate` is nobody's of a team. */
const PEOPLE = ['linus', 'grace', 'ben', 'sec', 'gate'] as const;

export async function openShop(name: string): Promise<Shop> {
  const site = await openSite(name);
  await Promise.all(PEOPLE.map(key => site.ok('key', 'generate', key)));
  const repositories = [`${site.registry.host}/shop/**`];
  const writePolicy: Shop['writePolicy'] = (file, changes) => {
    writeFileSync(site.scratch.file(file), JSON.stringify({ ...rules(repositories), ...changes }));
    return file;
  };
  const policy = writePolicy('policy.json', {});
  const scanned = writePolicy('scanned.json', { approvals: APPROVALS });
  return {
    ...site,
    policy,
    scanned,
    writePolicy,
    push: async (path, image) => {
      const layout = site.scratch.file(`layout-${path.replaceAll('/', '-')}`);
      writeLayout(layout, { v1: image });
      const repository = `${site.registry.host}/shop/${path}`;
      await skopeoCopy(site.scratch, `oci:${layout}:v1`, `docker://${repository}:v1`);
      return `${repository}@${image.manifest.descriptor.digest}`;
    },
    claim: async (verb, team, key, image, ...more) => {
      const about = [
        '--team',
        team,
        '--policy',
        verb === 'approve' ? scanned : policy,
        '--key',
        `${key}.key`,
        '--yes',
      ];
      await site.ok('custody', verb, image, ...about, ...more);
    },
    markWithCosign: async (major, image, base, ...more) => {
      const about = ['--team', 'app', '--step', 'app', '--base', base, '--policy', policy, ...more];
      const printed = await site.ok(
        'custody',
        'claim',
        image,
        ...about,
        '--key',
        'ben.key',
        '--carry',
        '-o',
        'json',
      );
      const [made] = printed.json()['claims'] as { readonly claim: string; readonly command: string }[];
      if (!made) throw new Error(describeOutcome(printed));
      const { path } = PEERS[major === 2 ? 'cosign2' : 'cosign3'];
      const env = { ...site.scratch.env, PATH: `${dirname(path)}:${process.env['PATH']}` };
      await runOk('sh', ['-euc', made.command], { cwd: site.scratch.path, env });
      return made.claim;
    },
    copyWith: async (image, path, suffixes) => {
      const copy = (from: string, to: string) =>
        skopeoCopy(site.scratch, `docker://${from}`, `docker://${to}`, ['--all']);
      const repository = `${site.registry.host}/copies/${path}`;
      const there = `${repository}@${digestOf(image)}`;
      await copy(image, `${repository}:v1`);
      for (const suffix of suffixes) await copy(attachedTo(image, suffix), attachedTo(there, suffix));
      return there;
    },
    verify: async (image, ...more) => {
      const outcome = await site.run('custody', 'verify', image, '-o', 'json', ...more);
      const [answer] = (outcome.json()['images'] ?? []) as Answer[];
      if (!answer) throw new Error(describeOutcome(outcome));
      return answer;
    },
  };
}

/** A chain begins with an image of the base team's own, by two people, or with one that it adopts. */
function rules(repositories: readonly string[]) {
  const team = (...people: string[]) => ({
    signers: Object.fromEntries(people.map(person => [person, { keys: [`${person}.pub`] }])),
  });
  const upstream = { upstream: ['docker.io/library/*'] };
  return {
    custody: 1,
    name: 'shop',
    version: 1,
    scope: { repositories },
    teams: { base: team('linus', 'grace'), app: team('ben'), security: team('sec') },
    evidence: 'manifest',
    flow: [
      { step: 'upstream', team: 'base', kinds: ['adopt'], count: [0, 1], threshold: 1, ...upstream },
      { step: 'base', team: 'base', kinds: ['add'], count: [0, 1], threshold: 2 },
      { step: 'app', team: 'app', kinds: ['add', 'config'], count: [0, 2], threshold: 1 },
    ],
    approvals: [],
  };
}
