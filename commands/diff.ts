import { TouchmarkError } from '../src/base/errors.js';
import { TouchmarkCommand } from '../src/cli/base-command.js';
import { cacheFolder } from '../src/cli/cache-folder.js';
import { comparisonPolicyFlag } from '../src/cli/flags/custody.js';
import { platformFlag, repositoryFlag } from '../src/cli/flags/image.js';
import { outputFormats } from '../src/cli/flags/output.js';
import { registryFlags } from '../src/cli/flags/registry.js';
import { Args, Flags } from '../src/cli/oclif.js';
import { printable, type Styler } from '../src/cli/text.js';
import { createStoreAccess } from '../src/oci/open.js';
import { loadPolicy } from '../src/policy/load.js';
import { renderDiffCsv } from '../src/report/diff-csv.js';
import { presentDiff } from '../src/report/diff-text.js';
import { renderLines } from '../src/report/lines.js';
import { DIFF_PARTS, type DiffPart, diffImages } from '../src/verify/diff-images.js';
import type { DiffReport } from '../src/verify/diff-report.js';

export default class Diff extends TouchmarkCommand<DiffReport> {
  static override summary =
    'Say what changed between two images: files, packages, configuration, and by which team';
  static override description =
    'With --policy both chains of custody must hold as far as they go (steps to come and approvals are not asked for), and every ' +
    'difference has the team whose layer made it; without, images of any origin are compared, by layer, and nothing is proven. ' +
    'Packages are read from the databases of dpkg, apk and rpm. Exit code 0 says that the two could be compared, and nothing ' +
    'about what differs: see --check.';
  static override schema = 'diff';
  static override exitCodes = [10, 11, 12, 14, 15, 16, 18, 19, 20, 21, 22, 24] as const;
  static override examples = [
    {
      description: 'What the next release brings, and who answers for it',
      command: 'touchmark diff --policy policy.yaml registry.example/app:1.4 registry.example/app:1.5',
    },
    {
      description: 'Packages of two versions of a base that nobody marked',
      command: 'touchmark diff --only packages registry.example/os:12 registry.example/os:12.1',
    },
    {
      description: 'What the app team did to the configuration of the system, for a spreadsheet',
      command:
        "touchmark diff --policy policy.yaml --team app --path '/etc/**' -o csv registry.example/base:1 registry.example/app:1.5",
    },
    {
      description: 'Fail when a rebuild is not the same',
      command: 'touchmark diff --check --only files --summary oci:app:1 oci:app:2',
    },
  ];
  static override args = {
    before: Args.string({
      required: true,
      description: 'registry reference, oci:DIR[:TAG], oci-archive:FILE',
    }),
    after: Args.string({ required: true, description: 'the image that is compared with it' }),
  };
  static override flags = {
    ...comparisonPolicyFlag,
    only: Flags.string({
      multiple: true,
      options: [...DIFF_PARTS],
      helpValue: DIFF_PARTS.join('|'),
      summary: 'compare these alone (repeatable); default all of them',
    }),
    path: Flags.string({
      helpValue: 'GLOB',
      summary: 'files alone, and of them these: * within a folder, ** through all',
    }),
    team: Flags.string({
      helpValue: 'TEAM',
      summary: 'only what this team added, changed or took away',
    }),
    summary: Flags.boolean({ summary: 'numbers by team alone' }),
    check: Flags.boolean({ summary: 'exit with 19 when anything differs' }),
    ...repositoryFlag,
    ...platformFlag,
    ...registryFlags,
    ...outputFormats(['csv']),
  };

  #csv = false;
  #summary = false;
  #check = false;

  protected override async execute(): Promise<DiffReport> {
    const { args, flags } = await this.parse(Diff);
    this.#csv = flags.output === 'csv';
    this.#summary = flags.summary;
    this.#check = flags.check;
    const policy = flags.policy === undefined ? undefined : (await loadPolicy(flags.policy)).policy;
    const access = createStoreAccess(await this.storeOptions(flags));
    const parts = flags.only as DiffPart[] | undefined;
    try {
      return await diffImages(access, [args.before, args.after], {
        policy,
        now: new Date(),
        parts: parts ?? (flags.path === undefined ? DIFF_PARTS : ['files']),
        path: flags.path,
        team: flags.team,
        summary: flags.summary,
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

  protected override text(report: DiffReport, style: Styler): string {
    return renderLines(presentDiff(report, this.#summary), style, printable);
  }

  protected override rendered(report: DiffReport): string | undefined {
    return this.#csv ? renderDiffCsv(report, this.#summary) : undefined;
  }

  protected override problems({ differs }: DiffReport): readonly TouchmarkError[] {
    return this.#check && differs ? [new TouchmarkError('diff-found', 'the two images differ')] : [];
  }
}
