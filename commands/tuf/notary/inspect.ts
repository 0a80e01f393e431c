import { TouchmarkCommand } from '../../../src/cli/base-command.js';
import { fetchNotary, notaryArgument, notaryServerFlag } from '../../../src/cli/flags/notary.js';
import { registryFlags } from '../../../src/cli/flags/registry.js';
import { printable, type Styler } from '../../../src/cli/text.js';
import { createStoreAccess } from '../../../src/oci/open.js';
import { renderLines } from '../../../src/report/lines.js';
import { presentNotary } from '../../../src/report/notary-text.js';
import { describeNotary, type NotaryDescription } from '../../../src/tuf/notary/index.js';

type Result = NotaryDescription & { readonly place: string };

export default class TufNotaryInspect extends TouchmarkCommand<Result> {
  static override summary = 'Show what Docker Content Trust holds of a repository; judge nothing';
  static override description =
    'Tags, digests, sizes and signers in one table, then roles with their keys and dates: from a notary server, or from what ' +
    'docker trust left on disk. Nothing here has been verified: touchmark tuf notary verify does that.';
  static override schema = 'tuf-notary-inspect';
  static override exitCodes = [17, 20, 21, 24] as const;
  static override examples = [
    {
      description: 'From the server of the registry',
      command: 'touchmark tuf notary inspect registry.example/team/app',
    },
    {
      description: 'From disk, for a script',
      command: 'touchmark tuf notary inspect -o json ~/.docker/trust/tuf/docker.io/library/alpine',
    },
  ];
  static override args = notaryArgument;
  static override flags = { ...notaryServerFlag, ...registryFlags };

  protected override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(TufNotaryInspect);
    const access = createStoreAccess(await this.storeOptions(flags));
    try {
      const { files, place } = await fetchNotary(args.repository, flags, access);
      return { place, ...describeNotary(files) };
    } finally {
      await access.close();
    }
  }

  protected override text(result: Result, style: Styler): string {
    return renderLines(presentNotary(result), style, printable);
  }
}
