import { TouchmarkCommand } from '../src/cli/base-command.js';
import { cacheFolder } from '../src/cli/cache-folder.js';
import { policyFlag } from '../src/cli/flags/custody.js';
import { platformFlag, repositoryFlag } from '../src/cli/flags/image.js';
import { outputFormats } from '../src/cli/flags/output.js';
import { registryFlags } from '../src/cli/flags/registry.js';
import { Args, Flags } from '../src/cli/oclif.js';
import { printable, type Styler } from '../src/cli/text.js';
import { createStoreAccess } from '../src/oci/open.js';
import { loadPolicy } from '../src/policy/load.js';
import { renderBlameCsv } from '../src/report/blame-csv.js';
import { presentBlame } from '../src/report/blame-text.js';
import { renderLines } from '../src/report/lines.js';
import { blameImage } from '../src/verify/blame-image.js';
import type { BlameReport } from '../src/verify/blame-report.js';

export default class Blame extends TouchmarkCommand<BlameReport> {
  static override summary = 'Say which team put a file into an image, and who changed or deleted it';
  static override description =
    'The chain of custody says whose each layer is, and the layers say the rest: who wrote the bytes, who set mode and owner, ' +
    'what was there before. Without a chain that holds under the policy there is no answer.';
  static override schema = 'blame';
  static override exitCodes = [10, 11, 12, 14, 15, 16, 18, 20, 21, 22, 24] as const;
  static override examples = [
    {
      description: 'One file',
      command: 'touchmark blame --policy policy.yaml registry.example/app:1.4 /usr/lib/libssl.so.3',
    },
    {
      description: 'All that lies in a folder, for a spreadsheet',
      command: "touchmark blame --policy policy.yaml -o csv registry.example/app:1.4 '/etc/**'",
    },
    {
      description: 'What was deleted, and by whom',
      command: 'touchmark blame --policy policy.yaml --deleted registry.example/app:1.4',
    },
    {
      description: 'What each team has in it, and changed of what others made',
      command: 'touchmark blame --policy policy.yaml --summary registry.example/app:1.4',
    },
    {
      description: 'As it was when the runtime team handed it on',
      command: 'touchmark blame --policy policy.yaml --at runtime registry.example/app:1.4 /etc/passwd',
    },
  ];
  static override args = {
    image: Args.string({
      required: true,
      description: 'registry reference, oci:DIR[:TAG], oci-archive:FILE',
    }),
    path: Args.string({
      description: 'a path, or a pattern: * within a folder, ** through all; default /**',
    }),
  };
  static override flags = {
    ...policyFlag,
    deleted: Flags.boolean({ summary: 'what is gone from the image, instead of what is in it' }),
    summary: Flags.boolean({
      exclusive: ['deleted'],
      summary: 'numbers for each team instead of paths: what it has, and what it did to the others’ part',
    }),
    team: Flags.string({
      helpValue: 'TEAM',
      summary:
        'only what is this team’s; with --deleted what it took away; with --summary by folder, worst first',
    }),
    at: Flags.string({
      helpValue: 'STEP',
      summary: 'the image as this step handed it on; default the whole image',
    }),
    ...repositoryFlag,
    ...platformFlag,
    ...registryFlags,
    ...outputFormats(['csv']),
  };

  #csv = false;

  protected override async execute(): Promise<BlameReport> {
    const { args, flags } = await this.parse(Blame);
    this.#csv = flags.output === 'csv';
    const { policy } = await loadPolicy(flags.policy);
    const access = createStoreAccess(await this.storeOptions(flags));
    try {
      return await blameImage(access, args.image, {
        policy,
        now: new Date(),
        path: args.path,
        deleted: flags.deleted,
        summary: flags.summary,
        team: flags.team,
        at: flags.at,
        repository: flags.as,
        platform: flags.platform,
        cacheFolder: cacheFolder('layers'),
        signal: this.signal,
        onProgress: (done, total) => this.progress().report({ phase: 'reading layers', done, total }),
      });
    } finally {
      await access.close();
    }
  }

  protected override text(report: BlameReport, style: Styler): string {
    return renderLines(presentBlame(report), style, printable);
  }

  protected override rendered(report: BlameReport): string | undefined {
    return this.#csv ? renderBlameCsv(report) : undefined;
  }
}
