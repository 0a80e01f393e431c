import { decodeUtf8 } from '../../base/bytes.js';
import { fail } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { StoreAccess } from '../../oci/open.js';
import { notaryServerOf, openNotarySource } from '../../trust/notary-source.js';
import {
  collectNotary,
  isFolderArgument,
  type NotaryFiles,
  type NotaryPin,
  openTrustFolder,
  parseCertificates,
  parseGun,
} from '../../tuf/notary/index.js';
import { variableOf } from '../environment.js';
import { readSmallFile } from '../files.js';
import { Args, Flags } from '../oclif.js';

const group = { helpGroup: 'TRUST' };

export const notaryArgument = {
  repository: Args.string({
    required: true,
    description:
      'registry.example/team/app to ask its server, or a folder …/trust/tuf/registry.example/team/app',
  }),
};

export const notaryServerFlag = {
  'notary-server': Flags.string({
    ...group,
    helpValue: 'URL',
    env: variableOf('notary-server'),
    summary: 'default: DOCKER_CONTENT_TRUST_SERVER, else as Docker: https://REGISTRY',
  }),
};

/** Why the root is believed. */
export const notaryTrustFlags = {
  'root-key': Flags.string({
    ...group,
    multiple: true,
    helpValue: 'ID',
    env: variableOf('root-key'),
    summary: 'root key to trust: its id, or SHA-256 of its certificate (repeatable)',
  }),
  'root-ca': Flags.string({
    ...group,
    helpValue: 'FILE',
    env: variableOf('root-ca'),
    summary: 'PEM certificates of who issues root certificates',
    exclusive: ['root-key'],
  }),
  'trust-on-first-use': Flags.boolean({
    ...group,
    summary: 'trust whatever root is there: only as good as the way it comes',
    exclusive: ['root-key', 'root-ca'],
  }),
  'insecure-ignore-expiry': Flags.boolean({
    ...group,
    summary: 'pass over dates that ran out, as those of a folder soon do',
  }),
};

interface NotarySourceFlags {
  readonly 'notary-server'?: string | undefined;
}

/**
 * Fetches all trust data of the repository that the argument names.
 * @throws TouchmarkError `usage-…`, `tuf-unavailable`, `net-…`, `oci-…`
 */
export async function fetchNotary(
  argument: string,
  flags: NotarySourceFlags,
  access: StoreAccess,
): Promise<{ readonly files: NotaryFiles; readonly place: string }> {
  if (isFolderArgument(argument)) {
    if (flags['notary-server'] !== undefined)
      fail('usage-argument', 'a folder is read without asking a server: leave out --notary-server');
    return { files: await collectNotary(openTrustFolder(argument)), place: argument };
  }
  const gun = parseGun(argument);
  const environment = access.options.environment ?? process.env;
  const named = flags['notary-server'] ?? (environment['DOCKER_CONTENT_TRUST_SERVER'] || undefined);
  const server = notaryServerOf(gun, named);
  return { files: await collectNotary(openNotarySource(access, gun, server)), place: server.href };
}

interface NotaryTrustValues {
  readonly 'root-key'?: string[] | undefined;
  readonly 'root-ca'?: string | undefined;
  readonly 'trust-on-first-use'?: boolean | undefined;
}

/**
 * What the flags say to trust.
 * @param known files of an earlier check, whose root is trusted when nothing else is
 * @throws TouchmarkError `usage-argument` when they say nothing: there is no default
 */
export async function readNotaryPin(flags: NotaryTrustValues, known?: NotaryFiles): Promise<NotaryPin> {
  const ids = flags['root-key'] ?? [];
  for (const id of ids)
    if (!/^[0-9a-f]{64}$/.test(id))
      fail(
        'usage-argument',
        `--root-key takes 64 lower-case hex digits, not ${JSON.stringify(id.slice(0, 80))}`,
        {
          hint: 'docker trust inspect shows the ids of root keys; touchmark tuf notary inspect does as well',
        },
      );
  if (ids.length > 0) return { kind: 'keys', ids };
  const authorities = flags['root-ca'];
  if (authorities !== undefined) {
    const pem = await readSmallFile(authorities, LIMITS.certificatesSize, '--root-ca');
    if (!decodeUtf8(pem)?.includes('-----BEGIN CERTIFICATE-----'))
      fail('usage-file', 'the file given with --root-ca holds no PEM certificate', {
        details: { file: authorities },
      });
    return { kind: 'authorities', certificates: parseCertificates(pem, authorities) };
  }
  const root = known?.roots.at(-1);
  if (root !== undefined) return { kind: 'root', root };
  if (flags['trust-on-first-use']) return { kind: 'first-use' };
  return fail('usage-argument', 'nothing says which root to trust', {
    hint: 'add --root-key ID (docker trust inspect shows it), --root-ca FILE, or --trust-on-first-use',
  });
}
