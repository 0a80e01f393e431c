import { TouchmarkCommand } from '../../src/cli/base-command.js';
import { custodyLevelFlag, optionalPolicyFlag } from '../../src/cli/flags/custody.js';
import { platformFlag, repositoryFlag } from '../../src/cli/flags/image.js';
import { outputFormats } from '../../src/cli/flags/output.js';
import { registryFlags } from '../../src/cli/flags/registry.js';
import { Args } from '../../src/cli/oclif.js';
import { printable, type Styler } from '../../src/cli/text.js';
import type { EvidenceLevel } from '../../src/custody/policy.js';
import { createStoreAccess } from '../../src/oci/open.js';
import {
  type CustodyPicture,
  pictureOf,
  pictureOfClaims,
  presentPicture,
  renderCustodyDot,
  renderCustodyMermaid,
  renderCustodySvg,
  renderLines,
} from '../../src/report/index.js';
import { judgeCustody, readCustody } from '../../src/verify/show-custody.js';

type Result = CustodyPicture & {
  readonly reference: string;
  readonly pinned: string;
  readonly through: string | null;
};

const RENDERERS: Readonly<Record<string, (picture: CustodyPicture) => string>> = {
  dot: renderCustodyDot,
  svg: renderCustodySvg,
  mermaid: renderCustodyMermaid,
};

export default class CustodyShow extends TouchmarkCommand<Result> {
  static override summary = 'Show who put every layer into an image, as text or as a picture';
  static override description =
    'With --policy each team’s part is shown as verified or not; without it, what the marks claim. It never fails because trust ' +
    'is missing: touchmark custody verify judges. Of an index one image is shown: --platform names it.';
  static override schema = 'custody-show';
  static override exitCodes = [11, 18, 20, 21, 22, 24] as const;
  static override examples = [
    {
      description: 'The chain, verified',
      command: 'touchmark custody show --policy policy.yaml registry.example/app:1.4',
    },
    {
      description: 'As a picture',
      command: 'touchmark custody show --policy policy.yaml -o svg registry.example/app:1.4 > chain.svg',
    },
    { description: 'Only what is claimed', command: 'touchmark custody show oci:app:1' },
  ];
  static override args = {
    image: Args.string({
      required: true,
      description: 'registry reference, oci:DIR[:TAG], oci-archive:FILE',
    }),
  };
  static override flags = {
    ...optionalPolicyFlag,
    ...custodyLevelFlag,
    ...repositoryFlag,
    ...platformFlag,
    ...registryFlags,
    ...outputFormats(Object.keys(RENDERERS)),
  };

  #format = 'text';

  protected override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(CustodyShow);
    this.#format = flags.output;
    const policy = flags.policy === undefined ? undefined : await loadPolicyFile(flags.policy);
    const access = createStoreAccess(await this.storeOptions(flags));
    const which = { repository: flags.as, platform: flags.platform };
    const now = new Date();
    try {
      if (policy) {
        const judged = await judgeCustody(access, args.image, {
          ...which,
          policy,
          now,
          level: flags.level as EvidenceLevel | undefined,
          signal: this.signal,
          onProgress: (done, total) => this.progress().report({ phase: 'reading layers', done, total }),
        });
        return resultOf(args.image, judged, pictureOf(judged.verdict, judged.layers));
      }
      const claimed = await readCustody(access, args.image, which);
      for (const { source, message } of claimed.unread)
        this.warn(`${source} could not be read, there may be more: ${message}`);
      return resultOf(args.image, claimed, pictureOfClaims({ ...claimed, manifest: claimed.digest, now }));
    } finally {
      await access.close();
    }
  }

  protected override text({ pinned, ...picture }: Result, style: Styler): string {
    return renderLines(presentPicture(picture, pinned), style, printable);
  }

  protected override rendered(picture: Result): string | undefined {
    return RENDERERS[this.#format]?.(picture);
  }
}

function resultOf(
  reference: string,
  { pinned, through }: { readonly pinned: string; readonly through: string | null },
  picture: CustodyPicture,
): Result {
  return { reference, pinned, through, ...picture };
}

async function loadPolicyFile(file: string) {
  const { loadPolicy } = await import('../../src/policy/load.js');
  return (await loadPolicy(file)).policy;
}
