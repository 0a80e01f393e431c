import { fail, type TouchmarkError } from '../src/base/errors.js';
import { TouchmarkCommand } from '../src/cli/base-command.js';
import { variableOf } from '../src/cli/environment.js';
import { repositoryFlag } from '../src/cli/flags/image.js';
import { readImages } from '../src/cli/flags/images.js';
import { inheritanceFlags, requireOneTree } from '../src/cli/flags/inheritance.js';
import { outputFormats } from '../src/cli/flags/output.js';
import { type RegistryFlagValues, registryFlags } from '../src/cli/flags/registry.js';
import type { InheritanceDocument, InheritanceRun } from '../src/cli/inheritance-run.js';
import { Args, Flags } from '../src/cli/oclif.js';
import { printable, type Styler } from '../src/cli/text.js';
import { loadTrustedKeys } from '../src/cli/trusted-keys.js';
import { buildTree, type TreeNode } from '../src/inspect/index.js';
import { createStoreAccess, withImage } from '../src/oci/open.js';
import { formatReference, parseReference, pinReference } from '../src/oci/reference.js';
import { presentTree, renderLines } from '../src/report/index.js';

/** What hangs on one image. */
interface Hanging {
  readonly reference: string;
  readonly pinned: string;
  readonly tree: TreeNode;
}

interface HangingFlags extends RegistryFlagValues {
  readonly key?: readonly string[] | undefined;
  readonly as?: string | undefined;
  readonly output: string;
}

type Result = Hanging | InheritanceDocument;

export default class Tree extends TouchmarkCommand<Result> {
  static override summary =
    'Show what hangs on an image (signatures, SBOMs, referrers), or what images are built on';
  static override description =
    'With --key each signature is marked: ✓ and the key that made it, or ✗ and the reason; nothing fails for missing trust. With ' +
    '--inheritance it is the tree of what images are built on, and whether that is up to date: by --policy as far as the chains of ' +
    'custody prove it, and then an image whose chain does not hold is shown, and is no yes; without, as the images say themselves.';
  static override schema = 'tree';
  static override exitCodes = [10, 11, 12, 14, 15, 16, 17, 18, 20, 21, 22, 24] as const;
  static override examples = [
    { description: 'Everything there is', command: 'touchmark tree registry.example/app:1.4' },
    {
      description: 'Which signatures are ours',
      command: 'touchmark tree --key ada.pub registry.example/app:1.4',
    },
    {
      description: 'What images stand on, by whom, and what is behind',
      command:
        'touchmark tree --inheritance --policy policy.yaml registry.example/app:1.4 registry.example/worker:2',
    },
    {
      description: 'The same as a picture',
      command:
        'touchmark tree --inheritance --policy policy.yaml -o svg registry.example/app:1.4 > inheritance.svg',
    },
  ];
  static override strict = false;
  static override args = {
    image: Args.string({
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
    ...inheritanceFlags,
    ...repositoryFlag,
    ...registryFlags,
    ...outputFormats(['dot', 'svg', 'mermaid']),
  };

  #inheritance: InheritanceRun | undefined;
  #format = 'text';

  protected override async execute(): Promise<Result> {
    const { argv, flags, typed } = await this.parse(Tree);
    this.#format = flags.output;
    requireOneTree(typed, flags.inheritance);
    if (!flags.inheritance) return this.#hanging(argv, flags);
    const references = await readImages(
      argv,
      flags.images,
      (purpose, size) => this.readStdin(purpose, size),
      'touchmark tree --inheritance IMAGE…',
    );
    const { runInheritance } = await import('../src/cli/inheritance-run.js');
    this.#inheritance = await runInheritance(references, flags, {
      options: await this.storeOptions(flags),
      now: new Date(),
      signal: this.signal,
      progress: () => this.progress(),
      onWarning: text => this.warn(text),
    });
    return this.#inheritance.document;
  }

  async #hanging([image, ...more]: readonly string[], flags: HangingFlags): Promise<Hanging> {
    if (image === undefined) fail('usage-argument', 'no image is given', { hint: 'touchmark tree IMAGE' });
    if (more.length > 0)
      fail('usage-argument', 'what hangs on an image is shown for one image at a time', {
        hint: 'leave the others out, or add --inheritance for what all of them are built on',
      });
    if (!['text', 'json'].includes(flags.output))
      fail('usage-argument', `-o ${flags.output} is a form of --inheritance`, { hint: 'add --inheritance' });
    const parsed = parseReference(image);
    const keys = flags.key ? await loadTrustedKeys(flags.key) : undefined;
    const access = createStoreAccess(await this.storeOptions(flags));
    try {
      return await withImage(access, parsed, async (store, root) => {
        const repository = flags.as ?? (store.namesRepository ? store.repository : undefined);
        return {
          reference: image,
          pinned: formatReference(pinReference(parsed, root.descriptor.digest)),
          tree: await buildTree(store, root, keys ? { keys, repository } : {}),
        };
      });
    } finally {
      await access.close();
    }
  }

  protected override text(result: Result, style: Styler): string {
    if ('tree' in result) return renderLines(presentTree(result.pinned, result.tree), style, printable);
    return this.#inheritance?.text(style) ?? '';
  }

  protected override rendered(): string | undefined {
    return this.#inheritance?.render(this.#format);
  }

  protected override schemaOf(result: Result): string {
    return 'tree' in result ? 'tree' : 'tree-inheritance';
  }

  protected override problems(): readonly TouchmarkError[] {
    return this.#inheritance?.problems ?? [];
  }
}
