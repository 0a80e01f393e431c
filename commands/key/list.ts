import { TouchmarkCommand } from '../../src/cli/base-command.js';
import { type ErrorDocument, toErrorDocument } from '../../src/cli/document.js';
import { type KeyFacts, toKeyFacts } from '../../src/cli/key-facts.js';
import { Args } from '../../src/cli/oclif.js';
import { formatTable, printable, type Styler } from '../../src/cli/text.js';

interface Result {
  readonly keys: readonly (KeyFacts & { readonly pairedWith: string | null; readonly mismatch: boolean })[];
  readonly unusable: readonly { readonly file: string; readonly error: ErrorDocument }[];
}

export default class KeyList extends TouchmarkCommand<Result> {
  static override summary = 'List the keys in a folder';
  static override description =
    'Looks at *.key, *.pub and *.pem. No password is asked for, so an encrypted private key shows the keyid of the public ' +
    'key beside it, if there is one. Files that hold no usable key are listed with the reason.';
  static override schema = 'key-list';
  static override exitCodes = [20, 24] as const;
  static override examples = [
    { description: 'In this folder', command: 'touchmark key list' },
    { description: 'Elsewhere, for a script', command: 'touchmark key list keys -o json' },
  ];
  static override args = {
    folder: Args.string({ default: '.', description: 'folder; default: this one' }),
  };

  protected override async execute(): Promise<Result> {
    const { args } = await this.parse(KeyList);
    const { listKeys } = await import('../../src/crypto/index.js');
    const entries = await listKeys(args.folder);
    return {
      keys: entries.flatMap(entry =>
        entry.ok
          ? [
              {
                ...toKeyFacts(entry.description),
                pairedWith: entry.pairedWith ?? null,
                mismatch: entry.mismatch ?? false,
              },
            ]
          : [],
      ),
      unusable: entries.flatMap(entry =>
        entry.ok ? [] : [{ file: entry.file, error: toErrorDocument(entry.error) }],
      ),
    };
  }

  protected override text({ keys, unusable }: Result, style: Styler): string {
    if (keys.length + unusable.length === 0) return 'no keys here: touchmark key generate NAME makes a pair';
    const rows = keys.map(key => {
      const other = keys.find(candidate => candidate.file === key.pairedWith);
      const sort = key.private
        ? key.encrypted
          ? 'private, encrypted'
          : style('yellow', 'private, PLAIN')
        : 'public';
      return [
        printable(key.file),
        sort,
        key.kind ?? other?.kind ?? '',
        (key.keyid ?? (other?.keyid ? `${other.keyid.slice(0, 16)}… as its .pub` : '')).replace(
          /^([a-f0-9]{16})[a-f0-9]{48}$/,
          '$1…',
        ),
        key.mismatch ? style('red', 'NOT the key of its other half') : '',
      ];
    });
    const bad = unusable.map(({ file, error }) => [printable(file), style('red', `unusable: ${error.code}`)]);
    return formatTable([...rows, ...bad]);
  }
}
