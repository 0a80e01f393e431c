import type { TouchmarkError } from '../../src/base/errors.js';
import { TouchmarkCommand } from '../../src/cli/base-command.js';
import { variableOf } from '../../src/cli/environment.js';
import { writeOutputFile } from '../../src/cli/files.js';
import { policyFlag } from '../../src/cli/flags/custody.js';
import { platformFlag, repositoryFlag } from '../../src/cli/flags/image.js';
import { yesFlag } from '../../src/cli/flags/output.js';
import { registryFlags } from '../../src/cli/flags/registry.js';
import { Args, Flags } from '../../src/cli/oclif.js';
import { printable } from '../../src/cli/text.js';
import { type ExportedStatement, serializeStatements } from '../../src/custody/index.js';
import { createStoreAccess, withImage } from '../../src/oci/open.js';
import { parseReference } from '../../src/oci/reference.js';
import { loadPolicy } from '../../src/policy/load.js';
import { explainOutcome } from '../../src/report/index.js';
import { exportClaims } from '../../src/verify/export-claims.js';
import { type OutcomeReport, reportOutcome } from '../../src/verify/outcome-report.js';
import { judgeResolved } from '../../src/verify/verify-custody.js';

interface Result {
  /** The verdict that the claims stand behind. */
  readonly image: OutcomeReport;
  /** In-toto statements, base first; empty when the verdict is no yes. */
  readonly statements: readonly unknown[];
  readonly file: string | null;
}

export default class CustodyExport extends TouchmarkCommand<Result> {
  static override summary = 'Write the claims of an image as in-toto statements';
  static override description =
    'The chain is verified first, and only the claims that the yes stands on are written: base first, then the approvals. One ' +
    'in-toto statement a line, each about exactly one image. The statements are not signed: the teams signed their claims, and ' +
    'those signatures stay with the image. Do not sign them on either: cosign verify takes any signed statement about an image ' +
    'for a signature of it.';
  static override schema = 'custody-export';
  static override exitCodes = [10, 11, 12, 14, 15, 16, 18, 20, 21, 22, 24] as const;
  static override examples = [
    {
      description: 'For a tool that reads in-toto',
      command:
        'touchmark custody export --policy policy.yaml registry.example/app:1.4 --output-file claims.jsonl',
    },
  ];
  static override args = {
    image: Args.string({
      required: true,
      description: 'registry reference, oci:DIR[:TAG], oci-archive:FILE',
    }),
  };
  static override flags = {
    'in-toto': Flags.boolean({
      summary: 'as in-toto statements, version 1: the default, and the one form there is',
    }),
    ...policyFlag,
    ...repositoryFlag,
    ...platformFlag,
    'output-file': Flags.string({
      helpValue: 'FILE',
      env: variableOf('output-file'),
      summary: 'write the statements there; - is standard output',
    }),
    ...yesFlag,
    ...registryFlags,
  };

  #problem: TouchmarkError | undefined;
  #statements: readonly ExportedStatement[] = [];

  protected override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(CustodyExport);
    const { policy } = await loadPolicy(flags.policy);
    const reference = parseReference(args.image);
    const access = createStoreAccess(await this.storeOptions(flags));
    try {
      const outcome = await withImage(access, reference, async (store, root) => {
        const tagGiven = reference.digest === undefined && store.namesRepository;
        const judged = await judgeResolved(store, args.image, root, tagGiven, {
          policy,
          now: new Date(),
          signal: this.signal,
          ...(flags.as !== undefined && { repository: flags.as }),
          ...(flags.platform !== undefined && { platform: flags.platform }),
        });
        if (judged.code === null) this.#statements = await exportClaims(store, judged, policy);
        return judged;
      });
      this.#problem = explainOutcome(outcome, policy, flags.policy);
      const target = flags['output-file'];
      const file = target === undefined || target === '-' || this.#problem ? null : target;
      const bytes = serializeStatements(this.#statements);
      if (file !== null) await writeOutputFile(file, bytes, { overwrite: flags.yes });
      const statements = this.#statements.map(({ text }): unknown => JSON.parse(text));
      return { image: reportOutcome(outcome, policy), statements, file };
    } finally {
      await access.close();
    }
  }

  protected override problems(): readonly TouchmarkError[] {
    return this.#problem ? [this.#problem] : [];
  }

  protected override text({ file, statements }: Result): string {
    if (file === null) return this.#statements.map(({ text }) => text).join('\n');
    return `${statements.length} unsigned statements written to ${printable(file)}`;
  }
}
