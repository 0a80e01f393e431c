import { TouchmarkCommand } from '../../src/cli/base-command.js';
import { variableOf } from '../../src/cli/environment.js';
import { passwordFlags } from '../../src/cli/flags/signing.js';
import { Args, Flags } from '../../src/cli/oclif.js';
import { printable } from '../../src/cli/text.js';
import type { KeyKind } from '../../src/crypto/keys.js';

interface Result {
  readonly keyid: string;
  readonly kind: KeyKind;
  readonly file: string;
}

export default class KeyPasswd extends TouchmarkCommand<Result> {
  static override summary = 'Change the password of a private key';
  static override description =
    'Encrypts the file anew, in place: the old file or the new one is there at every moment. The old password comes from ' +
    '--password-file, --password-stdin, TOUCHMARK_PASSWORD or COSIGN_PASSWORD, the new one from --new-password-file or ' +
    'TOUCHMARK_NEW_PASSWORD; what is missing is asked for.';
  static override schema = 'key-passwd';
  static override exitCodes = [20, 22] as const;
  static override examples = [
    { description: 'Asking for both passwords', command: 'touchmark key passwd release.key' },
    {
      description: 'In a pipeline',
      command: 'touchmark key passwd release.key --password-file old.txt --new-password-file new.txt',
    },
  ];
  static override args = {
    key: Args.string({ required: true, description: 'private key file' }),
  };
  static override flags = {
    ...passwordFlags,
    'new-password-file': Flags.string({
      helpGroup: 'SIGNING',
      helpValue: 'FILE',
      env: variableOf('new-password-file'),
      summary: 'the new password; one line break at the end is dropped',
    }),
  };

  protected override async execute(): Promise<Result> {
    const { flags, args } = await this.parse(KeyPasswd);
    const fresh = this.passwords(flags, {
      file: flags['new-password-file'],
      variables: ['TOUCHMARK_NEW_PASSWORD'],
      flags: { file: 'new-password-file' },
    });
    const { changePassword } = await import('../../src/crypto/index.js');
    const { keyid, kind } = await this.passwords(flags).retrying(password =>
      changePassword(args.key, { password, newPassword: fresh.source }),
    );
    return { keyid, kind, file: args.key };
  }

  protected override text({ file, keyid }: Result): string {
    return `${printable(file)} has a new password\nkeyid  ${keyid}`;
  }
}
