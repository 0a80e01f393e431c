import { writeFileSync } from 'node:fs';
import { type DebianImages, prepareDebianImages } from '../peers/debian-image.js';
import { type DockerRegistry, startDockerRegistry } from '../peers/docker-registry.js';
import { skopeoCopy } from '../peers/skopeo.js';
import { openSite, type Site } from './site.js';

/** A policy document; what a suite changes in it, it says. */
export type Policy = Readonly<Record<string, unknown>>;

/** The three images in their registry, one repository a team. */
export interface TeamReferences {
  readonly base: string;
  readonly runtime: string;
  readonly app: string;
}

/** A registry where three teams work, a second one where their images run, and the keys of everybody. */
export interface CustodySite extends Site {
  readonly images: DebianImages;
  readonly production: DockerRegistry;
  /** The policy file most tests go by. */
  readonly policy: string;
  /** Writes the policy with other members into a file of its own. */
  writePolicy(name: string, changes: Policy): string;
  /** Copies a tag of the Debian layout, or any other image that skopeo can name, to `shop/PATH:v1`. */
  push(source: string, path: string, options?: readonly string[]): Promise<string>;
  /** Copies all three images into repositories that begin with `shop/NAME-`; `suffix` chooses the tags of the layout. */
  pushTeams(name: string, suffix?: '' | '-multi'): Promise<TeamReferences>;
  /** Signs for a team: `custody mark`, `approve`, and the like. */
  claim(verb: string, team: string, key: string, image: string, ...more: string[]): Promise<ClaimOutcome>;
  /** All three teams mark: base by two people, each next team on the image before. */
  markTeams(images: TeamReferences): Promise<void>;
  /** The security team approves an image, as the policy wants every finished one to be. */
  scan(image: string): Promise<void>;
}

/** What `custody mark -o json` and its sisters say. */
export interface ClaimOutcome {
  readonly digest: string;
  readonly pinned: string;
  readonly base: string | null;
  readonly claims: readonly {
    readonly claim: string;
    readonly kind: string;
    readonly team: string;
    readonly missingSigners: number;
    readonly artifact: string | null;
    readonly chain: readonly { readonly step: string; readonly signers: readonly string[] }[];
  }[];
  readonly index: { readonly claim: string } | null;
}

/** Who holds which key. Eve belongs to no team. */
const PEOPLE = ['linus', 'grace', 'ada', 'ben', 'sec', 'rob', 'eve'] as const;

export async function openCustodySite(name: string): Promise<CustodySite> {
  const images = await prepareDebianImages(console.warn);
  const site = await openSite(name);
  const production = await startDockerRegistry(site.scratch.file('production'));
  await Promise.all(PEOPLE.map(key => site.ok('key', 'generate', key)));
  const shop = (path: string): string => `${site.registry.host}/shop/${path}`;
  const writePolicy = (file: string, changes: Policy): string => {
    const document = { ...shopPolicy(site.registry.host, production.host), ...changes };
    writeFileSync(site.scratch.file(file), JSON.stringify(document));
    return file;
  };
  const policy = writePolicy('policy.json', {});

  const push: CustodySite['push'] = async (source, path, options = []) => {
    const from = source.includes(':') ? source : `oci:${images.layout}:${source}`;
    await skopeoCopy(site.scratch, from, `docker://${shop(path)}:v1`, options);
    return `${shop(path)}:v1`;
  };
  const claim: CustodySite['claim'] = async (verb, team, key, image, ...more) => {
    const about = ['--team', team, '--policy', policy, '--key', `${key}.key`, '--yes', '-o', 'json'];
    return (await site.ok('custody', verb, image, ...about, ...more)).json() as unknown as ClaimOutcome;
  };
  return {
    ...site,
    images,
    production,
    policy,
    writePolicy,
    push,
    claim,
    pushTeams: async (prefix, suffix = '') => {
      const all = suffix === '' ? [] : ['--all'];
      return {
        base: await push(`base${suffix}`, `${prefix}-base`, all),
        runtime: await push(`team-runtime${suffix}`, `${prefix}-runtime`, all),
        app: await push(`team-app${suffix}`, `${prefix}-app`, all),
      };
    },
    markTeams: async ({ base, runtime, app }) => {
      await claim('mark', 'base', 'linus', base, '--step', 'base');
      await claim('co-sign', 'base', 'grace', base);
      await claim('mark', 'runtime', 'ada', runtime, '--step', 'runtime', '--base', base);
      await claim('mark', 'app', 'ben', app, '--step', 'app', '--base', runtime);
    },
    scan: async image => {
      writeFileSync(site.scratch.file('report.json'), '{"findings":0}\n');
      const evidence = ['--evidence', 'scan-report=report.json'];
      await claim('approve', 'security', 'sec', image, '--step', 'scan', ...evidence);
    },
    close: async () => {
      await production.stop();
      await site.close();
    },
  };
}

/** Three teams, a scan that must be there, and a registry for production that an image reaches by promotion. */
function shopPolicy(host: string, production: string): Policy {
  const team = (...people: string[]) => ({
    signers: Object.fromEntries(people.map(person => [person, { keys: [`${person}.pub`] }])),
  });
  return {
    custody: 1,
    name: 'shop',
    version: 1,
    scope: {
      repositories: [`${host}/shop/*`, `${production}/shop/*`],
      relocations: [{ from: `${host}/shop/*`, to: `${production}/shop/*` }],
    },
    teams: {
      base: team('linus', 'grace'),
      runtime: team('ada'),
      app: team('ben'),
      security: team('sec'),
      release: team('rob'),
    },
    evidence: 'manifest',
    flow: [
      { step: 'base', team: 'base', kinds: ['add', 'config'], count: [1, 1], threshold: 2, maxAge: '60d' },
      { step: 'runtime', team: 'runtime', kinds: ['add', 'config'], count: [0, 2], threshold: 1 },
      { step: 'app', team: 'app', kinds: ['add', 'config'], threshold: 1 },
    ],
    approvals: [
      { name: 'scan', team: 'security', threshold: 1, maxAge: '7d', evidence: [{ type: 'scan-report' }] },
    ],
    distinctSigners: true,
  };
}
