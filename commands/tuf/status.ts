import { TouchmarkError } from '../../src/base/errors.js';
import { formatTime } from '../../src/base/time.js';
import { dirFlag, parseSpan } from '../../src/cli/flags/tuf-repository.js';
import { Flags } from '../../src/cli/oclif.js';
import { printable, type Styler } from '../../src/cli/text.js';
import { type Attention, findAttention } from '../../src/cli/tuf-attention.js';
import { TufCommand } from '../../src/cli/tuf-command.js';
import { toStandingFacts } from '../../src/cli/tuf-facts.js';
import { renderLines } from '../../src/report/lines.js';
import { presentStatus, type StatusShape } from '../../src/report/tuf-text.js';
import { readStatus } from '../../src/tuf/repository/index.js';

interface Result extends StatusShape {
  readonly bins: readonly { readonly prefix: string; readonly count: number; readonly staged: number }[];
  readonly attention: readonly Attention[];
}

export default class TufStatus extends TufCommand<Result> {
  static override summary =
    'How a repository stands: days to each expiry, what is staged, who must still sign';
  static override description =
    'With --check the exit code is 19 when somebody has to act: a role has expired or does within the given time, or what is ' +
    'staged lacks signatures or waits to be published. Snapshot and timestamp, which a machine renews, count when less than ' +
    'a quarter of their time is left.';
  static override schema = 'tuf-status';
  static override exitCodes = [17, 19, 20, 23, 24] as const;
  static override examples = [
    { description: 'At a glance', command: 'touchmark tuf status' },
    {
      description: 'In a pipeline that warns in time',
      command: 'touchmark tuf status --dir trust --check --within 30d',
    },
  ];
  static override flags = {
    ...dirFlag,
    check: Flags.boolean({ helpGroup: 'TUF', summary: 'exit with 19 when somebody has to act' }),
    within: Flags.string({
      helpGroup: 'TUF',
      default: '7d',
      helpValue: 'TIME',
      summary: 'how early an expiry counts, such as 12h or 30d',
    }),
  };

  #check = false;

  protected override async execute(): Promise<Result> {
    const { flags } = await this.parse(TufStatus);
    const { dir } = flags;
    this.#check = flags.check;
    const within = parseSpan(flags.within, 'within');
    const repository = await this.openFolder(dir);
    const status = await readStatus(repository);
    return {
      dir,
      roles: status.roles.map(({ role, delegator, published, staged }) => ({
        role,
        delegator,
        published: published && { ...published, expires: formatTime(published.expires) },
        staged: staged && {
          version: staged.version,
          expires: formatTime(staged.expires),
          standing: staged.standing.map(toStandingFacts),
        },
      })),
      bins: status.bins,
      attention: findAttention(repository, status, { within, dir }),
    };
  }

  protected override problems({ attention }: Result): readonly TouchmarkError[] {
    if (!this.#check) return [];
    return attention.map(
      ({ role, message, hint }) => new TouchmarkError('tuf-attention', message, { hint, details: { role } }),
    );
  }

  protected override text(result: Result, style: Styler): string {
    return renderLines(presentStatus(result, result.attention), style, printable);
  }
}
