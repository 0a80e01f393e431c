import { yesFlag } from '../../src/cli/flags/output.js';
import { patientRegistryFlags } from '../../src/cli/flags/registry.js';
import { type SigningFlagValues, signingFlags } from '../../src/cli/flags/signing.js';
import { dirFlag } from '../../src/cli/flags/tuf-repository.js';
import { printable, type Styler } from '../../src/cli/text.js';
import { TufCommand } from '../../src/cli/tuf-command.js';
import { destinationArg, presentPublication, publishTo } from '../../src/cli/tuf-destination.js';
import { line, renderLines } from '../../src/report/lines.js';
import { dirOption } from '../../src/report/tuf-text.js';
import type { Publication } from '../../src/trust/publish.js';
import { publishStaged } from '../../src/tuf/repository/index.js';

interface Result {
  readonly dir: string;
  readonly versions: Readonly<Record<string, number>>;
  readonly gap: boolean;
  readonly destination: Publication | null;
}

export default class TufPublish extends TufCommand<Result> {
  static override summary = 'Publish what is staged and signed, with a new snapshot and timestamp';
  static override description =
    'Every staged role must have its signatures. --key gives the online keys, which sign snapshot and timestamp. Readers see ' +
    'the repository of before or of after, never a part; a run that is interrupted is finished or taken back by the next. ' +
    'The folders metadata/ and targets/ are what any web server can serve. To a registry only what is new is sent, and one ' +
    'tag moves last; what somebody else published there is never replaced. A new root is asked about first.';
  static override schema = 'tuf-publish';
  static override exitCodes = [12, 14, 17, 20, 21, 22, 23, 24] as const;
  static override examples = [
    { description: 'In the folder', command: 'touchmark tuf publish --key online.key' },
    {
      description: 'And in a registry',
      command: 'touchmark tuf publish --key online.key oci://registry.example/trust',
    },
    {
      description: 'A new root, in a pipeline, keys from secrets',
      command: 'touchmark tuf publish --dir trust --key env://SNAPSHOT_KEY --key env://TIMESTAMP_KEY --yes',
    },
  ];
  static override args = destinationArg;
  static override flags = { ...dirFlag, ...signingFlags, ...yesFlag, ...patientRegistryFlags };

  protected override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(TufPublish);
    const { dir } = flags;
    const { destination } = args;
    if (destination === undefined) return { ...(await this.#publish(flags)), destination: null };
    const options = await this.storeOptions(flags);
    const { result, publication } = await publishTo(
      { folder: dir, destination },
      options,
      this.progress(),
      async () => {
        // A run before may have come as far as the folder.
        const isStaged = (await (await this.openFolder(dir)).stagedRoles()).length > 0;
        return isStaged ? this.#publish(flags) : { dir, versions: {}, gap: false };
      },
    );
    return { ...result, destination: publication };
  }

  async #publish(
    flags: SigningFlagValues & {
      readonly dir: string;
      readonly key: readonly string[];
      readonly yes: boolean;
    },
  ): Promise<Omit<Result, 'destination'>> {
    const { dir } = flags;
    const repository = await this.openFolder(dir);
    const root = await repository.stagedRoot();
    if (root)
      await this.confirm(
        `Publish root version ${root.payload.version}? It stays published for good, and who trusts the repository follows it.`,
        flags,
      );
    const { versions, gap } = await publishStaged(repository, { signers: await this.metadataSigners(flags) });
    if (gap)
      this.warn(
        'keys changed that have not signed what is new: who read the repository at this moment was refused, and asks again',
      );
    return { dir, versions, gap };
  }

  protected override text({ dir, versions, destination }: Result, style: Styler): string {
    const names = Object.keys(versions);
    const online = ['snapshot', 'timestamp'];
    const shown = names.filter(role => !online.includes(role));
    const place = destination === null ? '' : ` ${destination.place}`;
    const lines = [
      ...(names.length === 0
        ? []
        : [
            line({ text: 'published', style: 'green' }, ` in ${dir}`),
            ...shown.slice(0, 20).map(role => line(`  ${role} version ${versions[role]}`)),
            ...(shown.length > 20 ? [line(`  and ${shown.length - 20} more roles`)] : []),
            line(`  ${online.map(role => `${role} version ${versions[role]}`).join(', ')}`),
          ]),
      ...(destination === null ? [] : [presentPublication(destination)]),
      line(
        `next  regularly, before the timestamp expires: touchmark tuf refresh${dirOption(dir)} --key KEY${place}`,
      ),
    ];
    return renderLines(lines, style, printable);
  }
}
