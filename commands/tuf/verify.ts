import { TouchmarkError } from '../../src/base/errors.js';
import { TouchmarkCommand } from '../../src/cli/base-command.js';
import { variableOf } from '../../src/cli/environment.js';
import { patientRegistryFlags } from '../../src/cli/flags/registry.js';
import { readRoot, rootFlag } from '../../src/cli/flags/tuf.js';
import { Args, Flags } from '../../src/cli/oclif.js';
import { printable, type Styler } from '../../src/cli/text.js';
import { createStoreAccess } from '../../src/oci/open.js';
import { countOf } from '../../src/report/custody-words.js';
import { renderLines } from '../../src/report/lines.js';
import { presentAudit } from '../../src/report/tuf-audit-text.js';
import { auditTrust, parseTrustLocation, type TrustAudit } from '../../src/trust/index.js';
import { AUDIT_SEVERITIES, type AuditFinding, type AuditSeverity } from '../../src/tuf/audit/index.js';

type Result = TrustAudit & { readonly failOn: AuditSeverity };

export default class TufVerify extends TouchmarkCommand<Result> {
  static override summary = 'Audit a whole TUF repository and its history, as an outsider';
  static override description =
    'From the given root: every root before and after it, every role with its signatures, dates, lengths and hashes, earlier ' +
    'versions and files that belong nowhere (where the place can list them), delegations that never match, weak thresholds, ' +
    'shared keys, what other clients cannot read. What clients refuse is exit 17; other findings at or above --fail-on are ' +
    'exit 19.';
  static override schema = 'tuf-verify';
  static override exitCodes = [17, 18, 19, 20, 21, 24] as const;
  static override examples = [
    {
      description: 'A repository in a registry',
      command: 'touchmark tuf verify --root root.json oci://registry.example/trust',
    },
    {
      description: 'With the content of all targets, for a pipeline',
      command:
        'touchmark tuf verify --root root.json --targets --fail-on warning -o json https://tuf.example/',
    },
  ];
  static override args = {
    source: Args.string({
      required: true,
      description: 'https://…, oci://REGISTRY/REPO[:TAG], oci:DIR, or a folder',
    }),
  };
  static override flags = {
    ...rootFlag,
    targets: Flags.boolean({ summary: 'read the content of all targets as well' }),
    'fail-on': Flags.option({
      options: AUDIT_SEVERITIES,
      default: 'error' as AuditSeverity,
      helpValue: AUDIT_SEVERITIES.join('|'),
      env: variableOf('fail-on'),
      summary: 'the least finding that is a no',
    })(),
    ...patientRegistryFlags,
  };

  protected override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(TufVerify);
    const location = parseTrustLocation(args.source);
    const root = await readRoot(flags.root);
    const access = createStoreAccess(await this.storeOptions(flags));
    try {
      const contents = flags.targets;
      const audit = await auditTrust(access, { location, root, now: new Date(), contents });
      return { failOn: flags['fail-on'], ...audit };
    } finally {
      await access.close();
    }
  }

  protected override problems({ place, failOn, findings }: Result): readonly TouchmarkError[] {
    const rank = (severity: AuditSeverity) => AUDIT_SEVERITIES.indexOf(severity);
    const bad = findings.filter(({ severity }) => rank(severity) <= rank(failOn));
    const broken = bad.filter(({ severity }) => severity === 'error');
    const unwise = bad.filter(({ severity }) => severity !== 'error');
    const problem = (code: 'tuf-broken' | 'tuf-unwise', found: readonly AuditFinding[], message: string) =>
      found.length === 0
        ? []
        : [
            new TouchmarkError(code, `${place} ${message} (${countOf(found.length, 'finding')})`, {
              details: { place, found: [...new Set(found.map(finding => finding.code))] },
              hint: 'each finding on standard output says what to do about it',
            }),
          ];
    return [
      ...problem('tuf-broken', broken, 'is a repository that clients refuse, whole or in part'),
      ...problem('tuf-unwise', unwise, `has findings at or above ${failOn}`),
    ];
  }

  protected override text(result: Result, style: Styler): string {
    return renderLines(presentAudit(result), style, printable);
  }
}
