import { keysOptions, loadLabelledKeys, parseExpiries } from '../../src/cli/flags/tuf-repository.js';
import { Args, Flags } from '../../src/cli/oclif.js';
import { printable, type Styler } from '../../src/cli/text.js';
import { TufCommand } from '../../src/cli/tuf-command.js';
import type { HolderFacts } from '../../src/cli/tuf-facts.js';
import { countOf } from '../../src/report/custody-words.js';
import { line, renderLines } from '../../src/report/lines.js';
import { dirOption, nameHolder } from '../../src/report/tuf-text.js';
import type { TopLevelRole } from '../../src/tuf/metadata.js';
import { initRepository, type LabelledKey, makeKeyEntry } from '../../src/tuf/repository/index.js';

interface Result {
  readonly dir: string;
  readonly roles: readonly {
    readonly role: TopLevelRole;
    readonly threshold: number;
    readonly expiryDays: number;
    readonly keys: readonly HolderFacts[];
  }[];
}

/** Days. Offline roles are renewed by people; online ones by a machine, whose silence should be noticed soon. */
const USUAL_DAYS = { root: 365, targets: 90, snapshot: 7, timestamp: 1 };

export default class TufInit extends TufCommand<Result> {
  static override summary = 'Begin a TUF repository: who signs root, targets, snapshot and timestamp';
  static override description =
    'Stages the first root and the first targets. Their keys stay offline with their holders, who sign next; snapshot and ' +
    'timestamp are signed by a machine whenever something is published, and regularly in between. Only public keys are ' +
    'given. Without --targets-key the root keys sign targets; without --timestamp-key one key signs both online roles.';
  static override schema = 'tuf-init';
  static override exitCodes = [20, 22, 23] as const;
  static override examples = [
    {
      description: 'Two of three people hold the root, a machine renews the timestamp',
      command:
        'touchmark tuf init trust --root-key ada.pub --root-key ben.pub --root-key eve.pub --snapshot-key online.pub',
    },
    {
      description: 'Named keys, own keys for targets, and other periods',
      command:
        'touchmark tuf init trust --root-key ada=keys/1.pub --root-key ben=keys/2.pub --targets-key carl.pub --snapshot-key online.pub --expires targets=30d,timestamp=2d',
    },
  ];
  static override args = {
    dir: Args.string({ default: '.', description: 'folder of the repository; default: this one' }),
  };
  static override flags = {
    'root-key': Flags.string({
      ...keysOptions,
      required: true,
      summary: 'public key that may change all others (repeatable)',
    }),
    'root-threshold': threshold('keys that must sign a root; default 2, or 1 of 1'),
    'targets-key': Flags.string({
      ...keysOptions,
      summary: 'public key that signs what the repository lists; default: the root keys',
    }),
    'targets-threshold': threshold('keys that must sign targets; default 2, or 1 of 1'),
    'snapshot-key': Flags.string({
      ...keysOptions,
      required: true,
      summary: 'public key of the machine that publishes',
    }),
    'timestamp-key': Flags.string({
      ...keysOptions,
      summary: 'public key of the machine that renews the timestamp; default: the snapshot keys',
    }),
    expires: Flags.string({
      helpGroup: 'TUF',
      helpValue: 'ROLE=DAYS,…',
      summary: 'how long versions hold; default root=365d,targets=90d,snapshot=7d,timestamp=1d',
    }),
  };

  protected override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(TufInit);
    const days = parseExpiries(flags.expires, USUAL_DAYS, 'expires');
    const root = await loadLabelledKeys(flags['root-key']);
    const targets = flags['targets-key'] ? await loadLabelledKeys(flags['targets-key']) : undefined;
    const snapshot = await loadLabelledKeys(flags['snapshot-key']);
    const timestamp = flags['timestamp-key'] ? await loadLabelledKeys(flags['timestamp-key']) : snapshot;
    const rootThreshold = flags['root-threshold'] ?? Math.min(2, root.length);
    const targetsThreshold =
      flags['targets-threshold'] ?? (targets ? Math.min(2, targets.length) : rootThreshold);
    this.#warnOf(root, targets ?? root, [...snapshot, ...timestamp]);
    await initRepository(args.dir, {
      root: { keys: root, threshold: rootThreshold, expiryDays: days.root },
      targets: { keys: targets ?? root, threshold: targetsThreshold, expiryDays: days.targets },
      snapshot: { keys: snapshot, threshold: 1, expiryDays: days.snapshot },
      timestamp: { keys: timestamp, threshold: 1, expiryDays: days.timestamp },
      now: new Date(),
    });
    return {
      dir: args.dir,
      roles: [
        describeRole('root', root, rootThreshold, days),
        describeRole('targets', targets ?? root, targetsThreshold, days),
        describeRole('snapshot', snapshot, 1, days),
        describeRole('timestamp', timestamp, 1, days),
      ],
    };
  }

  #warnOf(
    root: readonly LabelledKey[],
    targets: readonly LabelledKey[],
    online: readonly LabelledKey[],
  ): void {
    if (root.length === 1)
      this.warn('one key holds the root: when it is lost, nobody can change the repository any more');
    const offline = new Set([...root, ...targets].map(({ key }) => key.keyid));
    const shared = online.find(({ key }) => offline.has(key.keyid));
    if (shared)
      this.warn(
        `${shared.label ?? 'a key'} signs online, and root or targets as well: whoever takes the machine has these too`,
      );
  }

  protected override text({ dir, roles }: Result, style: Styler): string {
    const option = dirOption(dir);
    const lines = [
      line('staged the first root and targets in ', { text: dir, style: 'bold' }),
      ...roles.map(({ role, threshold: needed, expiryDays, keys }) =>
        line(
          `  ${role.padEnd(9)}  ${needed} of ${countOf(keys.length, 'key')}: ${keys.map(nameHolder).join(', ')}; each version holds ${countOf(expiryDays, 'day')}`,
        ),
      ),
      line(`next  each holder of root and targets: touchmark tuf sign${option} --key KEY`),
      line(`      or, where the keys are on other machines: touchmark tuf offline export${option}`),
      line(`      then, with the online keys: touchmark tuf publish${option} --key KEY`),
    ];
    return renderLines(lines, style, printable);
  }
}

function describeRole(
  role: TopLevelRole,
  keys: readonly LabelledKey[],
  needed: number,
  days: Readonly<Record<TopLevelRole, number>>,
): Result['roles'][number] {
  const holders = keys.map(({ key, label }) => ({ keyid: makeKeyEntry(key).keyid, label: label ?? null }));
  return { role, threshold: needed, expiryDays: days[role], keys: holders };
}

function threshold(summary: string) {
  return Flags.integer({ helpGroup: 'TUF', min: 1, helpValue: 'N', summary });
}
