import { TouchmarkCommand } from '../../src/cli/base-command.js';
import { variableOf } from '../../src/cli/environment.js';
import { yesFlag } from '../../src/cli/flags/output.js';
import { passwordFlags, protectionFlags } from '../../src/cli/flags/signing.js';
import {
  formatWrittenKey,
  mayOverwrite,
  plaintextWarning,
  toWrittenKey,
  type WrittenKey,
} from '../../src/cli/new-key.js';
import { Args, Flags } from '../../src/cli/oclif.js';

export default class KeyImport extends TouchmarkCommand<WrittenKey> {
  static override summary = 'Take over a private key made elsewhere';
  static override description =
    'Reads a private key (PKCS#8 plain or encrypted, SEC1, PKCS#1, cosign’s) and writes NAME.key, encrypted in cosign’s ' +
    'format, and NAME.pub. The file that was read stays as it is. The new password comes from --password-file, ' +
    '--password-stdin, TOUCHMARK_PASSWORD, COSIGN_PASSWORD, or is asked for.';
  static override schema = 'key-import';
  static override exitCodes = [20, 22] as const;
  static override hiddenAliases = ['import-key-pair'];
  static override examples = [
    { description: 'A key that openssl made', command: 'touchmark key import openssl.pem release' },
    {
      description: 'One that is encrypted under another password',
      command: 'touchmark key import old.pem release --source-password-file old.txt --password-file new.txt',
    },
  ];
  static override args = {
    from: Args.string({ required: true, description: 'private key: a file, or env://VARIABLE' }),
    name: Args.string({ required: true, description: 'path without extension; .key and .pub are added' }),
  };
  static override flags = {
    'source-password-file': Flags.string({
      helpGroup: 'SIGNING',
      helpValue: 'FILE',
      env: variableOf('source-password-file'),
      summary: 'password of the key that is read; also TOUCHMARK_SOURCE_PASSWORD',
    }),
    ...passwordFlags,
    ...protectionFlags,
    ...yesFlag,
  };

  protected override async execute(): Promise<WrittenKey> {
    const { flags, args } = await this.parse(KeyImport);
    const { name, from } = args;
    const ask = this.terminal() && ((question: string) => this.confirm(question, flags));
    const overwrite = await mayOverwrite(name, flags.yes, ask);
    const plain = flags['no-password'];
    const source = this.passwords(flags, {
      file: flags['source-password-file'],
      variables: ['TOUCHMARK_SOURCE_PASSWORD'],
      flags: { file: 'source-password-file' },
    });
    const protection = plain ? ({ insecurePlaintext: true } as const) : { password: this.newPassword(flags) };
    const { importKeyPair } = await import('../../src/crypto/index.js');
    const pair = await source.retrying(password =>
      importKeyPair({ name, from, password, overwrite, protection }),
    );
    if (plain) this.warn(plaintextWarning(pair.privateFile));
    return toWrittenKey(pair, !plain);
  }

  protected override text(result: WrittenKey): string {
    return formatWrittenKey(result);
  }
}
