import type { TouchmarkError } from '../../src/base/errors.js';
import { TouchmarkCommand } from '../../src/cli/base-command.js';
import type { CustodyRun } from '../../src/cli/custody-run.js';
import { custodyCheckFlags, policyOrTufFlag } from '../../src/cli/flags/custody.js';
import { platformFlag, repositoryFlag } from '../../src/cli/flags/image.js';
import { imagesFlag, readImages } from '../../src/cli/flags/images.js';
import { registryFlags } from '../../src/cli/flags/registry.js';
import { localPolicyFlag, tufFlags } from '../../src/cli/flags/tuf.js';
import { Args } from '../../src/cli/oclif.js';
import { printable, type Styler } from '../../src/cli/text.js';
import { type Line, renderLines } from '../../src/report/lines.js';
import type { OutcomeReport } from '../../src/verify/outcome-report.js';
import type { TrustReport } from '../../src/verify/trust-report.js';

interface Result {
  readonly images: readonly OutcomeReport[];
  /** Only with --tuf. */
  readonly trust?: TrustReport;
  readonly summary: { readonly total: number; readonly verified: number };
}

export default class CustodyVerify extends TouchmarkCommand<Result> {
  static override summary = 'Prove who put every layer into an image, and that each was entitled to';
  static override description =
    'Follows the teams’ marks from the image down to its start and holds them to the policy: who, in which order, on what, ' +
    'how recently, approved by whom. A tag is resolved once; what was verified is printed by digest. Exit code 0 is the only yes.';
  static override schema = 'custody-verify';
  static override exitCodes = [10, 11, 12, 14, 15, 16, 17, 18, 20, 21, 22, 24] as const;
  static override examples = [
    {
      description: 'An image',
      command: 'touchmark custody verify --policy policy.yaml registry.example/app:1.4',
    },
    {
      description: 'What was checked, rule by rule, and what a yes does not say',
      command: 'touchmark custody verify --policy policy.yaml --explain registry.example/app:1.4',
    },
    {
      description: 'With policy, teams and their keys from TUF',
      command:
        'touchmark custody verify --root root.json --tuf oci://registry.example/trust registry.example/app:1.4',
    },
    {
      description: 'A base image that the app team is about to build on',
      command: 'touchmark custody verify --policy policy.yaml --handover app registry.example/runtime:3',
    },
  ];
  static override strict = false;
  static override args = {
    image: Args.string({ description: 'registry reference, oci:DIR[:TAG], oci-archive:FILE' }),
  };
  static override flags = {
    ...policyOrTufFlag,
    ...custodyCheckFlags,
    ...repositoryFlag,
    ...platformFlag,
    ...imagesFlag,
    ...tufFlags,
    ...localPolicyFlag,
    ...registryFlags,
  };

  #run: CustodyRun | undefined;
  #trustLine: Line | undefined;

  protected override async execute(): Promise<Result> {
    const { argv, flags } = await this.parse(CustodyVerify);
    const references = await readImages(
      argv,
      flags.images,
      (purpose, size) => this.readStdin(purpose, size),
      'touchmark custody verify --policy policy.yaml IMAGE',
    );
    const { openImageTrust, requirePolicyFor, runCustody } = await import('../../src/cli/custody-run.js');
    const options = await this.storeOptions(flags);
    const now = new Date();
    const onWarning = (text: string) => this.warn(text);
    const trust = await openImageTrust(references, flags, { options, now, onWarning });
    try {
      const policy = await requirePolicyFor(references, flags, trust?.view);
      if (flags['insecure-local-policy']) this.warn('the policy is that of the file, whatever TUF has');
      this.#run = await runCustody(references, flags, {
        options,
        policy,
        trust: trust?.view,
        now,
        signal: this.signal,
        progress: () => this.progress(),
      });
    } finally {
      await trust?.close();
    }
    const images = this.#run.reports();
    this.#trustLine = trust?.line;
    const trusted = trust && { trust: trust.report };
    return {
      images,
      ...trusted,
      summary: { total: images.length, verified: images.filter(image => image.ok).length },
    };
  }

  protected override text(_: Result, style: Styler): string {
    const lines = this.#trustLine ? [renderLines([this.#trustLine], style, printable)] : [];
    return [this.#run?.text(style) ?? '', ...lines].join('\n');
  }

  protected override problems(): readonly TouchmarkError[] {
    return this.#run?.problems() ?? [];
  }
}
