import { fail } from '../../../src/base/errors.js';
import { yesFlag } from '../../../src/cli/flags/output.js';
import { dirFlag } from '../../../src/cli/flags/tuf-repository.js';
import { Args } from '../../../src/cli/oclif.js';
import { type EditResult, TufEditCommand } from '../../../src/cli/tuf-command.js';
import { quorumOfRole } from '../../../src/cli/tuf-roles.js';
import { countOf } from '../../../src/report/custody-words.js';
import { setThreshold } from '../../../src/tuf/repository/index.js';

export default class TufRoleThreshold extends TufEditCommand {
  static override summary = 'Change how many keys of a role must sign';
  static override description =
    'Lowering is asked about first: whoever holds so few keys then speaks for the role alone. A higher threshold of root or ' +
    'targets needs that many signatures on the new version already.';
  static override schema = 'tuf-edit';
  static override exitCodes = [17, 20, 23, 24] as const;
  static override examples = [
    { description: 'Two must sign for the team', command: 'touchmark tuf role threshold team-base 2' },
    { description: 'In a script, lower', command: 'touchmark tuf role threshold root 2 --yes --dir trust' },
  ];
  static override args = {
    role: Args.string({
      required: true,
      description: 'root, targets, snapshot, timestamp, or a delegated role',
    }),
    number: Args.string({ required: true, description: 'keys that must sign' }),
  };
  static override flags = { ...dirFlag, ...yesFlag };

  protected override async execute(): Promise<EditResult> {
    const { args, flags } = await this.parse(TufRoleThreshold);
    const { role } = args;
    if (!/^[1-9][0-9]{0,3}$/.test(args.number))
      fail('usage-argument', `a threshold is a whole number from 1, not ${JSON.stringify(args.number)}`, {
        hint: `touchmark tuf role threshold ${role} 2`,
      });
    const threshold = Number(args.number);
    return this.edit(flags.dir, async repository => {
      const { threshold: before, keys } = await quorumOfRole(repository, role);
      if (threshold < before)
        await this.confirm(
          `Lower the threshold of ${role} from ${before} to ${threshold} of ${countOf(keys.length, 'key')}?`,
          flags,
        );
      return setThreshold(repository, role, threshold);
    });
  }
}
