import { TouchmarkCommand } from '../src/cli/base-command.js';
import { variableOf } from '../src/cli/environment.js';
import { repositoryFlag } from '../src/cli/flags/image.js';
import { registryFlags } from '../src/cli/flags/registry.js';
import { Args, Flags } from '../src/cli/oclif.js';
import { printable, type Styler } from '../src/cli/text.js';
import { loadTrustedKeys } from '../src/cli/trusted-keys.js';
import { buildTree, type TreeNode } from '../src/inspect/index.js';
import { createStoreAccess, withImage } from '../src/oci/open.js';
import { formatReference, parseReference, pinReference } from '../src/oci/reference.js';
import { presentTree, renderLines } from '../src/report/index.js';

interface Result {
  readonly reference: string;
  readonly pinned: string;
  readonly tree: TreeNode;
}

export default class Tree extends TouchmarkCommand<Result> {
  static override summary =
    'Show what hangs on an image: platforms, signatures, attestations, SBOMs, referrers';
  static override description =
    'With --key each signature is marked: ✓ and the key that made it, or ✗ and the reason. The tree never fails for missing trust.';
  static override schema = 'tree';
  static override exitCodes = [11, 18, 20, 21, 22, 24] as const;
  static override examples = [
    { description: 'Everything there is', command: 'touchmark tree registry.example/app:1.4' },
    {
      description: 'Which signatures are ours',
      command: 'touchmark tree --key ada.pub registry.example/app:1.4',
    },
  ];
  static override args = {
    image: Args.string({
      required: true,
      description: 'registry reference, oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE',
    }),
  };
  static override flags = {
    key: Flags.string({
      char: 'k',
      multiple: true,
      helpValue: 'REF',
      env: variableOf('key'),
      summary: 'mark the signatures of this public key (repeatable)',
      helpGroup: 'TRUST',
    }),
    ...repositoryFlag,
    ...registryFlags,
  };

  protected override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(Tree);
    const parsed = parseReference(args.image);
    const keys = flags.key ? await loadTrustedKeys(flags.key) : undefined;
    const access = createStoreAccess(await this.storeOptions(flags));
    try {
      return await withImage(access, parsed, async (store, root) => {
        const repository = flags.as ?? (store.namesRepository ? store.repository : undefined);
        return {
          reference: args.image,
          pinned: formatReference(pinReference(parsed, root.descriptor.digest)),
          tree: await buildTree(store, root, keys ? { keys, repository } : {}),
        };
      });
    } finally {
      await access.close();
    }
  }

  protected override text({ pinned, tree }: Result, style: Styler): string {
    return renderLines(presentTree(pinned, tree), style, printable);
  }
}
