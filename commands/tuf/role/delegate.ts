import { fail } from '../../../src/base/errors.js';
import { dirFlag, keysOptions, loadLabelledKeys, parseDays } from '../../../src/cli/flags/tuf-repository.js';
import { Args, Flags } from '../../../src/cli/oclif.js';
import { type EditResult, TufEditCommand } from '../../../src/cli/tuf-command.js';
import { delegateBins, delegateRole } from '../../../src/tuf/repository/index.js';

const group = { helpGroup: 'TUF' };

export default class TufRoleDelegate extends TufEditCommand {
  static override summary = 'Give target paths to a role of its own: a team and its keys';
  static override description =
    'Clients believe the role about these paths and no others. A * stands for one part of a path and does not cross a slash. ' +
    'With --bins the targets of the delegating role are spread over that many roles that share keys, for sets that would ' +
    'be too large for one file.';
  static override schema = 'tuf-edit';
  static override exitCodes = [17, 20, 22, 23, 24] as const;
  static override examples = [
    {
      description: 'A team of two, both of whom must sign',
      command:
        "touchmark tuf role delegate team-base --paths 'custody/base/*/*' --key bea.pub --key ben.pub --threshold 2",
    },
    {
      description: 'A million files in 1024 bins that a machine signs',
      command: 'touchmark tuf role delegate files --bins 1024 --succinct --key online.pub --dir trust',
    },
  ];
  static override args = {
    name: Args.string({
      required: true,
      description: 'name of the new role; of bins, what their names begin with',
    }),
  };
  static override flags = {
    ...dirFlag,
    key: Flags.string({ ...keysOptions, required: true, summary: 'public key of the role (repeatable)' }),
    threshold: Flags.integer({
      ...group,
      min: 1,
      default: 1,
      helpValue: 'N',
      summary: 'keys that must sign',
    }),
    paths: Flags.string({
      ...group,
      multiple: true,
      helpValue: 'PATTERN',
      summary: 'paths that it may list (repeatable)',
    }),
    by: Flags.string({ ...group, default: 'targets', helpValue: 'ROLE', summary: 'the role that delegates' }),
    terminating: Flags.boolean({
      ...group,
      summary: 'nobody behind it is asked about these paths',
      exclusive: ['bins'],
    }),
    first: Flags.boolean({
      ...group,
      summary: 'ask it before the other roles, not behind them',
      exclusive: ['bins'],
    }),
    expires: Flags.string({
      ...group,
      default: '90d',
      helpValue: 'DAYS',
      summary: 'how long its versions hold',
    }),
    bins: Flags.integer({
      ...group,
      min: 2,
      helpValue: 'N',
      summary: 'spread over so many bins: a power of two',
      exclusive: ['paths'],
    }),
    succinct: Flags.boolean({
      ...group,
      summary: 'bins in one line (TAP 15): smaller, but tough and rust-tuf cannot read it',
      dependsOn: ['bins'],
    }),
  };

  protected override async execute(): Promise<EditResult> {
    const { args, flags } = await this.parse(TufRoleDelegate);
    const { threshold, by: delegator, bins, paths } = flags;
    const expiryDays = parseDays(flags.expires, 'expires');
    const keys = await loadLabelledKeys(flags.key);
    const shared = { delegator, keys, threshold, expiryDays };
    if (bins !== undefined) {
      const bitLength = Math.log2(bins);
      if (!Number.isInteger(bitLength))
        fail('usage-argument', `--bins takes a power of two, not ${bins}`, {
          hint: `--bins ${2 ** Math.ceil(bitLength)}`,
        });
      const kind = flags.succinct ? 'succinct' : 'prefixes';
      return this.edit(flags.dir, repository =>
        delegateBins(repository, { ...shared, kind, bitLength, namePrefix: args.name }),
      );
    }
    if (paths === undefined)
      fail('usage-argument', `nothing is given to ${args.name}`, {
        hint: "add --paths PATTERN: --paths 'custody/base/*/*'; or --bins N",
      });
    return this.edit(flags.dir, repository =>
      delegateRole(repository, {
        ...shared,
        name: args.name,
        paths,
        terminating: flags.terminating,
        ...(flags.first && { at: 0 }),
      }),
    );
  }
}
