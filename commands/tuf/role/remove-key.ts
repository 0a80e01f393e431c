import { dirFlag } from '../../../src/cli/flags/tuf-repository.js';
import { Args } from '../../../src/cli/oclif.js';
import { type EditResult, TufEditCommand } from '../../../src/cli/tuf-command.js';
import { findRoleKey } from '../../../src/cli/tuf-roles.js';
import { removeRoleKey } from '../../../src/tuf/repository/index.js';

export default class TufRoleRemoveKey extends TufEditCommand {
  static override summary = 'Take a key from a role: lost, stolen, or its holder left';
  static override description =
    'The key is named by its label, the first digits of its keyid, or its public key file. What the role has published is ' +
    'staged anew where it was signed by that key, so that the others sign it. The last keys that a threshold needs cannot ' +
    'be taken: add the new key first.';
  static override schema = 'tuf-edit';
  static override exitCodes = [17, 20, 22, 23, 24] as const;
  static override examples = [
    { description: 'By name', command: 'touchmark tuf role remove-key root ben' },
    { description: 'By keyid', command: 'touchmark tuf role remove-key timestamp 5b0e1c2d --dir trust' },
  ];
  static override args = {
    role: Args.string({
      required: true,
      description: 'root, targets, snapshot, timestamp, or a delegated role',
    }),
    key: Args.string({
      required: true,
      description: 'label, first digits of the keyid, or file of the public key',
    }),
  };
  static override flags = { ...dirFlag };

  protected override async execute(): Promise<EditResult> {
    const { args, flags } = await this.parse(TufRoleRemoveKey);
    return this.edit(flags.dir, async repository =>
      removeRoleKey(repository, args.role, await findRoleKey(repository, args.role, args.key)),
    );
  }
}
