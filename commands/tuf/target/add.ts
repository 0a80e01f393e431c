import { basename } from 'node:path';
import { fail } from '../../../src/base/errors.js';
import { LIMITS } from '../../../src/base/limits.js';
import { readSmallFile } from '../../../src/cli/files.js';
import { dirFlag, parseCustom } from '../../../src/cli/flags/tuf-repository.js';
import { Args, Flags } from '../../../src/cli/oclif.js';
import { type EditResult, TufEditCommand } from '../../../src/cli/tuf-command.js';
import { addTargets, type TargetEntry } from '../../../src/tuf/repository/index.js';

const group = { helpGroup: 'TUF' };

export default class TufTargetAdd extends TufEditCommand {
  static override summary = 'List files in a role, in place of what is listed under their paths';
  static override description =
    'A file is listed under its own name, under --path, or below it with several files: a --path that ends in a slash. What ' +
    'is listed is published with the role’s next version, once its holders have signed it.';
  static override schema = 'tuf-edit';
  static override exitCodes = [17, 20, 23, 24] as const;
  static override examples = [
    { description: 'A policy', command: 'touchmark tuf target add policy.yaml --path policy/shop.yaml' },
    {
      description: 'By a team, with what else readers should know',
      command:
        'touchmark tuf target add claim.json --role team-base --path custody/base/1/claim.json --custom \'{"status":"active"}\' --dir trust',
    },
  ];
  static override args = {
    file: Args.string({ required: true, description: 'file to list; several may be given' }),
  };
  static override strict = false;
  static override flags = {
    ...dirFlag,
    role: Flags.string({
      ...group,
      default: 'targets',
      helpValue: 'ROLE',
      summary: 'the role that lists it',
    }),
    path: Flags.string({
      ...group,
      helpValue: 'PATH',
      summary: 'target path; ending in a slash, what the names of the files are put behind',
    }),
    custom: Flags.string({ ...group, helpValue: 'JSON', summary: 'an object that is signed with it' }),
  };

  protected override async execute(): Promise<EditResult> {
    const { argv, flags } = await this.parse(TufTargetAdd);
    const { path = '' } = flags;
    const custom = flags.custom === undefined ? undefined : parseCustom(flags.custom, 'custom');
    const isPrefix = path === '' || path.endsWith('/');
    if (!isPrefix && argv.length > 1)
      fail('usage-argument', `${argv.length} files cannot all be listed as ${JSON.stringify(path)}`, {
        hint: `--path ${path}/ puts their names behind it`,
      });
    const entries: TargetEntry[] = [];
    for (const file of argv) {
      const bytes = await readSmallFile(file, LIMITS.tufTargetSize, 'FILE');
      entries.push({ path: isPrefix ? path + basename(file) : path, bytes, ...(custom && { custom }) });
    }
    return this.edit(flags.dir, repository => addTargets(repository, flags.role, entries));
  }
}
