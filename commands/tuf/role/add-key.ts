import { fail } from '../../../src/base/errors.js';
import { dirFlag, loadLabelledKeys } from '../../../src/cli/flags/tuf-repository.js';
import { Args } from '../../../src/cli/oclif.js';
import { type EditResult, TufEditCommand } from '../../../src/cli/tuf-command.js';
import { addRoleKey } from '../../../src/tuf/repository/index.js';

export default class TufRoleAddKey extends TufEditCommand {
  static override summary = 'Let another key sign for a role';
  static override description =
    'Stages the role that says so: root for root, targets, snapshot and timestamp, the delegating role for others. A change ' +
    'of the root keys is signed by the keys of both roots, the published and the new one.';
  static override schema = 'tuf-edit';
  static override exitCodes = [17, 20, 22, 23, 24] as const;
  static override examples = [
    { description: 'A third holder of the root', command: 'touchmark tuf role add-key root eve.pub' },
    {
      description: 'Under another name than its file’s',
      command: 'touchmark tuf role add-key team-base bea=keys/7.pub --dir trust',
    },
  ];
  static override args = {
    role: Args.string({
      required: true,
      description: 'root, targets, snapshot, timestamp, or a delegated role',
    }),
    key: Args.string({ required: true, description: '[NAME=]REF of the public key' }),
  };
  static override flags = { ...dirFlag };

  protected override async execute(): Promise<EditResult> {
    const { args, flags } = await this.parse(TufRoleAddKey);
    const [key] = await loadLabelledKeys([args.key]);
    if (key === undefined) return fail('internal', 'no key was loaded');
    return this.edit(flags.dir, repository => addRoleKey(repository, args.role, key));
  }
}
