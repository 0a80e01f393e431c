import { basename } from 'node:path';
import { fail } from '../../../src/base/errors.js';
import { LIMITS } from '../../../src/base/limits.js';
import { readSmallFile } from '../../../src/cli/files.js';
import { registryFlags } from '../../../src/cli/flags/registry.js';
import { dirFlag, parseCustom } from '../../../src/cli/flags/tuf-repository.js';
import { Args, Flags, type FlagsOf } from '../../../src/cli/oclif.js';
import { type EditResult, TufEditCommand } from '../../../src/cli/tuf-command.js';
import { addTargets, type TargetEntry } from '../../../src/tuf/repository/index.js';

const group = { helpGroup: 'TUF' };
const image = { helpGroup: 'IMAGES' };

export default class TufTargetAdd extends TufEditCommand {
  static override summary = 'List files in a role, in place of what is listed under their paths';
  static override description =
    'A file is listed under its own name, under --path, or below it with several files: a --path that ends in a slash. What ' +
    'is listed is published with the role’s next version, once its holders have signed it. --release records what a tag of an ' +
    'image means, --mark what a team stands for, and with --withdrawn no more.';
  static override schema = 'tuf-edit';
  static override exitCodes = [10, 11, 17, 18, 20, 21, 23, 24] as const;
  static override examples = [
    { description: 'A policy', command: 'touchmark tuf target add policy.yaml --path policy/shop.yaml' },
    { description: 'A release', command: 'touchmark tuf target add --release registry.example/app:1.4' },
    {
      description: 'The marks of a team',
      command: 'touchmark tuf target add --mark registry.example/app:1.4 --team app',
    },
    {
      description: 'By a team, with what else readers should know',
      command:
        'touchmark tuf target add claim.json --role team-base --path custody/base/1/claim.json --custom \'{"status":"active"}\' --dir trust',
    },
  ];
  static override args = {
    file: Args.string({ description: 'file to list; several may be given' }),
  };
  static override strict = false;
  static override flags = {
    ...dirFlag,
    role: Flags.string({
      ...group,
      helpValue: 'ROLE',
      summary: 'the role that lists it; default targets, release for --release, team-TEAM for --mark',
    }),
    path: Flags.string({
      ...group,
      helpValue: 'PATH',
      summary: 'target path; ending in a slash, what the names of the files are put behind',
    }),
    custom: Flags.string({ ...group, helpValue: 'JSON', summary: 'an object that is signed with it' }),
    release: Flags.string({
      ...image,
      helpValue: 'IMAGE',
      summary: 'record what a tag means: registry/repo:tag, or with the digest behind it',
    }),
    channel: Flags.string({
      ...image,
      helpValue: 'NAME',
      summary: 'with --release: record the image as the newest of this channel instead',
    }),
    mark: Flags.string({
      ...image,
      helpValue: 'IMAGE',
      summary: 'list the marks that a team has signed for this image',
    }),
    team: Flags.string({ ...image, helpValue: 'TEAM', summary: 'with --mark: the team' }),
    withdrawn: Flags.string({
      ...image,
      helpValue: 'REASON',
      summary: 'with --mark: the team takes them back',
    }),
    ...registryFlags,
  };

  protected override async execute(): Promise<EditResult> {
    const { argv, flags } = await this.parse(TufTargetAdd);
    const { path = '' } = flags;
    if (flags.release !== undefined || flags.mark !== undefined) return this.#listImage(argv, flags);
    if (flags.channel !== undefined || flags.team !== undefined || flags.withdrawn !== undefined)
      fail('usage-argument', '--channel goes with --release; --team and --withdrawn go with --mark');
    if (argv.length === 0)
      fail('usage-argument', 'nothing is given to list: a FILE, --release IMAGE, or --mark IMAGE');
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
    return this.edit(flags.dir, repository => addTargets(repository, flags.role ?? 'targets', entries));
  }

  async #listImage(files: readonly unknown[], flags: FlagsOf<typeof TufTargetAdd>): Promise<EditResult> {
    if (files.length > 0 || flags.path !== undefined || flags.custom !== undefined)
      fail(
        'usage-argument',
        'what is said of an image has its own path and content: no FILE, --path or --custom',
      );
    const { readImageTargets } = await import('../../../src/cli/image-targets.js');
    const options = await this.storeOptions(flags);
    return this.edit(flags.dir, async repository => {
      const targets = await readImageTargets(repository, flags, options);
      return targets ? addTargets(repository, targets.role, targets.entries) : [];
    });
  }
}
