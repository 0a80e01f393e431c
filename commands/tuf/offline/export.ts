import { access } from 'node:fs/promises';
import { fail } from '../../../src/base/errors.js';
import { writeOutputFile } from '../../../src/cli/files.js';
import { yesFlag } from '../../../src/cli/flags/output.js';
import { dirFlag, outputFileFlag, stagedRolesFlag } from '../../../src/cli/flags/tuf-repository.js';
import { printable, type Styler } from '../../../src/cli/text.js';
import { TufCommand } from '../../../src/cli/tuf-command.js';
import {
  type ChangesFacts,
  type StandingFacts,
  toChangesFacts,
  toStandingFacts,
} from '../../../src/cli/tuf-facts.js';
import { renderLines } from '../../../src/report/lines.js';
import { presentExport } from '../../../src/report/tuf-offline-text.js';
import { makeRolePayload, readChanges } from '../../../src/tuf/ceremony/exchange.js';
import { digestOf, type RolePayload, serializePayloadFile } from '../../../src/tuf/ceremony/payload-file.js';
import { readStatus } from '../../../src/tuf/repository/index.js';

interface Result {
  readonly dir: string;
  readonly file: string;
  readonly roles: readonly {
    readonly role: string;
    readonly version: number;
    readonly digest: string;
    readonly standing: readonly StandingFacts[];
  }[];
  readonly changes: readonly ChangesFacts[];
}

export default class TufOfflineExport extends TufCommand<Result> {
  static override summary =
    'Write what is staged into one file, for holders of keys on machines without the repository';
  static override description =
    'The file holds the exact bytes to sign, the version before to compare with, and who is asked. It goes to any number of ' +
    'holders at once, who need nothing else: touchmark tuf offline sign-payload. What they send back goes in with ' +
    'touchmark tuf offline import, in any order.';
  static override schema = 'tuf-export';
  static override exitCodes = [17, 20, 23, 24] as const;
  static override examples = [
    { description: 'Everything that is staged', command: 'touchmark tuf offline export' },
    {
      description: 'The root only, onto a stick',
      command: 'touchmark tuf offline export --role root --dir trust --output-file /media/stick/root.json',
    },
  ];
  static override flags = {
    ...dirFlag,
    ...stagedRolesFlag,
    ...outputFileFlag('to-sign.json', 'the file to hand out'),
    ...yesFlag,
  };

  protected override async execute(): Promise<Result> {
    const { flags } = await this.parse(TufOfflineExport);
    const { dir } = flags;
    const file = flags['output-file'];
    const repository = await this.openFolder(dir);
    const names = flags.role ?? (await repository.stagedRoles());
    if (names.length === 0)
      fail('usage-argument', 'nothing is staged that could be signed', {
        hint: 'touchmark tuf status says how the repository stands',
      });
    const status = await readStatus(repository);
    const changes: ChangesFacts[] = [];
    const payloads: RolePayload[] = [];
    for (const role of new Set(names)) {
      const facts = toChangesFacts(await readChanges(repository, role));
      changes.push(facts);
      payloads.push(
        await makeRolePayload(
          repository,
          role,
          facts.changes.map(({ text }) => text),
        ),
      );
    }
    const bytes = serializePayloadFile(payloads);
    const exists = await access(file).then(
      () => true,
      () => false,
    );
    if (exists) await this.confirm(`Overwrite ${file}?`, flags);
    await writeOutputFile(file, bytes, { overwrite: exists });
    const roles = payloads.map(({ role, version, payload }) => ({
      role,
      version,
      digest: digestOf(payload),
      standing: (status.roles.find(entry => entry.role === role)?.staged?.standing ?? []).map(
        toStandingFacts,
      ),
    }));
    return { dir, file, roles, changes };
  }

  protected override text(result: Result, style: Styler): string {
    return renderLines(presentExport(result), style, printable);
  }
}
