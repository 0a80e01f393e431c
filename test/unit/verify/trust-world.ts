import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CustodyPolicy } from '../../../src/custody/index.js';
import { listClaims } from '../../../src/sign/list-claims.js';
import { recordInChannel, recordRelease } from '../../../src/sign/record-release.js';
import { createMemoryCache, openClient, openFolderSource, type TufCache } from '../../../src/tuf/index.js';
import {
  addTargets,
  delegateRole,
  initRepository,
  openRepository,
  publishStaged,
  type Repository,
  refreshOnline,
  signStaged,
  type TargetEntry,
} from '../../../src/tuf/repository/index.js';
import type { CustodyTrust } from '../../../src/verify/judge-custody.js';
import { openTrustView, type TrustView } from '../../../src/verify/trust-view.js';
import { aSigner, temporaryFolder } from '../images.js';
import { locate, NOW, signersOf, type Workshop } from '../sign/workshop.js';

/** The people of a workshop with a TUF repository: owners, teams that list their marks, a machine that keeps it fresh. */
export interface TrustWorld {
  readonly folder: string;
  readonly repository: () => Promise<Repository>;
  /** Stages targets of a role, signs them as these and publishes. */
  list(role: string, entries: readonly TargetEntry[], by: string | readonly string[]): Promise<void>;
  /** Lists what a team claims about what lies under `name`. */
  listMarks(team: string, name: string, more?: { withdrawn?: string; by?: string | string[] }): Promise<void>;
  release(name: string, repository: string, tag: string): Promise<void>;
  channel(name: string, image: string): Promise<void>;
  publish(...by: string[]): Promise<void>;
  /** A new timestamp and snapshot, as a cron job makes them. */
  refresh(now: Date): Promise<void>;
  view(options?: ViewOptions): Promise<TrustView>;
  trust(policy: CustodyPolicy, options?: ViewOptions): Promise<CustodyTrust>;
}

export interface ViewOptions {
  readonly now?: Date;
  readonly cache?: TufCache;
  /** What is served, where it is not what was published last. */
  readonly folder?: string;
}

export async function openTrustWorld(
  workshop: Workshop,
  teams: readonly string[] = ['base', 'runtime', 'app'],
): Promise<TrustWorld> {
  const folder = await temporaryFolder();
  const key = async (...names: string[]) =>
    Promise.all(names.map(async label => ({ key: (await aSigner(label)).publicKey, label })));
  const role = async (expiryDays: number, ...names: string[]) => ({
    keys: await key(...names),
    threshold: names.length,
    expiryDays,
  });
  await initRepository(folder, {
    root: await role(365, 'olga', 'otto'),
    targets: await role(90, 'paul'),
    snapshot: await role(7, 'online'),
    timestamp: await role(1, 'online'),
    now: NOW,
  });
  let now = NOW;
  const repository = () => openRepository(folder, { now });
  const publish = async (...by: string[]) => {
    if (by.length > 0) await signStaged(await repository(), { signers: await signersOf(by) });
    await publishStaged(await repository(), { signers: await signersOf('online') });
  };
  const leaders: Record<string, string> = { base: 'linus', runtime: 'ada', app: 'alan', security: 'sue' };
  for (const team of teams)
    await delegateRole(await repository(), {
      name: `team-${team}`,
      keys: await key(leaders[team] ?? team),
      threshold: 1,
      paths: [`custody/${team}/*/*`],
      terminating: false,
      expiryDays: 30,
    });
  await delegateRole(await repository(), {
    name: 'release',
    keys: await key('rob'),
    threshold: 1,
    paths: ['release/*/*'],
    terminating: false,
    expiryDays: 30,
  });
  await publish('olga', 'otto', 'paul', 'rob', ...teams.map(team => leaders[team] ?? team));

  const list = async (name: string, entries: readonly TargetEntry[], by: string | readonly string[]) => {
    await addTargets(await repository(), name, entries);
    await publish(...[by].flat());
  };
  const view = async ({
    now: then = now,
    cache = createMemoryCache(),
    folder: served = folder,
  }: ViewOptions = {}) => {
    const client = await openClient({
      cache,
      now: then,
      root: await readFile(join(folder, 'metadata', '1.root.json')),
      source: openFolderSource({ metadata: join(served, 'metadata'), targets: join(served, 'targets') }),
    });
    return openTrustView({ client, name: served });
  };
  const imageOf = async (name: string) => (await locate(await workshop.store(name))).root;
  return {
    folder,
    repository,
    publish,
    list,
    listMarks: async (team, name, { withdrawn, by = leaders[team] ?? team } = {}) => {
      const keys = (await key(...[leaders[team] ?? team])).map(({ key: own, label }) => ({
        key: own,
        label,
      }));
      const entries = await listClaims(await workshop.store(name), await imageOf(name), {
        team,
        keys,
        withdrawn,
      });
      await list(`team-${team}`, entries, by);
    },
    release: async (name, location, tag) =>
      list('release', [recordRelease(location, tag, await imageOf(name))], 'rob'),
    channel: async (name, image) =>
      list('release', [recordInChannel(name, undefined, await imageOf(image))], 'rob'),
    refresh: async then => {
      now = then;
      await refreshOnline(await repository(), { signers: await signersOf('online') });
    },
    view,
    trust: async (policy, options) => {
      const opened = await view(options);
      return { facts: await opened.factsFor(policy), releaseOf: opened.releaseOf };
    },
  };
}
