import { dirFlag } from '../../../src/cli/flags/tuf-repository.js';
import { Args } from '../../../src/cli/oclif.js';
import { type EditResult, TufEditCommand } from '../../../src/cli/tuf-command.js';
import { renewRole } from '../../../src/tuf/repository/index.js';

export default class TufRoleRenew extends TufEditCommand {
  static override summary = 'Stage a new version of a role that says the same: before it expires';
  static override description =
    'Its holders sign it like any other change. Snapshot and timestamp are not renewed by people: tuf refresh does that.';
  static override schema = 'tuf-edit';
  static override exitCodes = [17, 20, 23, 24] as const;
  static override examples = [
    { description: 'The yearly root', command: 'touchmark tuf role renew root' },
    { description: 'Of a team', command: 'touchmark tuf role renew team-base --dir trust' },
  ];
  static override args = {
    role: Args.string({ required: true, description: 'root, targets, or a delegated role' }),
  };
  static override flags = { ...dirFlag };

  protected override async execute(): Promise<EditResult> {
    const { args, flags } = await this.parse(TufRoleRenew);
    return this.edit(flags.dir, repository => renewRole(repository, args.role));
  }
}
