import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fail } from '../src/base/errors.js';
import { nearest } from '../src/base/nearest.js';
import { TouchmarkCommand } from '../src/cli/base-command.js';
import { Args } from '../src/cli/oclif.js';

type Result = { readonly names: readonly string[] } | { readonly name: string; readonly jsonSchema: object };

export default class Schema extends TouchmarkCommand<Result> {
  static override summary = 'Print a JSON Schema of what -o json gives';
  static override description = 'Without a name the names are listed.';
  static override schema = 'schema';
  static override examples = [
    { description: 'Which schemas there are', command: 'touchmark schema' },
    { description: 'One of them', command: 'touchmark schema failure' },
  ];
  static override args = { name: Args.string({ description: 'name of a schema' }) };

  protected override async execute(): Promise<Result> {
    const { args } = await this.parse(Schema);
    const folder = fileURLToPath(new URL('schemas/', this.packageRoot));
    const files = await readdir(folder);
    const names = files.filter(file => file.endsWith('.json')).map(file => file.slice(0, -'.json'.length));
    names.sort();
    const { name } = args;
    if (name === undefined) return { names };
    if (!names.includes(name)) {
      const meant = nearest(name, names);
      fail(
        'usage-argument',
        `there is no schema ${JSON.stringify(name)}${meant ? `: did you mean ${meant}?` : ''}`,
        {
          hint: meant ? `touchmark schema ${meant}` : 'touchmark schema lists the names',
        },
      );
    }
    return { name, jsonSchema: JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8')) };
  }

  protected override schemaOf(result: Result): string {
    return 'names' in result ? 'schema-list' : 'schema';
  }

  protected override text(result: Result): string {
    return 'names' in result ? result.names.join('\n') : JSON.stringify(result.jsonSchema, undefined, 2);
  }
}
