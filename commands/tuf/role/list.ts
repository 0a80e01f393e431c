import { dirFlag } from '../../../src/cli/flags/tuf-repository.js';
import { printable, type Styler } from '../../../src/cli/text.js';
import { TufCommand } from '../../../src/cli/tuf-command.js';
import { listRoles, type RoleFacts } from '../../../src/cli/tuf-roles.js';
import { renderLines } from '../../../src/report/lines.js';
import { presentRoles } from '../../../src/report/tuf-text.js';

interface Result {
  readonly dir: string;
  readonly roles: readonly RoleFacts[];
}

export default class TufRoleList extends TufCommand<Result> {
  static override summary = 'List the roles of a repository: their keys, thresholds and paths';
  static override description =
    'As they will be once everything that is staged is published. Bins stand as one entry.';
  static override schema = 'tuf-role-list';
  static override exitCodes = [17, 20, 23, 24] as const;
  static override examples = [
    { description: 'Who signs what', command: 'touchmark tuf role list' },
    { description: 'For a script', command: 'touchmark tuf role list --dir trust -o json' },
  ];
  static override flags = { ...dirFlag };

  protected override async execute(): Promise<Result> {
    const { flags } = await this.parse(TufRoleList);
    return { dir: flags.dir, roles: await listRoles(await this.openFolder(flags.dir)) };
  }

  protected override text({ roles }: Result, style: Styler): string {
    return renderLines(presentRoles(roles), style, printable);
  }
}
