import { variableOf } from '../environment.js';
import { Flags } from '../oclif.js';

/** Flags of every command. */
export const outputFlags = {
  output: Flags.string({
    char: 'o',
    options: ['text', 'json'],
    default: 'text',
    env: variableOf('output'),
    helpValue: 'text|json',
    summary: 'text, or exactly one JSON document, on failure too',
    helpGroup: 'OUTPUT',
  }),
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
