import { TouchmarkError, toTouchmarkError, withDetails } from '../../src/base/errors.js';
import { TouchmarkCommand } from '../../src/cli/base-command.js';
import { type ErrorDocument, toErrorDocument } from '../../src/cli/document.js';
import { variableOf } from '../../src/cli/environment.js';
import { Args, Flags } from '../../src/cli/oclif.js';
import {
  type FindingFacts,
  formatFinding,
  formatPolicyFacts,
  type PolicyFacts,
  toFindingFacts,
  toPolicyFacts,
} from '../../src/cli/policy-findings.js';
import { printable, type Styler } from '../../src/cli/text.js';
import { LINT_SEVERITIES, type LintSeverity, lintPolicy, loadPolicy } from '../../src/policy/index.js';

interface CheckedFile {
  readonly file: string;
  readonly ok: boolean;
  readonly policy: PolicyFacts | null;
  readonly findings: readonly FindingFacts[];
  readonly error: ErrorDocument | null;
}

interface Result {
  readonly failOn: LintSeverity;
  readonly files: readonly CheckedFile[];
}

export default class PolicyCheck extends TouchmarkCommand<Result> {
  static override summary = 'Check a policy file: is it sound, and is it wise';
  static override description =
    'A file that is not sound (a misspelt key, a threshold nobody can meet, a key that cannot be loaded) is exit 2 or 22. ' +
    'In a sound one is looked for what cannot work (error), what protects less than it seems to (warning) and what is worth ' +
    'knowing (note); at or above --fail-on this is exit 19.';
  static override schema = 'policy-check';
  static override exitCodes = [19, 20, 22] as const;
  static override examples = [
    { description: 'Before it is committed', command: 'touchmark policy check policy.yaml' },
    {
      description: 'In a pipeline that takes no warnings',
      command: 'touchmark policy check --fail-on warning -o json policy.yaml other.json',
    },
  ];
  static override strict = false;
  static override args = {
    file: Args.string({ required: true, description: 'policies in YAML, or JSON when so named' }),
  };
  static override flags = {
    'fail-on': Flags.option({
      options: LINT_SEVERITIES,
      default: 'error' as LintSeverity,
      helpValue: LINT_SEVERITIES.join('|'),
      env: variableOf('fail-on'),
      summary: 'the least finding that is a no',
    })(),
  };

  readonly #problems: TouchmarkError[] = [];

  protected override async execute(): Promise<Result> {
    const { argv, flags } = await this.parse(PolicyCheck);
    const failOn = flags['fail-on'];
    const now = new Date();
    const files: CheckedFile[] = [];
    for (const file of argv) files.push(await this.#checkOne(file, failOn, now));
    return { failOn, files };
  }

  async #checkOne(file: string, failOn: LintSeverity, now: Date): Promise<CheckedFile> {
    try {
      const loaded = await loadPolicy(file);
      const findings = lintPolicy(loaded, now).map(toFindingFacts);
      const bad = findings.filter(({ severity }) => reaches(severity, failOn));
      if (bad.length > 0) this.#problems.push(unwise(file, bad, failOn));
      return { file, ok: bad.length === 0, policy: toPolicyFacts(loaded), findings, error: null };
    } catch (cause) {
      const error = withDetails(toTouchmarkError(cause), { policy: file });
      this.#problems.push(error);
      return { file, ok: false, policy: null, findings: [], error: toErrorDocument(error) };
    }
  }

  protected override problems(): readonly TouchmarkError[] {
    return this.#problems;
  }

  protected override text({ files }: Result, style: Styler): string {
    return files
      .flatMap(({ file, ok, policy, findings }) => [
        // Why a file is not sound stands on standard error.
        ...(policy === null
          ? []
          : [
              `${printable(file)}: ${ok ? style('green', 'ok') : style('red', 'not ok')}: ${formatPolicyFacts(policy)}`,
            ]),
        ...findings.map(finding => formatFinding(file, finding, style)),
      ])
      .join('\n');
  }
}

/** Whether a finding is at least as grave as the least that is a no. */
function reaches(severity: LintSeverity, failOn: LintSeverity): boolean {
  return LINT_SEVERITIES.indexOf(severity) <= LINT_SEVERITIES.indexOf(failOn);
}

function unwise(file: string, bad: readonly FindingFacts[], failOn: LintSeverity): TouchmarkError {
  const count = `${bad.length} ${bad.length === 1 ? 'finding' : 'findings'}`;
  return new TouchmarkError('policy-unwise', `the policy has ${count} at or above ${failOn}`, {
    details: { policy: file, found: [...new Set(bad.map(({ code }) => code))] },
    hint: 'each finding on standard output says what to do about it',
  });
}
