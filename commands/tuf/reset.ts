import { fail } from '../../src/base/errors.js';
import { yesFlag } from '../../src/cli/flags/output.js';
import { dirFlag } from '../../src/cli/flags/tuf-repository.js';
import { Args } from '../../src/cli/oclif.js';
import { printable } from '../../src/cli/text.js';
import { TufCommand } from '../../src/cli/tuf-command.js';
import { countOf } from '../../src/report/custody-words.js';
import { discardStaged } from '../../src/tuf/repository/index.js';

interface Result {
  readonly dir: string;
  readonly dropped: readonly string[];
}

export default class TufReset extends TufCommand<Result> {
  static override summary = 'Drop what is staged, with its signatures';
  static override description =
    'Of one role, or of all. What is published stays. Nothing can be dropped before the first publication: there would be no ' +
    'repository.';
  static override schema = 'tuf-reset';
  static override exitCodes = [17, 20, 23, 24] as const;
  static override examples = [
    { description: 'One role', command: 'touchmark tuf reset team-base' },
    { description: 'Everything, in a script', command: 'touchmark tuf reset --yes --dir trust' },
  ];
  static override args = { role: Args.string({ description: 'only this role' }) };
  static override flags = { ...dirFlag, ...yesFlag };

  protected override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(TufReset);
    const repository = await this.openFolder(flags.dir);
    const staged = await repository.stagedRoles();
    const roles = args.role === undefined ? staged : staged.filter(role => role === args.role);
    if (roles.length === 0)
      fail('usage-argument', `nothing is staged${args.role === undefined ? '' : ` for ${args.role}`}`, {
        hint: 'touchmark tuf status says how the repository stands',
      });
    await this.confirm(
      `Drop what is staged of ${countOf(roles.length, 'role')}, with the signatures: ${roles.slice(0, 10).join(', ')}?`,
      flags,
    );
    return { dir: flags.dir, dropped: await discardStaged(repository, args.role) };
  }

  protected override text({ dropped }: Result): string {
    return `dropped what was staged of ${dropped.slice(0, 20).map(printable).join(', ')}${dropped.length > 20 ? ` and ${dropped.length - 20} more` : ''}`;
  }
}
