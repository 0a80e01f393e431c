import { TouchmarkCommand } from '../../src/cli/base-command.js';
import { patientRegistryFlags } from '../../src/cli/flags/registry.js';
import { readRoot, rootFlag } from '../../src/cli/flags/tuf.js';
import { Args, Flags } from '../../src/cli/oclif.js';
import { printable, type Styler } from '../../src/cli/text.js';
import { createStoreAccess } from '../../src/oci/open.js';
import { renderLines } from '../../src/report/lines.js';
import { presentCheckout } from '../../src/report/tuf-checkout-text.js';
import { type Checkout, checkoutRepository, parseTrustLocation } from '../../src/trust/index.js';

export default class TufCheckout extends TouchmarkCommand<Checkout> {
  static override summary = 'Make a working folder of a published TUF repository, or bring one up to date';
  static override description =
    'For whoever edits, signs or publishes on another machine. All of it is verified from the given root before the first ' +
    'file is written. What is staged in the folder stays; what it had published that somebody else overtook is set aside, ' +
    'never deleted.';
  static override schema = 'tuf-checkout';
  static override exitCodes = [17, 18, 20, 21, 23, 24] as const;
  static override examples = [
    {
      description: 'A new folder',
      command: 'touchmark tuf checkout --root root.json oci://registry.example/trust trust',
    },
    {
      description: 'With the content of targets',
      command: 'touchmark tuf checkout --root root.json --targets https://tuf.example/ trust',
    },
  ];
  static override args = {
    source: Args.string({
      required: true,
      description: 'https://…, oci://REGISTRY/REPO[:TAG], oci:DIR, or a folder',
    }),
    folder: Args.string({ required: true, description: 'the working folder' }),
  };
  static override flags = {
    ...rootFlag,
    targets: Flags.boolean({ summary: 'fetch the content of targets as well' }),
    ...patientRegistryFlags,
  };

  protected override async execute(): Promise<Checkout> {
    const { args, flags } = await this.parse(TufCheckout);
    const location = parseTrustLocation(args.source);
    const root = await readRoot(flags.root);
    const access = createStoreAccess(await this.storeOptions(flags));
    try {
      const { folder } = args;
      const now = new Date();
      const done = await checkoutRepository(access, { location, root, folder, now, targets: flags.targets });
      if (done.firstRoot > 1)
        this.warn(
          `the repository keeps no root before version ${done.firstRoot}; who begins with one cannot follow`,
        );
      if (done.state === 'ahead')
        this.warn(
          'the folder is ahead of the repository: if nobody published in it, the repository was rolled back',
        );
      return done;
    } finally {
      await access.close();
    }
  }

  protected override text(result: Checkout, style: Styler): string {
    return renderLines(presentCheckout(result), style, printable);
  }
}
