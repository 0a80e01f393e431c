import { dirFlag } from '../../../src/cli/flags/tuf-repository.js';
import { Args, Flags } from '../../../src/cli/oclif.js';
import { type EditResult, TufEditCommand } from '../../../src/cli/tuf-command.js';
import { removeTargets } from '../../../src/tuf/repository/index.js';

export default class TufTargetRemove extends TufEditCommand {
  static override summary = 'Take targets out of what a role lists';
  static override description =
    'Readers no longer find them once this is published. Their files stay in the folder: somebody may read an older version.';
  static override schema = 'tuf-edit';
  static override exitCodes = [17, 20, 23, 24] as const;
  static override examples = [
    { description: 'One path', command: 'touchmark tuf target remove policy/shop.yaml' },
    {
      description: 'Of a team',
      command: 'touchmark tuf target remove custody/base/1/claim.json --role team-base --dir trust',
    },
  ];
  static override args = {
    path: Args.string({ required: true, description: 'target path; several may be given' }),
  };
  static override strict = false;
  static override flags = {
    ...dirFlag,
    role: Flags.string({
      helpGroup: 'TUF',
      default: 'targets',
      helpValue: 'ROLE',
      summary: 'the role that lists it',
    }),
  };

  protected override async execute(): Promise<EditResult> {
    const { argv, flags } = await this.parse(TufTargetRemove);
    return this.edit(flags.dir, repository => removeTargets(repository, flags.role, argv));
  }
}
