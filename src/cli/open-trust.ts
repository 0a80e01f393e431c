import { fail } from '../base/errors.js';
import type { StoreAccess } from '../oci/open.js';
import { formatSince } from '../report/custody-words.js';
import { defaultTrustFolder, trustFolderOf } from '../trust/cache-folder.js';
import { openTrustClient, type Trust } from '../trust/client.js';
import { formatTrustLocation, parseTrustLocation } from '../trust/location.js';
import { readRoot, type TufFlagValues } from './flags/tuf.js';

export interface TufFlagContext {
  readonly access: StoreAccess;
  readonly now: Date;
  /** Gets the age of what an offline run goes by. */
  readonly onWarning: (text: string) => void;
}

/**
 * The repository of `--tuf`, brought up to date and verified from `--root`; undefined when neither is given. Close it when
 * nothing more is asked of it.
 * @throws TouchmarkError `usage-argument` when only one of the two is given, `usage-file`; `tuf-…`, `net-…`, `oci-…`
 */
export async function openTrust(flags: TufFlagValues, context: TufFlagContext): Promise<Trust | undefined> {
  const { tuf, root } = flags;
  if (tuf === undefined && root === undefined) return undefined;
  if (tuf === undefined)
    return fail('usage-argument', '--root says whom to trust, but not where it is', {
      hint: 'add --tuf PLACE (https://…, oci://REGISTRY/REPO, or a folder)',
    });
  if (root === undefined)
    return fail('usage-argument', '--tuf needs the root that verification begins with', {
      hint: 'add --root root.json, as the owners of the repository handed it out: not from the repository itself',
    });
  const bytes = await readRoot(root);
  const { access, now, onWarning } = context;
  const location = parseTrustLocation(tuf);
  const parent = flags['tuf-cache'] ?? defaultTrustFolder(access.options.environment ?? process.env);
  const folder = trustFolderOf(parent, formatTrustLocation(location), bytes);
  const opened = await openTrustClient(access, { location, root: bytes, folder, now });
  const { offline, checked } = opened.client.status;
  if (offline)
    onWarning(
      `offline: trust is as of ${checked.toISOString().slice(0, 16)}Z, ${formatSince((now.getTime() - checked.getTime()) / 1000)}`,
    );
  return opened;
}
