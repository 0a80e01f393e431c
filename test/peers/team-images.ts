import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runOk } from './command.js';
import { PEERS } from './peer-list.js';

/** What the app team's layer takes away: of the base team, then of the runtime team. */
export const DELETED = ['usr/share/common-licenses', 'etc/ethertypes'] as const;

const ARM = ['--architecture', 'arm64'] as const;

/**
 * Adds what two more teams build on `base`, each on the image of the one before: tags `team-runtime` (a Debian package, so
 * that the package database changes) and `team-app` (files, and whiteouts in the layers of both other teams). Every tag is
 * one layer more than the one below it, and `base-arm` to `team-app-arm` are the same for another platform.
 *
 * @param work a folder to unpack into; the caller removes it
 * @param archive a Debian package that depends on nothing that `base` lacks
 */
export async function addTeamImages(work: string, layout: string, archive: string): Promise<void> {
  const umoci = (...args: string[]) => runOk(PEERS.umoci.path, args);
  const bundle = join(work, 'teams');
  const root = join(bundle, 'rootfs');
  // Without a line of history: that of each image begins with that of the image below it.
  await umoci('config', '--no-history', '--image', `${layout}:base`, '--architecture', 'amd64');
  await umoci('unpack', '--image', `${layout}:base`, bundle);

  await runOk('dpkg', [`--root=${root}`, '--install', archive]);
  // umoci takes the next layer against what the bundle held when it was last refreshed.
  await umoci('repack', '--refresh-bundle', '--image', `${layout}:team-runtime`, bundle);

  mkdirSync(join(root, 'opt/app/bin'), { recursive: true });
  writeFileSync(join(root, 'opt/app/bin/serve'), '#!/bin/sh\nexec cat /etc/services\n', { mode: 0o755 });
  for (const path of DELETED) rmSync(join(root, path), { recursive: true });
  await umoci('repack', '--image', `${layout}:team-app`, bundle);
  await umoci('config', '--image', `${layout}:team-app`, '--config.entrypoint', '/opt/app/bin/serve');

  for (const tag of ['base', 'team-runtime', 'team-app'])
    await umoci('config', '--no-history', '--image', `${layout}:${tag}`, '--tag', `${tag}-arm`, ...ARM);
}
