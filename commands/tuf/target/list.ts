import { dirFlag } from '../../../src/cli/flags/tuf-repository.js';
import { Flags } from '../../../src/cli/oclif.js';
import { formatTable, printable } from '../../../src/cli/text.js';
import { TufCommand } from '../../../src/cli/tuf-command.js';
import { toJson } from '../../../src/cli/tuf-facts.js';
import { listRoles } from '../../../src/cli/tuf-roles.js';
import { listTargets } from '../../../src/tuf/repository/index.js';

interface Result {
  readonly dir: string;
  readonly targets: readonly {
    readonly role: string;
    readonly path: string;
    readonly length: number;
    readonly hashes: Readonly<Record<string, string>>;
    readonly custom: unknown;
  }[];
}

export default class TufTargetList extends TufCommand<Result> {
  static override summary = 'List the targets of a repository and the roles that list them';
  static override description =
    'As they will be once everything that is staged is published. Bins are left out.';
  static override schema = 'tuf-target-list';
  static override exitCodes = [17, 20, 23, 24] as const;
  static override examples = [
    { description: 'All of them', command: 'touchmark tuf target list' },
    { description: 'Of one team', command: 'touchmark tuf target list --role team-base --dir trust' },
  ];
  static override flags = {
    ...dirFlag,
    role: Flags.string({ helpGroup: 'TUF', helpValue: 'ROLE', summary: 'only this role' }),
  };

  protected override async execute(): Promise<Result> {
    const { flags } = await this.parse(TufTargetList);
    const repository = await this.openFolder(flags.dir);
    const roles = flags.role === undefined ? await this.#rolesOf(repository) : [flags.role];
    const targets = [];
    for (const name of roles) {
      for (const { role, path, info } of await listTargets(repository, name)) {
        const { length, hashes, custom } = info;
        targets.push({ role, path, length, hashes, custom: custom === undefined ? null : toJson(custom) });
      }
    }
    return { dir: flags.dir, targets };
  }

  /** Those that list targets and are there: a role may be delegated to before it has said anything. */
  async #rolesOf(repository: Parameters<typeof listRoles>[0]): Promise<readonly string[]> {
    const names: string[] = [];
    for (const { role, delegator, bins } of await listRoles(repository)) {
      const lists = role === 'targets' || (delegator !== null && delegator !== 'root');
      if (lists && bins === null && (await repository.next(role))) names.push(role);
    }
    return names;
  }

  protected override text({ targets }: Result): string {
    if (targets.length === 0) return 'no targets: touchmark tuf target add FILE lists one';
    return formatTable(
      targets.map(({ role, path, length, hashes }) => [
        printable(path),
        printable(role),
        String(length),
        `sha256:${printable(hashes['sha256'] ?? '').slice(0, 12)}…`,
      ]),
    );
  }
}
