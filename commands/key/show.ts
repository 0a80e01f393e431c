import { TouchmarkCommand } from '../../src/cli/base-command.js';
import { passwordFlags } from '../../src/cli/flags/signing.js';
import { type KeyFacts, toKeyFacts } from '../../src/cli/key-facts.js';
import { Args } from '../../src/cli/oclif.js';
import { formatTable, printable } from '../../src/cli/text.js';

interface Result extends KeyFacts {
  readonly publicKey: string | null;
}

export default class KeyShow extends TouchmarkCommand<Result> {
  static override summary = 'Say what a key file holds';
  static override description =
    'Reads a private or public key. An encrypted private key does not say which key it is: it is opened when a flag or ' +
    'variable gives the password; nobody is asked.';
  static override schema = 'key-show';
  static override exitCodes = [20, 22] as const;
  static override examples = [
    { description: 'The keyid of a public key', command: 'touchmark key show release.pub' },
    {
      description: 'The same of its private half',
      command: 'touchmark key show release.key --password-file secret.txt',
    },
  ];
  static override args = {
    key: Args.string({ required: true, description: 'key: a file, or env://VARIABLE' }),
  };
  static override flags = passwordFlags;

  protected override async execute(): Promise<Result> {
    const { flags, args } = await this.parse(KeyShow);
    const passwords = this.passwords(flags);
    const { describeKey, serializePublicKey } = await import('../../src/crypto/index.js');
    const description = await describeKey(args.key, passwords.isGiven ? { password: passwords.source } : {});
    const { key } = description;
    return {
      ...toKeyFacts(description),
      publicKey: key ? Buffer.from(serializePublicKey(key.publicKey)).toString() : null,
    };
  }

  protected override text(result: Result): string {
    const { N, r, p } = result.scrypt ?? {};
    const unopened = 'unknown until opened: give --password-file, or show the .pub file';
    return formatTable([
      ['key', printable(result.file)],
      [
        'form',
        `${result.private ? 'private' : 'public'} key, ${result.format}${result.encrypted ? ', encrypted' : ''}`,
      ],
      ...(result.scrypt ? [['scrypt', `N=${N} r=${r} p=${p}`]] : []),
      ['kind', result.kind ?? unopened],
      ['keyid', result.keyid ?? unopened],
      ...(result.scheme ? [['signs with', result.scheme]] : []),
    ]);
  }
}
