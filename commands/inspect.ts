import { TouchmarkCommand } from '../src/cli/base-command.js';
import { platformFlag } from '../src/cli/flags/image.js';
import { registryFlags } from '../src/cli/flags/registry.js';
import { Args } from '../src/cli/oclif.js';
import { printable, type Styler } from '../src/cli/text.js';
import { type Inspection, inspectImage } from '../src/inspect/index.js';
import { createStoreAccess, withImage } from '../src/oci/open.js';
import { selectPlatform } from '../src/oci/platform.js';
import { formatReference, parseReference, pinReference } from '../src/oci/reference.js';
import { presentInspection, renderLines } from '../src/report/index.js';

type Result = Omit<Inspection, 'problems'> & {
  readonly reference: string;
  readonly pinned: string;
  readonly problems: readonly { readonly source: string; readonly code: string; readonly message: string }[];
};

export default class Inspect extends TouchmarkCommand<Result> {
  static override summary = 'Decode an image and everything found about it; judge nothing';
  static override description =
    'Shows manifest, config, layers, signatures of both formats, attachments and referrers. ' +
    'Nothing here has been verified: touchmark verify does that.';
  static override schema = 'inspect';
  static override exitCodes = [11, 18, 20, 21, 24] as const;
  static override examples = [
    { description: 'An image in a registry', command: 'touchmark inspect registry.example/app:1.4' },
    {
      description: 'One in an archive, as JSON',
      command: 'touchmark inspect -o json docker-archive:app.tar',
    },
  ];
  static override args = {
    image: Args.string({
      required: true,
      description: 'registry reference, oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE',
    }),
  };
  static override flags = { ...platformFlag, ...registryFlags };

  #inspection: Inspection | undefined;

  protected override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(Inspect);
    const parsed = parseReference(args.image);
    const access = createStoreAccess(await this.storeOptions(flags));
    try {
      this.#inspection = await withImage(access, parsed, async (store, root) =>
        inspectImage(
          store,
          flags.platform === undefined ? root : await selectPlatform(store, root, flags.platform),
        ),
      );
    } finally {
      await access.close();
    }
    const { problems, ...found } = this.#inspection;
    return {
      reference: args.image,
      pinned: formatReference(pinReference(parsed, found.digest)),
      ...found,
      problems: problems.map(({ source, error }) => ({ source, code: error.code, message: error.message })),
    };
  }

  protected override text({ pinned }: Result, style: Styler): string {
    return this.#inspection ? renderLines(presentInspection(pinned, this.#inspection), style, printable) : '';
  }
}
