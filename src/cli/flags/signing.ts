import { variableOf } from '../environment.js';
import { Flags } from '../oclif.js';
import type { PasswordOptions } from '../password.js';

const group = { helpGroup: 'SIGNING' };

/** Where the password of a private key comes from; TOUCHMARK_PASSWORD and COSIGN_PASSWORD are looked at as well. */
export const passwordFlags = {
  'password-file': Flags.string({
    ...group,
    helpValue: 'FILE',
    env: variableOf('password-file'),
    summary: 'password of the private key; one line break at the end is dropped',
    exclusive: ['password-stdin'],
  }),
  'password-stdin': Flags.boolean({
    ...group,
    summary: 'read the password of the private key from standard input',
  }),
};

/** For commands that sign: private keys and their password. */
export const signingFlags = {
  key: Flags.string({
    ...group,
    char: 'k',
    multiple: true,
    required: true,
    helpValue: 'REF',
    env: variableOf('key'),
    summary: 'private key: a file, or env://VARIABLE (repeatable)',
  }),
  ...passwordFlags,
};

/** For commands that encrypt a private key: how the new file is protected. */
export const protectionFlags = {
  'no-password': Flags.boolean({
    ...group,
    summary: 'do not encrypt the private key; needs --insecure-plaintext-key as well',
    dependsOn: ['insecure-plaintext-key'],
    exclusive: ['password-file', 'password-stdin'],
  }),
  'insecure-plaintext-key': Flags.boolean({
    ...group,
    summary: 'yes, whoever can read the file can sign',
    dependsOn: ['no-password'],
  }),
};

export interface SigningFlagValues {
  readonly 'password-file'?: string | undefined;
  readonly 'password-stdin'?: boolean | undefined;
}

export function passwordOptions(
  flags: SigningFlagValues,
): Pick<PasswordOptions, 'file' | 'fromStdin' | 'variables' | 'flags'> {
  return {
    file: flags['password-file'],
    fromStdin: flags['password-stdin'],
    variables: ['TOUCHMARK_PASSWORD', 'COSIGN_PASSWORD'],
    flags: { file: 'password-file', stdin: 'password-stdin' },
  };
}
