import { fail } from '../base/errors.js';
import type { StoreOptions } from '../oci/context.js';
import { createStoreAccess, withImage } from '../oci/open.js';
import { parseReference } from '../oci/reference.js';
import { listClaims } from '../sign/list-claims.js';
import { recordInChannel, recordRelease } from '../sign/record-release.js';
import { channelTarget, teamRole } from '../trust/layout.js';
import { requireFile } from '../tuf/file-check.js';
import { openKey } from '../tuf/keys.js';
import { targetName } from '../tuf/names.js';
import { labelOf } from '../tuf/repository/edit-payload.js';
import type { Repository, TargetEntry } from '../tuf/repository/index.js';
import { parseChannel } from '../verify/trust-releases.js';

export interface ImageTargetFlags {
  readonly role?: string | undefined;
  readonly release?: string | undefined;
  readonly channel?: string | undefined;
  readonly mark?: string | undefined;
  readonly team?: string | undefined;
  readonly withdrawn?: string | undefined;
}

/** Targets that say something of an image, and the role that lists them. */
export interface ImageTargets {
  readonly role: string;
  readonly entries: readonly TargetEntry[];
}

/**
 * What `--release` or `--mark` asks to list; undefined when neither is given.
 * @throws TouchmarkError `usage-argument`, `no-marks`, `manifest-unsupported`; what the registry gives
 */
export async function readImageTargets(
  repository: Repository,
  flags: ImageTargetFlags,
  options: StoreOptions,
): Promise<ImageTargets | undefined> {
  const { release, mark, team, withdrawn, channel } = flags;
  if (release !== undefined && mark !== undefined)
    fail('usage-argument', '--release and --mark are two things: list one, then the other');
  if (channel !== undefined && release === undefined)
    fail('usage-argument', '--channel needs the image that is its newest release: --release IMAGE');
  if ((team === undefined) !== (mark === undefined))
    fail('usage-argument', '--mark IMAGE and --team TEAM go together');
  if (withdrawn !== undefined && mark === undefined)
    fail('usage-argument', '--withdrawn takes back marks: --mark IMAGE --team TEAM');
  if (release !== undefined) return readRelease(repository, release, flags, options);
  if (mark === undefined || team === undefined) return undefined;
  const access = createStoreAccess(options);
  try {
    const keys = await keysOfTeam(repository, team);
    const entries = await withImage(access, parseReference(mark), (store, image) =>
      listClaims(store, image, { team, keys, withdrawn }),
    );
    return { role: flags.role ?? teamRole(team), entries };
  } finally {
    await access.close();
  }
}

async function readRelease(
  repository: Repository,
  release: string,
  { role, channel }: ImageTargetFlags,
  options: StoreOptions,
): Promise<ImageTargets> {
  const reference = parseReference(release);
  const { transport, location, tag } = reference;
  if (transport !== 'registry' || (tag === undefined && channel === undefined))
    fail('usage-argument', `${release} names no tag in a registry`, {
      hint: '--release registry.example/app:1.4, or with the digest that it means behind it: @sha256:…',
    });
  const lister = role ?? (await releasingRole(repository));
  const access = createStoreAccess(options);
  try {
    const image = await withImage(access, reference, async (_, found) => found);
    const entries =
      channel === undefined
        ? [recordRelease(location, tag ?? '', image)]
        : [recordInChannel(channel, await readOwnChannel(repository, lister, channel), image)];
    return { role: lister, entries };
  } finally {
    await access.close();
  }
}

/** The role `release`, where there is one; else `targets` itself. */
async function releasingRole(repository: Repository): Promise<string> {
  const targets = await repository.next('targets');
  return targets?.delegations?.roles.some(({ name }) => name === 'release') ? 'release' : 'targets';
}

async function keysOfTeam(repository: Repository, team: string) {
  const targets = await repository.next('targets');
  const delegation = targets?.delegations?.roles.find(({ name }) => name === teamRole(team));
  if (!targets || !delegation)
    return fail('usage-argument', `targets does not delegate to ${teamRole(team)}`, {
      hint: `touchmark tuf role delegate ${teamRole(team)} --path 'custody/${team}/*/*' makes it`,
    });
  return delegation.keyids.flatMap(keyid => {
    const key = targets.delegations?.keys.get(keyid);
    const opened = key && openKey(key);
    return opened?.usable ? [{ key: opened.publicKey, label: labelOf(targets.raw, keyid) }] : [];
  });
}

/** A channel as it will be once everything staged is published. */
async function readOwnChannel(repository: Repository, role: string, channel: string) {
  const path = channelTarget(channel);
  const info = (await repository.next(role))?.targets.get(path);
  if (!info) return undefined;
  const name = `targets/${targetName(path, info, true)}`;
  const { folder } = repository;
  const bytes = (await folder.read(`staged/${name}`)) ?? (await folder.read(name));
  if (!bytes) return fail('tuf-unavailable', `${folder.at(name)} is missing, though ${role} lists it`);
  requireFile(bytes, `the channel ${channel}`, info);
  return parseChannel(bytes, channel);
}
