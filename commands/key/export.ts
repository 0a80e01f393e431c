import { TouchmarkCommand } from '../../src/cli/base-command.js';
import { variableOf } from '../../src/cli/environment.js';
import { writeOutputFile } from '../../src/cli/files.js';
import { yesFlag } from '../../src/cli/flags/output.js';
import { passwordFlags } from '../../src/cli/flags/signing.js';
import { Args, Flags } from '../../src/cli/oclif.js';
import { printable } from '../../src/cli/text.js';
import type { KeyKind } from '../../src/crypto/keys.js';

interface Result {
  readonly keyid: string;
  readonly kind: KeyKind;
  readonly publicKey: string;
  readonly file: string | null;
}

export default class KeyExport extends TouchmarkCommand<Result> {
  static override summary = 'Print the public key of a key file';
  static override description = 'Takes a private or a public key and gives the public key as PEM.';
  static override schema = 'key-export';
  static override exitCodes = [20, 22] as const;
  static override hiddenAliases = ['public-key'];
  static override examples = [
    { description: 'To standard output', command: 'touchmark key export release.key' },
    { description: 'Into a file', command: 'touchmark key export release.key --output-file release.pub' },
  ];
  static override args = {
    key: Args.string({ required: true, description: 'key: a file, or env://VARIABLE' }),
  };
  static override flags = {
    'output-file': Flags.string({
      helpValue: 'FILE',
      env: variableOf('output-file'),
      summary: 'write the key there; - is standard output',
    }),
    ...yesFlag,
    ...passwordFlags,
  };

  protected override async execute(): Promise<Result> {
    const { flags, args } = await this.parse(KeyExport);
    const { exportPublicKey, serializePublicKey } = await import('../../src/crypto/index.js');
    const key = await this.passwords(flags).retrying(password => exportPublicKey(args.key, { password }));
    const pem = serializePublicKey(key);
    const target = flags['output-file'];
    const file = target === undefined || target === '-' ? null : target;
    if (file !== null) await writeOutputFile(file, pem, { overwrite: flags.yes });
    return { keyid: key.keyid, kind: key.kind, publicKey: Buffer.from(pem).toString(), file };
  }

  protected override text({ file, publicKey }: Result): string {
    return file === null ? publicKey.trimEnd() : `public key written to ${printable(file)}`;
  }
}
