import { TouchmarkError } from '../src/base/errors.js';
import { LIMITS } from '../src/base/limits.js';
import { TouchmarkCommand } from '../src/cli/base-command.js';
import { cacheFolder } from '../src/cli/cache-folder.js';
import { serializeDocument } from '../src/cli/document.js';
import { readSmallFile } from '../src/cli/files.js';
import { policyFlag } from '../src/cli/flags/custody.js';
import { platformFlag, repositoryFlag } from '../src/cli/flags/image.js';
import { outputFormats } from '../src/cli/flags/output.js';
import { registryFlags } from '../src/cli/flags/registry.js';
import { Args, Flags } from '../src/cli/oclif.js';
import { printable, type Styler } from '../src/cli/text.js';
import { createStoreAccess } from '../src/oci/open.js';
import { loadPolicy } from '../src/policy/load.js';
import { renderAttributionCsv } from '../src/report/attribute-csv.js';
import { buildAttributionSarif } from '../src/report/attribute-sarif.js';
import { presentAttribution } from '../src/report/attribute-text.js';
import { renderLines } from '../src/report/lines.js';
import { LEAST_SEVERITIES, type LeastSeverity, SCAN_FORMATS, type ScanFormat } from '../src/scans/index.js';
import { attributeImage, checkTeam } from '../src/verify/attribute-image.js';
import { type AttributeReport, TOLERABLE, type Tolerable } from '../src/verify/attribute-report.js';

export default class Attribute extends TouchmarkCommand<AttributeReport> {
  static override summary =
    "Split a scanner's report by the teams whose layers, packages and files it is about";
  static override description =
    'Reads Trivy, Grype, Clair v4, SARIF, CycloneDX and SPDX, as JSON. Whose a finding is the image says: who wrote the file, else who ' +
    'brought the package, else whose the layer is that the report names. With --fail-on a finding is exit 19; what is nobody’s, ' +
    'or of unknown severity, counts as well.';
  static override schema = 'attribute';
  static override exitCodes = [10, 11, 12, 14, 15, 16, 18, 19, 20, 21, 22, 24] as const;
  static override examples = [
    {
      description: 'Whose are they',
      command: 'touchmark attribute --policy policy.yaml --report trivy.json registry.example/app:1.4',
    },
    {
      description: 'A gate for one team',
      command:
        'touchmark attribute --policy policy.yaml --report grype.json --fail-on high --team app registry.example/app:1.4',
    },
    {
      description: 'Only if the security team has approved the image on this very report',
      command:
        'touchmark attribute --policy policy.yaml --report trivy.json --approved-by security registry.example/app:1.4',
    },
  ];
  static override args = {
    image: Args.string({
      required: true,
      description: 'registry reference, oci:DIR[:TAG], oci-archive:FILE',
    }),
  };
  static override flags = {
    ...policyFlag,
    report: Flags.string({
      required: true,
      helpValue: 'FILE',
      summary: "the scanner's report; - is standard input",
    }),
    format: Flags.option({
      options: SCAN_FORMATS,
      helpValue: 'FORMAT',
      summary: `what the report must be: ${SCAN_FORMATS.join(', ')}; default what it says it is`,
    })(),
    team: Flags.string({ helpValue: 'TEAM', summary: 'only what is this team’s, or nobody’s' }),
    severity: Flags.option({
      options: LEAST_SEVERITIES,
      helpValue: 'SEVERITY',
      summary: 'list only what is at least as grave, or unknown',
    })(),
    fixable: Flags.boolean({ summary: 'only what a newer version is free of' }),
    'fail-on': Flags.option({
      options: LEAST_SEVERITIES,
      helpValue: 'SEVERITY',
      summary: `the least finding that is a no (${LEAST_SEVERITIES.join(', ')}), among those of --team and --fixable`,
    })(),
    tolerate: Flags.option({
      options: TOLERABLE,
      multiple: true,
      helpValue: 'WHAT',
      dependsOn: ['fail-on'],
      summary: `what --fail-on lets through (repeatable): ${TOLERABLE.join(', ')}`,
    })(),
    'approved-by': Flags.string({
      helpValue: 'TEAM',
      summary: 'no unless an approval of this team that counts rests on this very file',
    }),
    ...repositoryFlag,
    ...platformFlag,
    ...registryFlags,
    ...outputFormats(['csv', 'sarif']),
  };

  #output = 'text';
  #approver: string | undefined;

  protected override async execute(): Promise<AttributeReport> {
    const { args, flags } = await this.parse(Attribute);
    this.#output = flags.output;
    this.#approver = flags['approved-by'];
    const { policy } = await loadPolicy(flags.policy);
    if (this.#approver !== undefined) checkTeam(this.#approver, policy);
    const report = await this.#readReport(flags.report);
    const failOn: LeastSeverity | undefined = flags['fail-on'];
    const tolerate: readonly Tolerable[] | undefined = flags.tolerate;
    const format: ScanFormat | undefined = flags.format;
    const access = createStoreAccess(await this.storeOptions(flags));
    try {
      const attributed = await attributeImage(access, args.image, {
        ...{ policy, report, format },
        now: new Date(),
        team: flags.team,
        severity: flags.severity,
        fixable: flags.fixable,
        gate: failOn && { failOn, tolerate },
        repository: flags.as,
        platform: flags.platform,
        cacheFolder: cacheFolder('layers'),
        signal: this.signal,
        onProgress: (done, total) => this.progress().report({ phase: 'reading layers', done, total }),
      });
      this.#warnAbout(attributed);
      return attributed;
    } finally {
      await access.close();
    }
  }

  #readReport(file: string): Promise<Uint8Array> {
    return file === '-'
      ? this.readStdin('the report', LIMITS.reportSize)
      : readSmallFile(file, LIMITS.reportSize, '--report');
  }

  #warnAbout({ report }: AttributeReport): void {
    if (report.subject === 'unstated')
      this.warn('the report does not say which image it is about: what it finds may be in another one');
    if (report.subject === 'index')
      this.warn('the report names an index of several images, not which of them it is about');
  }

  protected override problems({ gate, approvals }: AttributeReport): readonly TouchmarkError[] {
    const problems: TouchmarkError[] = [];
    if (gate && gate.failing > 0) {
      const { failOn, failing, uncertain, team } = gate;
      const whose = team === null ? '' : `, of team ${team} or of nobody`;
      const found = `${failing} ${failing === 1 ? 'finding' : 'findings'} at or above ${failOn}${whose}`;
      problems.push(
        new TouchmarkError('findings-present', found, {
          details: { failOn, failing, uncertain },
          hint:
            uncertain > 0
              ? `${uncertain} of them of nobody or of unknown severity: --tolerate lets such through`
              : 'the list says whose each is, and which version is free of it',
        }),
      );
    }
    const approver = this.#approver;
    if (approver !== undefined && !approvals.some(({ team }) => team === approver)) {
      problems.push(
        new TouchmarkError(
          'approval-missing',
          `no approval of the image by team ${approver} that counts rests on this report`,
          {
            hint: 'touchmark custody approve --evidence TYPE=REPORT gives one; the policy says how old it may be',
          },
        ),
      );
    }
    return problems;
  }

  protected override text(report: AttributeReport, style: Styler): string {
    return renderLines(presentAttribution(report), style, printable);
  }

  protected override rendered(report: AttributeReport): string | undefined {
    if (this.#output === 'csv') return renderAttributionCsv(report);
    if (this.#output !== 'sarif') return undefined;
    const [name = '', version = ''] = this.creator.split('/');
    return serializeDocument(buildAttributionSarif(report, { name, version }));
  }
}
