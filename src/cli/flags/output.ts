import { variableOf } from '../environment.js';
import { Flags } from '../oclif.js';

function outputFlag(more: readonly string[]) {
  const formats = ['text', 'json', ...more];
  const others = more.length === 0 ? '' : '; the others are files of these formats';
  return Flags.string({
    char: 'o',
    options: formats,
    default: 'text',
    env: variableOf('output'),
    helpValue: formats.join('|'),
    summary: `text, or exactly one JSON document, on failure too${others}`,
    helpGroup: 'OUTPUT',
  });
}

/** For commands whose result has further forms; they hand them out through `rendered`. An error is text there. */
export function outputFormats(more: readonly string[]) {
  return { output: outputFlag(more) };
}

/** Flags of every command. */
export const outputFlags = {
  output: outputFlag([]),
  json: Flags.boolean({ hidden: true, summary: 'the same as --output json' }),
  quiet: Flags.boolean({
    char: 'q',
    env: variableOf('quiet'),
    summary: 'print errors only',
    helpGroup: 'OUTPUT',
  }),
  debug: Flags.boolean({
    env: variableOf('debug'),
    summary: 'print every request and the causes of errors; never a secret',
    helpGroup: 'OUTPUT',
  }),
  'no-color': Flags.boolean({ env: variableOf('no-color'), summary: 'no colour', helpGroup: 'OUTPUT' }),
  'no-input': Flags.boolean({
    env: variableOf('no-input'),
    summary: 'never ask anything: fail and say which flag answers',
    helpGroup: 'OUTPUT',
  }),
};

/** The one way to skip a confirmation: no variable does, because it would also answer questions nobody thought of. */
export const yesFlag = {
  yes: Flags.boolean({ char: 'y', summary: 'answer yes to every confirmation' }),
};

/** No variable either: a forgotten one would turn every write into a success that wrote nothing. */
export const dryRunFlag = {
  'dry-run': Flags.boolean({ summary: 'write nothing, print what would be written' }),
};
