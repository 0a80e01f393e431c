import { yesFlag } from '../../../src/cli/flags/output.js';
import { dirFlag } from '../../../src/cli/flags/tuf-repository.js';
import { Args } from '../../../src/cli/oclif.js';
import { type EditResult, TufEditCommand } from '../../../src/cli/tuf-command.js';
import { revokeRole } from '../../../src/tuf/repository/index.js';

export default class TufRoleRevoke extends TufEditCommand {
  static override summary = 'Take a delegation back: what the role lists no longer counts';
  static override description =
    'Clients stop asking the role as soon as this is published. To replace a key of the role, add the new one and remove the ' +
    'old one instead: its targets then stay.';
  static override schema = 'tuf-edit';
  static override exitCodes = [17, 20, 23, 24] as const;
  static override examples = [
    { description: 'A team is dissolved', command: 'touchmark tuf role revoke team-base' },
    { description: 'In a script', command: 'touchmark tuf role revoke team-base --yes --dir trust' },
  ];
  static override args = { role: Args.string({ required: true, description: 'the delegated role' }) };
  static override flags = { ...dirFlag, ...yesFlag };

  protected override async execute(): Promise<EditResult> {
    const { args, flags } = await this.parse(TufRoleRevoke);
    const { role } = args;
    return this.edit(flags.dir, async repository => {
      const listed = (await repository.next(role))?.targets.size ?? 0;
      await this.confirm(
        `Revoke ${role}? Its ${listed} targets no longer count once this is published.`,
        flags,
      );
      return revokeRole(repository, role);
    });
  }
}
