import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import { computeDigest } from '../../../src/base/digest.js';
import type { Signer } from '../../../src/crypto/index.js';
import { type Claim, type CustodyPolicy, readTeamMarks } from '../../../src/custody/index.js';
import { createStoreAccess, openStore } from '../../../src/oci/open.js';
import { parseReference } from '../../../src/oci/reference.js';
import type { Store } from '../../../src/oci/store.js';
import { planApproval } from '../../../src/sign/approve-image.js';
import { planCoSignature } from '../../../src/sign/co-sign-claim.js';
import type { MarkOptions } from '../../../src/sign/mark-image.js';
import { planMarks, type WrittenMarks, writeMarks } from '../../../src/sign/mark-images.js';
import { planWithdrawals } from '../../../src/sign/withdraw-claim.js';
import { type WrittenClaim, writeClaim } from '../../../src/sign/write-claim.js';
import { type WrittenStatement, writeStatement } from '../../../src/sign/write-statement.js';
import {
  buildImage,
  type ImageOptions,
  pushImage,
  type TestImage,
  type TestIndex,
} from '../../../src/testing/image.js';
import { startRegistry, type TestRegistry } from '../../../src/testing/registry.js';
import { collectEverything } from '../../../src/verify/collect-marks.js';
import type { CustodyOptions } from '../../../src/verify/judge-custody.js';
import { type CustodyOutcome, verifyCustody } from '../../../src/verify/verify-custody.js';
import { approvalRule, DAY, flowStep } from '../custody/world.js';
import { aSigner, temporaryFolder } from '../images.js';

/** Teams that mark, approve and take back as the commands do, each in a repository of its own, in any kind of store. */

export const NOW = new Date('2026-11-20T12:00:00Z');
export const PLACES = ['a layout', 'a registry', 'a registry without the referrers API'] as const;
export type Place = (typeof PLACES)[number];

/** Who works in which team; every one has a key of that name. */
const TEAMS = {
  base: ['linus', 'grace'],
  runtime: ['ada'],
  app: ['alan', 'kurt'],
  security: ['sue', 'sam'],
  release: ['rob', 'ria'],
} as const;
export type TeamName = keyof typeof TEAMS;

export const SCAN = approvalRule({ name: 'scan', team: 'security', maxAge: 7 * DAY });
export const BASE_QA = approvalRule({ name: 'base-qa', team: 'security', on: 'base' });
export const RELEASE = approvalRule({ name: 'release', team: 'release', threshold: 2, after: ['scan'] });

export interface Workshop {
  readonly registry: TestRegistry | undefined;
  readonly policy: CustodyPolicy;
  /** The reference of what a team pushed, by tag. */
  reference(name: string): string;
  store(name: string): Promise<Store>;
  push(name: string, image: TestImage | TestIndex): Promise<Store>;
  /** Marks what lies under `name`; on what lies under `base`. */
  mark(name: string, options?: MarkDraft): Promise<WrittenMarks>;
  coSign(name: string, by: string, options?: CoSignDraft): Promise<WrittenClaim>;
  approve(name: string, step: string, by: string, options?: ApproveDraft): Promise<WrittenClaim>;
  withdraw(name: string, by: string, options?: WithdrawDraft): Promise<readonly WrittenStatement[]>;
  /** What the teams have said of an image, each claim once. */
  claims(name: string, image: TestImage | TestIndex): Promise<readonly Claim[]>;
  verify(name: string, options?: Partial<CustodyOptions>): Promise<CustodyOutcome>;
  /** Everything that is stored, in a word: two equal ones mean that nothing was written. */
  state(): string;
}

export interface MarkDraft extends Partial<Omit<MarkOptions, 'base'>> {
  /** A name, or `name:tag`. */
  readonly base?: string;
  readonly platform?: string;
  /** Default: the first of the team. */
  readonly by?: string | readonly string[];
}

interface CoSignDraft extends Partial<Parameters<typeof planCoSignature>[2]> {}
interface WithdrawDraft extends Partial<Parameters<typeof planWithdrawals>[2]> {}
interface ApproveDraft extends Partial<Omit<Parameters<typeof planApproval>[2], 'step'>> {}

export async function openWorkshop(
  place: Place = 'a registry',
  edit: (policy: CustodyPolicy) => Partial<CustodyPolicy> = () => ({}),
): Promise<Workshop> {
  const folder = await temporaryFolder();
  const registry =
    place === 'a layout' ? undefined : await startRegistry({ referrers: place === 'a registry' });
  if (registry) onTestFinished(() => registry.close());
  const access = createStoreAccess({});
  onTestFinished(() => access.close());
  const plain = await shopPolicy(registry ? `${registry.host}/shop/*` : 'localhost/*');
  const policy = { ...plain, ...edit(plain) };
  const stores = new Map<string, Promise<Store>>();
  const reference = (name: string) =>
    registry ? `${registry.host}/shop/${name}:1` : `oci:${join(folder, name)}:1`;
  const store = (name: string): Promise<Store> => {
    const known = stores.get(name) ?? openStore(parseReference(reference(name)), access);
    stores.set(name, known);
    return known;
  };
  onTestFinished(async () => {
    for (const open of stores.values()) await (await open).close();
  });
  const locateTag = async (name: string) => {
    const [repository = '', tag] = name.split(':');
    return locate(await store(repository), tag);
  };
  const common = { policy, now: NOW, creator: 'touchmark/test' };
  return {
    registry,
    policy,
    reference,
    store,
    push: async (name, image) => {
      const opened = await store(name);
      await pushImage(opened, image, '1');
      return opened;
    },
    mark: async (name, { base, by, ...more } = {}) => {
      const team = more.team ?? name;
      const plan = await planMarks(await locate(await store(name)), {
        ...common,
        team,
        step: team,
        ...more,
        ...(base !== undefined && { base: await locateTag(base) }),
      });
      return writeMarks(plan, await signersOf(by ?? TEAMS[team as TeamName][0]));
    },
    coSign: async (name, by, more = {}) => {
      const { store: opened, root } = await locate(await store(name));
      const plan = await planCoSignature(opened, { raw: root }, { ...common, team: teamOf(by), ...more });
      return writeClaim(plan, await signersOf(by));
    },
    approve: async (name, step, by, more = {}) => {
      const { store: opened, root } = await locate(await store(name));
      const options = { ...common, step, team: teamOf(by), ...more };
      return writeClaim(await planApproval(opened, { raw: root }, options), await signersOf(by));
    },
    withdraw: async (name, by, more = {}) => {
      const { store: opened, root } = await locate(await store(name));
      const plans = await planWithdrawals(opened, root, { ...common, team: teamOf(by), ...more });
      const signers = await signersOf(by);
      const written: WrittenStatement[] = [];
      for (const { claim } of plans)
        written.push(await writeStatement(opened, root.descriptor, claim, signers, policy));
      return written;
    },
    claims: async (name, image) => {
      const { marks } = await collectEverything(await store(name), image.manifest.descriptor.digest);
      const read = await readTeamMarks(marks, policy);
      return [...new Map(read.map(({ claim, digest }) => [digest, claim])).values()];
    },
    verify: (name, options = {}) => verifyCustody(access, reference(name), { policy, now: NOW, ...options }),
    state: () => (registry ? registryState(registry) : folderState(folder)),
  };
}

export async function locate(store: Store, tag = '1') {
  const root = await store.fetchManifest({ tag });
  if (!root) throw new Error('nothing was pushed');
  return { store, root };
}

export function signersOf(names: string | readonly string[]): Promise<readonly Signer[]> {
  return Promise.all((typeof names === 'string' ? [names] : names).map(name => aSigner(name)));
}

function teamOf(signer: string): string {
  const found = Object.entries(TEAMS).find(([, names]) => (names as readonly string[]).includes(signer));
  return found?.[0] ?? 'app';
}

async function shopPolicy(repositories: string): Promise<CustodyPolicy> {
  const teams = await Promise.all(
    Object.entries(TEAMS).map(async ([name, members]) => ({
      name,
      signers: await Promise.all(
        members.map(async member => ({ name: member, keys: [(await aSigner(member)).publicKey] })),
      ),
    })),
  );
  return {
    name: 'shop',
    version: 1,
    digest: computeDigest(utf8('policy')),
    expires: undefined,
    repositories: [repositories],
    relocations: [],
    teams,
    skew: 300_000,
    evidence: 'manifest',
    identity: 'manifest',
    flow: [
      flowStep({
        step: 'base',
        team: 'base',
        kinds: ['add', 'config', 'adopt'],
        upstream: ['docker.io/library/*'],
      }),
      flowStep({ step: 'runtime', team: 'runtime', kinds: ['add', 'config'], count: [0, 2] }),
      flowStep({ step: 'app', team: 'app', kinds: ['add', 'config'] }),
    ],
    approvals: [],
    distinctSigners: true,
    config: {},
  };
}

/** A policy with one step of the flow changed. */
export const withStep =
  (step: string, edit: Partial<CustodyPolicy['flow'][number]>) =>
  ({ flow }: CustodyPolicy): Partial<CustodyPolicy> => ({
    flow: flow.map(known => (known.step === step ? { ...known, ...edit } : known)),
  });

export function baseImage(more: Partial<ImageOptions> = {}): TestImage {
  return buildImage({ layers: [{ 'etc/os-release': 'ID=demo' }, { 'etc/motd': 'hello' }], ...more });
}

/** An image with one more layer. */
export function onTop(base: TestImage, path: string, more: Partial<ImageOptions> = {}): TestImage {
  return buildImage({ base, layers: [{ [path]: path }], ...more });
}

/** Three images, each on the one below. */
export function threeImages(more: Partial<ImageOptions> = {}) {
  const base = baseImage(more);
  const runtime = onTop(base, 'usr/bin/run');
  return { base, runtime, app: onTop(runtime, 'opt/app/main') };
}

/** Base and runtime are pushed and marked, the app is pushed. */
export async function upToApp(workshop: Workshop) {
  const images = threeImages();
  await workshop.push('base', images.base);
  await workshop.mark('base');
  await workshop.push('runtime', images.runtime);
  await workshop.mark('runtime', { base: 'base' });
  await workshop.push('app', images.app);
  return images;
}

function folderState(folder: string): string {
  const hash = createHash('sha256');
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name));
  for (const file of entries.sort()) hash.update(`${file}\n`).update(readFileSync(file));
  return hash.digest('hex');
}

function registryState({ repositories }: TestRegistry): string {
  const state = JSON.stringify(
    [...repositories].map(([name, { manifests, tags, blobs }]) => [
      name,
      [...manifests.keys()].sort(),
      [...tags].map(([tag, digest]) => `${tag} ${digest}`).sort(),
      [...blobs.keys()].sort(),
    ]),
  );
  return createHash('sha256').update(state).digest('hex');
}
