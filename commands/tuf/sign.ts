import { fail } from '../../src/base/errors.js';
import { dryRunFlag, yesFlag } from '../../src/cli/flags/output.js';
import { signingFlags } from '../../src/cli/flags/signing.js';
import { dirFlag, stagedRolesFlag } from '../../src/cli/flags/tuf-repository.js';
import { printable, type Styler } from '../../src/cli/text.js';
import { TufCommand } from '../../src/cli/tuf-command.js';
import {
  type ChangesFacts,
  type SignedFacts,
  toChangesFacts,
  toSignedFacts,
} from '../../src/cli/tuf-facts.js';
import { countOf } from '../../src/report/custody-words.js';
import { line, renderLines } from '../../src/report/lines.js';
import { dirOption, presentChanges, presentSigned } from '../../src/report/tuf-text.js';
import { readChanges } from '../../src/tuf/ceremony/exchange.js';
import { signStaged, stagedPayload } from '../../src/tuf/repository/index.js';

interface Result {
  readonly dir: string;
  readonly dryRun: boolean;
  readonly changes: readonly ChangesFacts[];
  /** Empty with --dry-run. */
  readonly signed: readonly SignedFacts[];
}

export default class TufSign extends TufCommand<Result> {
  static override summary = 'Sign what is staged, after it was shown in words';
  static override description =
    'Every role that is staged is shown as it differs from what is published, and asked about, before a password is. Each ' +
    'role is signed by those of the keys that are asked for it; each signature is verified before it is written. A ' +
    'signature that is there already is made again, to no harm.';
  static override schema = 'tuf-sign';
  static override exitCodes = [12, 17, 20, 22, 23, 24] as const;
  static override examples = [
    { description: 'With a key of a root holder', command: 'touchmark tuf sign --key ada.key' },
    {
      description: 'One role, in a pipeline',
      command: 'touchmark tuf sign --role team-base --key bea.key --yes --dir trust',
    },
  ];
  static override flags = {
    ...dirFlag,
    ...stagedRolesFlag,
    ...signingFlags,
    ...dryRunFlag,
    ...yesFlag,
  };

  protected override async execute(): Promise<Result> {
    const { flags } = await this.parse(TufSign);
    const { dir } = flags;
    const dryRun = flags['dry-run'];
    const repository = await this.openFolder(dir);
    const roles = flags.role ?? (await repository.stagedRoles());
    if (roles.length === 0)
      fail('usage-argument', 'nothing is staged that could be signed', {
        hint: `touchmark tuf status${dirOption(dir)} says how the repository stands`,
      });
    const changes: ChangesFacts[] = [];
    // What is signed is what was shown, though somebody may edit it while it is read.
    const shown = new Map<string, Uint8Array>();
    for (const role of roles) {
      shown.set(role, await stagedPayload(repository, role));
      changes.push(toChangesFacts(await readChanges(repository, role)));
    }
    if (dryRun) return { dir, dryRun, changes, signed: [] };
    const words = renderLines(changes.flatMap(presentChanges), this.settings.stderr, printable);
    for (const text of words.split('\n')) this.note(text);
    await this.confirm(`Sign ${countOf(roles.length, 'role')}: ${roles.slice(0, 10).join(', ')}?`, flags);
    const signers = await this.metadataSigners(flags);
    const signed = await signStaged(repository, { roles, signers, shown });
    return { dir, dryRun, changes, signed: signed.map(toSignedFacts) };
  }

  protected override text({ dir, dryRun, changes, signed }: Result, style: Styler): string {
    const lines = dryRun
      ? [...changes.flatMap(presentChanges), line('nothing was signed')]
      : presentSigned(signed, dirOption(dir));
    return renderLines(lines, style, printable);
  }
}
