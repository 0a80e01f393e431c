import { fail } from '../../src/base/errors.js';
import { formatTime } from '../../src/base/time.js';
import { signingFlags } from '../../src/cli/flags/signing.js';
import { dirFlag, parseSpan } from '../../src/cli/flags/tuf-repository.js';
import { Flags } from '../../src/cli/oclif.js';
import type { Styler } from '../../src/cli/text.js';
import { dueSnapshot } from '../../src/cli/tuf-attention.js';
import { TufCommand } from '../../src/cli/tuf-command.js';
import { refreshOnline } from '../../src/tuf/repository/index.js';

interface Result {
  readonly dir: string;
  readonly refreshed: boolean;
  readonly timestamp: number;
  readonly snapshot: number | null;
  readonly expires: string;
}

export default class TufRefresh extends TufCommand<Result> {
  static override summary = 'Sign the timestamp anew, and the snapshot when it is due: what a cron job runs';
  static override description =
    'Readers refuse a repository whose timestamp has expired: that is how they notice that somebody keeps the news from ' +
    'them. Nothing that is staged goes out. With --within nothing is done, and no key is opened, while the timestamp holds ' +
    'longer than that.';
  static override schema = 'tuf-refresh';
  static override exitCodes = [12, 17, 20, 22, 23, 24] as const;
  static override examples = [
    { description: 'Every night', command: 'touchmark tuf refresh --key online.key' },
    {
      description: 'Every hour, when less than half a day is left',
      command: 'touchmark tuf refresh --dir trust --within 12h --key env://ONLINE_KEY --quiet',
    },
  ];
  static override flags = {
    ...dirFlag,
    within: Flags.string({
      helpGroup: 'TUF',
      helpValue: 'TIME',
      summary: 'only when the timestamp expires within this time, such as 12h or 2d',
    }),
    ...signingFlags,
  };

  protected override async execute(): Promise<Result> {
    const { flags } = await this.parse(TufRefresh);
    const { dir } = flags;
    const within = flags.within === undefined ? undefined : parseSpan(flags.within, 'within');
    const repository = await this.openFolder(dir);
    const before = repository.timestamp;
    if (!before)
      fail('usage-argument', 'nothing is published yet that could be refreshed', {
        hint: 'have what is staged signed, then: touchmark tuf publish',
      });
    const left = before.expires.getTime() - repository.now.getTime();
    if (within !== undefined && left > within && !dueSnapshot(repository))
      return {
        dir,
        refreshed: false,
        timestamp: before.version,
        snapshot: null,
        expires: formatTime(before.expires),
      };
    const signers = await this.metadataSigners(flags);
    const { timestamp, snapshot } = await refreshOnline(repository, { signers });
    const expires = formatTime((repository.timestamp ?? before).expires);
    return { dir, refreshed: true, timestamp, snapshot, expires };
  }

  protected override text({ refreshed, timestamp, snapshot, expires }: Result, style: Styler): string {
    if (!refreshed) return `nothing is due: timestamp version ${timestamp} holds until ${expires}`;
    const other = snapshot === null ? '' : `, snapshot version ${snapshot}`;
    return `${style('green', 'refreshed')}  timestamp version ${timestamp}, which holds until ${expires}${other}`;
  }
}
