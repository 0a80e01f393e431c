import { decodeUtf8 } from '../../base/bytes.js';
import { fail } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { RegistryCredentials, StoreOptions } from '../../oci/context.js';
import { parseDuration } from '../duration.js';
import { variableOf } from '../environment.js';
import { readSmallFile } from '../files.js';
import { Flags } from '../oclif.js';
import type { StandardInput } from '../stdio.js';

const group = { helpGroup: 'REGISTRY' };

/** Flags of every command that reaches images. Eight of a command's fifteen. */
export const registryFlags = {
  'insecure-registry': Flags.string({
    ...group,
    multiple: true,
    helpValue: 'HOST',
    env: variableOf('insecure-registry'),
    summary: 'allow http, or https with a bad certificate, for this registry (repeatable)',
  }),
  'registry-ca': Flags.string({
    ...group,
    helpValue: 'FILE',
    env: variableOf('registry-ca'),
    summary: 'PEM certificates to trust besides the system ones',
  }),
  'registry-username': Flags.string({
    ...group,
    helpValue: 'NAME',
    env: variableOf('registry-username'),
    summary: 'with --registry-password-stdin; else the Docker or Podman configuration is used',
  }),
  'registry-password-stdin': Flags.boolean({
    ...group,
    summary: 'read the registry password from standard input',
  }),
  'registry-token-file': Flags.string({
    ...group,
    helpValue: 'FILE',
    env: variableOf('registry-token-file'),
    summary: 'bearer token to send to the registry',
    exclusive: ['registry-username', 'registry-password-stdin'],
  }),
  offline: Flags.boolean({ ...group, env: variableOf('offline'), summary: 'open no socket' }),
  timeout: Flags.string({
    ...group,
    helpValue: 'TIME',
    default: '5m',
    env: variableOf('timeout'),
    summary: 'deadline of the whole command, such as 30s or 5m; 0 for none',
  }),
  concurrency: Flags.integer({
    ...group,
    min: 1,
    max: 256,
    default: 8,
    helpValue: 'N',
    env: variableOf('concurrency'),
    summary: 'requests in flight to one registry',
  }),
};

/** The same for commands that move as much as there is: they take as long as it takes, and a server that stops is noticed all the same. */
export const patientRegistryFlags = {
  ...registryFlags,
  timeout: Flags.string({
    ...group,
    helpValue: 'TIME',
    default: '0',
    env: variableOf('timeout'),
    summary: 'deadline of the whole command, such as 30s or 5m; 0 for none',
  }),
};

export interface RegistryFlagValues {
  readonly 'insecure-registry'?: string[] | undefined;
  readonly 'registry-ca'?: string | undefined;
  readonly 'registry-username'?: string | undefined;
  readonly 'registry-password-stdin'?: boolean | undefined;
  readonly 'registry-token-file'?: string | undefined;
  readonly offline?: boolean | undefined;
  readonly timeout: string;
  readonly concurrency: number;
}

export interface RegistryFlagContext
  extends Pick<StoreOptions, 'signal' | 'onRequest' | 'onWarning' | 'environment'> {
  readonly stdin: StandardInput;
  readonly userAgent: string;
}

/** Milliseconds for the whole command; 0 for no deadline. */
export function readTimeout(flags: Pick<RegistryFlagValues, 'timeout'>): number {
  return parseDuration(flags.timeout, 'timeout');
}

/**
 * The registry flags as what stores take; files and standard input are read here.
 * @throws TouchmarkError `usage-argument`, `usage-file`
 */
export async function loadStoreOptions(
  flags: RegistryFlagValues,
  { stdin, ...context }: RegistryFlagContext,
): Promise<StoreOptions> {
  const insecure = flags['insecure-registry'] ?? [];
  for (const host of insecure) {
    if (!/^[A-Za-z0-9.\-[\]:]+$/.test(host)) {
      fail(
        'usage-argument',
        `--insecure-registry takes a host with an optional port, not ${JSON.stringify(host)}`,
        {
          hint: 'for example --insecure-registry registry.example:5000',
        },
      );
    }
  }
  const authorities = flags['registry-ca'];
  const credentials = await loadCredentials(flags, stdin);
  return {
    ...context,
    offline: flags.offline ?? false,
    insecureRegistries: insecure,
    concurrency: flags.concurrency,
    ...(authorities !== undefined && { certificateAuthorities: await loadAuthorities(authorities) }),
    ...(credentials && { credentials }),
  };
}

async function loadAuthorities(file: string): Promise<string> {
  const text = decodeUtf8(await readSmallFile(file, LIMITS.certificatesSize, '--registry-ca'));
  if (text === undefined || !text.includes('-----BEGIN CERTIFICATE-----')) {
    fail('usage-file', 'the file given with --registry-ca holds no PEM certificate', { details: { file } });
  }
  return text;
}

async function loadCredentials(
  flags: RegistryFlagValues,
  stdin: StandardInput,
): Promise<RegistryCredentials | undefined> {
  const tokenFile = flags['registry-token-file'];
  if (tokenFile !== undefined) {
    return {
      token: secretText(await readSmallFile(tokenFile, LIMITS.passwordSize, '--registry-token-file')),
    };
  }
  const username = flags['registry-username'];
  if (!flags['registry-password-stdin']) {
    return username === undefined
      ? undefined
      : fail('usage-argument', '--registry-username is of no use without a password', {
          hint: 'add --registry-password-stdin, or log in with docker login or podman login instead',
        });
  }
  if (username === undefined) {
    fail('usage-argument', '--registry-password-stdin needs --registry-username', {
      hint: 'add --registry-username NAME',
    });
  }
  return {
    username,
    password: secretText(await stdin.read('--registry-password-stdin', LIMITS.passwordSize)),
  };
}

/** One line of text without its line break; says nothing about the value when it is not. */
function secretText(bytes: Uint8Array): string {
  const text = decodeUtf8(bytes)?.replace(/\r?\n$/, '');
  if (text === undefined || text === '' || /[\r\n\0]/.test(text)) {
    fail('usage-file', 'the registry password or token must be one line of text');
  }
  return text;
}
