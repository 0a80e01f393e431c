import { TouchmarkCommand } from '../../src/cli/base-command.js';
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
import { KEY_KINDS, type KeyKind } from '../../src/crypto/keys.js';

export default class KeyGenerate extends TouchmarkCommand<WrittenKey> {
  static override summary = 'Make a key pair';
  static override description =
    'Writes NAME.key, encrypted in cosign’s own format, and NAME.pub. The password comes from --password-file, ' +
    '--password-stdin, TOUCHMARK_PASSWORD, COSIGN_PASSWORD, or is asked for.';
  static override schema = 'key-generate';
  static override exitCodes = [20] as const;
  static override hiddenAliases = ['generate-key-pair'];
  static override examples = [
    {
      description: 'release.key and release.pub, asking for a password',
      command: 'touchmark key generate release',
    },
    {
      description: 'In a pipeline',
      command: 'touchmark key generate release --kind ed25519 --password-file secret.txt',
    },
  ];
  static override args = {
    name: Args.string({ required: true, description: 'path without extension; .key and .pub are added' }),
  };
  static override flags = {
    kind: Flags.option({
      options: KEY_KINDS,
      default: 'ecdsa-p256' as KeyKind,
      helpValue: 'KIND',
      summary: KEY_KINDS.join(', '),
    })(),
    ...passwordFlags,
    ...protectionFlags,
    ...yesFlag,
  };

  protected override async execute(): Promise<WrittenKey> {
    const { flags, args } = await this.parse(KeyGenerate);
    const { name } = args;
    const ask = this.terminal() && ((question: string) => this.confirm(question, flags));
    const overwrite = await mayOverwrite(name, flags.yes, ask);
    const plain = flags['no-password'];
    const { generateKeyPair } = await import('../../src/crypto/index.js');
    const pair = await generateKeyPair({
      name,
      kind: flags.kind,
      overwrite,
      protection: plain ? { insecurePlaintext: true } : { password: this.newPassword(flags) },
    });
    if (plain) this.warn(plaintextWarning(pair.privateFile));
    return toWrittenKey(pair, !plain);
  }

  protected override text(result: WrittenKey): string {
    return formatWrittenKey(result);
  }
}
