import { fail } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { StoreAccess } from '../../oci/open.js';
import type { Trust } from '../../trust/client.js';
import { variableOf } from '../environment.js';
import { readSmallFile } from '../files.js';
import { Flags } from '../oclif.js';

const group = { helpGroup: 'TUF' };

/** For commands that take what they trust from a TUF repository. */
export const tufFlags = {
  tuf: Flags.string({
    ...group,
    helpValue: 'PLACE',
    env: variableOf('tuf'),
    summary: 'TUF repository: https://…, oci://REGISTRY/REPO[:TAG], oci:DIR, or a folder',
  }),
  root: Flags.string({
    ...group,
    helpValue: 'FILE',
    env: variableOf('root'),
    summary: 'with --tuf: the root.json that its owners handed out',
  }),
  'tuf-cache': Flags.string({
    ...group,
    helpValue: 'DIR',
    env: variableOf('tuf-cache'),
    summary: 'where what was seen of it is kept; default ~/.local/share/touchmark/tuf',
  }),
};

/** For verifying under a policy. */
export const localPolicyFlag = {
  // No variable: a forgotten one would let every later run go by a policy that nobody signed.
  'insecure-local-policy': Flags.boolean({
    summary: 'with --tuf: go by the file of --policy though TUF has another policy for the image',
    dependsOn: ['policy'],
  }),
};

/** For commands whose argument is the repository. */
export const rootFlag = {
  root: Flags.string({
    ...group,
    required: true,
    helpValue: 'FILE',
    env: variableOf('root'),
    summary: 'the root.json that the owners of the repository handed out',
  }),
};

/** @throws TouchmarkError `usage-file` */
export function readRoot(file: string): Promise<Uint8Array> {
  return readSmallFile(file, LIMITS.tufRootSize, '--root');
}

export interface TufFlagValues {
  readonly tuf?: string | undefined;
  readonly root?: string | undefined;
  readonly 'tuf-cache'?: string | undefined;
}

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
  const [bytes, trust, { formatSince }] = await Promise.all([
    readRoot(root),
    // Loaded on demand: a run without TUF does not pay for it.
    import('../../trust/index.js'),
    import('../../report/custody-words.js'),
  ]);
  const { access, now, onWarning } = context;
  const location = trust.parseTrustLocation(tuf);
  const parent = flags['tuf-cache'] ?? trust.defaultTrustFolder(access.options.environment ?? process.env);
  const folder = trust.trustFolderOf(parent, trust.formatTrustLocation(location), bytes);
  const opened = await trust.openTrustClient(access, { location, root: bytes, folder, now });
  const { offline, checked } = opened.client.status;
  if (offline)
    onWarning(
      `offline: trust is as of ${checked.toISOString().slice(0, 16)}Z, ${formatSince((now.getTime() - checked.getTime()) / 1000)}`,
    );
  return opened;
}
