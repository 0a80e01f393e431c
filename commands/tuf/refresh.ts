import { fail } from '../../src/base/errors.js';
import { formatTime } from '../../src/base/time.js';
import { patientRegistryFlags } from '../../src/cli/flags/registry.js';
import { type SigningFlagValues, signingFlags } from '../../src/cli/flags/signing.js';
import { dirFlag, parseSpan } from '../../src/cli/flags/tuf-repository.js';
import { Flags } from '../../src/cli/oclif.js';
import { printable, type Styler } from '../../src/cli/text.js';
import { dueSnapshot } from '../../src/cli/tuf-attention.js';
import { TufCommand } from '../../src/cli/tuf-command.js';
import { destinationArg, presentPublication, publishTo } from '../../src/cli/tuf-destination.js';
import { renderLines } from '../../src/report/lines.js';
import type { Publication } from '../../src/trust/publish.js';
import { refreshOnline } from '../../src/tuf/repository/index.js';

interface Result {
  readonly dir: string;
  readonly refreshed: boolean;
  readonly timestamp: number;
  readonly snapshot: number | null;
  readonly expires: string;
  readonly destination: Publication | null;
}

export default class TufRefresh extends TufCommand<Result> {
  static override summary = 'Sign the timestamp anew, and the snapshot when it is due: what a cron job runs';
  static override description =
    'Readers refuse a repository whose timestamp has expired: that is how they notice that somebody keeps the news from ' +
    'them. Nothing that is staged goes out. With --within nothing is done, and no key is opened, while the timestamp holds ' +
    'longer than that.';
  static override schema = 'tuf-refresh';
  static override exitCodes = [12, 17, 20, 21, 22, 23, 24] as const;
  static override examples = [
    { description: 'Every night', command: 'touchmark tuf refresh --key online.key' },
    {
      description: 'Every night, in a registry, from a checkout',
      command: 'touchmark tuf refresh --dir trust --key env://ONLINE_KEY oci://registry.example/trust',
    },
    {
      description: 'Every hour, when less than half a day is left',
      command: 'touchmark tuf refresh --dir trust --within 12h --key env://ONLINE_KEY --quiet',
    },
  ];
  static override args = destinationArg;
  static override flags = {
    ...dirFlag,
    within: Flags.string({
      helpGroup: 'TUF',
      helpValue: 'TIME',
      summary: 'only when the timestamp expires within this time, such as 12h or 2d',
    }),
    ...signingFlags,
    ...patientRegistryFlags,
  };

  protected override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(TufRefresh);
    const { destination } = args;
    if (destination === undefined) return { ...(await this.#refresh(flags)), destination: null };
    const place = { folder: flags.dir, destination };
    const { result, publication } = await publishTo(
      place,
      await this.storeOptions(flags),
      this.progress(),
      () => this.#refresh(flags),
    );
    return { ...result, destination: publication };
  }

  async #refresh(
    flags: SigningFlagValues & {
      readonly dir: string;
      readonly key: readonly string[];
      readonly within?: string | undefined;
    },
  ): Promise<Omit<Result, 'destination'>> {
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

  protected override text(result: Result, style: Styler): string {
    const { destination } = result;
    const done = this.#say(result, style);
    return destination === null
      ? done
      : `${done}\n${renderLines([presentPublication(destination)], style, printable)}`;
  }

  #say({ refreshed, timestamp, snapshot, expires }: Result, style: Styler): string {
    if (!refreshed) return `nothing is due: timestamp version ${timestamp} holds until ${expires}`;
    const other = snapshot === null ? '' : `, snapshot version ${snapshot}`;
    return `${style('green', 'refreshed')}  timestamp version ${timestamp}, which holds until ${expires}${other}`;
  }
}
