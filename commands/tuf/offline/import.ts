import { LIMITS } from '../../../src/base/limits.js';
import { readSmallFile } from '../../../src/cli/files.js';
import { dirFlag } from '../../../src/cli/flags/tuf-repository.js';
import { Args } from '../../../src/cli/oclif.js';
import { printable, type Styler } from '../../../src/cli/text.js';
import { TufCommand } from '../../../src/cli/tuf-command.js';
import { type SignedFacts, toSignedFacts } from '../../../src/cli/tuf-facts.js';
import { renderLines } from '../../../src/report/lines.js';
import { dirOption, presentSigned } from '../../../src/report/tuf-text.js';
import { importSignatures } from '../../../src/tuf/ceremony/exchange.js';
import { parseSignatureFile, type RoleSignatures } from '../../../src/tuf/ceremony/signature-file.js';

interface Result {
  readonly dir: string;
  readonly signed: readonly SignedFacts[];
}

export default class TufOfflineImport extends TufCommand<Result> {
  static override summary = 'Take in signatures that were made elsewhere';
  static override description =
    'Each is verified over what is staged, by a key that is asked, before it is written. The order of the files does not ' +
    'matter, and giving one again does no harm.';
  static override schema = 'tuf-import';
  static override exitCodes = [12, 17, 20, 23, 24] as const;
  static override examples = [
    { description: 'From two holders', command: 'touchmark tuf offline import signed-1.json signed-2.json' },
    { description: 'One more, later', command: 'touchmark tuf offline import signed-3.json --dir trust' },
  ];
  static override args = {
    file: Args.string({
      required: true,
      description: 'file that tuf offline sign-payload wrote; several may be given',
    }),
  };
  static override strict = false;
  static override flags = { ...dirFlag };

  protected override async execute(): Promise<Result> {
    const { argv, flags } = await this.parse(TufOfflineImport);
    const files: RoleSignatures[] = [];
    for (const file of argv) {
      const bytes = await readSmallFile(file, LIMITS.tufSignatureFileSize, 'FILE');
      files.push(...parseSignatureFile(bytes, file));
    }
    const repository = await this.openFolder(flags.dir);
    const signed = await importSignatures(repository, files);
    return { dir: flags.dir, signed: signed.map(toSignedFacts) };
  }

  protected override text({ dir, signed }: Result, style: Styler): string {
    return renderLines(presentSigned(signed, dirOption(dir)), style, printable);
  }
}
