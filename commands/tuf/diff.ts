import { dirFlag } from '../../src/cli/flags/tuf-repository.js';
import { Args } from '../../src/cli/oclif.js';
import { printable, type Styler } from '../../src/cli/text.js';
import { TufCommand } from '../../src/cli/tuf-command.js';
import { type ChangesFacts, toChangesFacts } from '../../src/cli/tuf-facts.js';
import { line, renderLines } from '../../src/report/lines.js';
import { presentChanges } from '../../src/report/tuf-text.js';
import { readChanges } from '../../src/tuf/ceremony/exchange.js';

interface Result {
  readonly dir: string;
  readonly roles: readonly ChangesFacts[];
}

export default class TufDiff extends TufCommand<Result> {
  static override summary = 'Say in words what is staged, against what is published';
  static override description =
    'Keys, thresholds, delegations, targets and expiry of every role that is staged; whatever else would be signed is shown ' +
    'as JSON. Signers see the same before they sign.';
  static override schema = 'tuf-diff';
  static override exitCodes = [17, 20, 23, 24] as const;
  static override examples = [
    { description: 'Everything that is staged', command: 'touchmark tuf diff' },
    { description: 'One role', command: 'touchmark tuf diff root --dir trust' },
  ];
  static override args = { role: Args.string({ description: 'only this role' }) };
  static override flags = { ...dirFlag };

  protected override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(TufDiff);
    const repository = await this.openFolder(flags.dir);
    const names = args.role === undefined ? await repository.stagedRoles() : [args.role];
    const roles: ChangesFacts[] = [];
    for (const role of names) roles.push(toChangesFacts(await readChanges(repository, role)));
    return { dir: flags.dir, roles };
  }

  protected override text({ roles }: Result, style: Styler): string {
    const lines = roles.length === 0 ? [line('nothing is staged')] : roles.flatMap(presentChanges);
    return renderLines(lines, style, printable);
  }
}
