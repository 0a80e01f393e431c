import { fileURLToPath } from 'node:url';
import { type Command, Config } from '@oclif/core';
import { fail, type TouchmarkError, toTouchmarkError } from '../base/errors.js';
import { mayHoldSecret } from './command-line.js';
import { type DocumentFacts, serializeDocument, successDocument } from './document.js';
import { formatCommandHelp, formatRootHelp, formatTopicHelp } from './help.js';
import { toReportedError } from './oclif-errors.js';
import { type OutputSettings, readOutputSettings } from './output-settings.js';
import { reportFailure } from './report-failure.js';
import { writeStdout } from './stdio.js';
import { nearest } from './suggest.js';
import { shellQuote } from './text.js';
import { findHelpTopic, HELP_TOPICS } from './topics.js';

/**
 * Runs one command line and ends the process with its exit code.
 * @param argv what stands behind the program's name
 * @param packageRoot the folder with package.json and oclif.manifest.json
 */
export async function main(argv: string[], packageRoot: URL): Promise<void> {
  const settings = readOutputSettings(argv);
  const startedAt = new Date();
  let tool = { name: 'touchmark', version: 'unknown' };
  const report = async (error: TouchmarkError) => {
    process.exitCode = await reportFailure(error, settings, { tool, startedAt, warnings: [] });
  };
  // Once: if even the report fails, Node's own handling ends the process.
  process.once('uncaughtException', error => {
    void report(toTouchmarkError(error)).finally(() => process.exit());
  });
  try {
    // Plugins would be code from the user's home folder inside a tool whose yes is trusted.
    const config = await Config.load({
      root: fileURLToPath(packageRoot),
      userPlugins: false,
      devPlugins: false,
    });
    tool = { name: config.name, version: config.version };
    await dispatch(argv, config, settings, { tool, startedAt, warnings: [] });
  } catch (error) {
    await report(toReportedError(error, ''));
  }
  // A socket that is kept alive, or standard input, must not hold the process: what was to be said has been written.
  process.exit();
}

async function dispatch(
  argv: string[],
  config: Config,
  settings: OutputSettings,
  facts: DocumentFacts,
): Promise<void> {
  const print = async (text: string) => {
    if (settings.format === 'json') {
      await writeStdout(serializeDocument(successDocument('help', { text }, 0, facts)));
    } else await writeStdout(text);
    process.exitCode = 0;
  };
  const style = settings.stdout;
  const words = argv.slice(
    0,
    firstIndex(argv, word => word === '--'),
  );
  const asked = words.find(word => word === '--help' || word === '-h');
  const helpWord = words[0] === 'help';
  const path = words.slice(
    helpWord ? 1 : 0,
    firstIndex(words, (word, at) => word.startsWith('-') && at > 0),
  );

  if (words[0] === '--version') {
    return print(`${facts.tool.name} ${facts.tool.version}\n`);
  }
  if (helpWord && path[0] !== undefined) {
    const topic = findHelpTopic(path.join('-'));
    if (topic) return print(topic.format(style));
  }
  const found = path[0]?.startsWith('-') ? undefined : findCommand(path, config);
  if (found && !helpWord && asked === undefined) return run(found, argv, config);
  if (found) return print(formatCommandHelp(found.command, { style, short: asked === '-h' }));

  const group = path[0]?.startsWith('-') ? [] : path;
  const onlyOutputFlags = words.every(word => OUTPUT_WORD.test(word));
  if (group.length === 0 && (asked !== undefined || helpWord || onlyOutputFlags)) {
    return print(formatRootHelp(withoutAliases(config), style));
  }
  if (group.length > 0 && config.commandIDs.some(id => id.startsWith(`${group.join(':')}:`))) {
    return print(formatTopicHelp(group.join(':'), withoutAliases(config), style));
  }
  refuse(argv, group, config);
}

function withoutAliases(config: Config): Command.Loadable[] {
  return config.commands.filter(
    ({ id, aliases, hiddenAliases }) => ![...aliases, ...hiddenAliases].includes(id),
  );
}

/** Flags of every command, and the values of the one that takes any: without a command they ask for help. */
const OUTPUT_WORD =
  /^(?:-o|--output|(?:-o|--output)=?(?:text|json)|text|json|--json|-q|--quiet|--debug|--no-color|--no-input)$/;

interface FoundCommand {
  readonly command: Command.Loadable;
  /** The words that named it. */
  readonly words: readonly string[];
}

/** The longest run of leading words that names a command. */
function findCommand(path: readonly string[], config: Config): FoundCommand | undefined {
  for (let length = Math.min(path.length, 4); length > 0; length--) {
    const words = path.slice(0, length);
    const command = words.some(word => word.includes(':')) ? undefined : config.findCommand(words.join(':'));
    // An alias stands for the command that has it: the copy that oclif lists under the alias has its name.
    const original =
      command && (withoutAliases(config).find(own => own.hiddenAliases.includes(command.id)) ?? command);
    if (original) return { command: original, words };
  }
  return undefined;
}

async function run({ command, words }: FoundCommand, argv: string[], config: Config): Promise<void> {
  await config.runCommand(command.id, argv.slice(words.length), command);
}

function refuse(argv: readonly string[], path: readonly string[], config: Config): never {
  if (path.length === 0) {
    return fail(
      'usage-unknown-flag',
      `a command comes first, not ${JSON.stringify(argv[0]?.split('=')[0])}`,
      {
        hint: 'touchmark --help lists the commands',
      },
    );
  }
  const help = argv[0] === 'help';
  const names = withoutAliases(config).map(command => command.id.replaceAll(':', ' '));
  const nested = names.filter(name => name.includes(' '));
  const groups = new Set(nested.map(name => name.split(' ')[0] ?? ''));
  const group = groups.has(path[0] ?? '') ? `${path[0]} ` : '';
  const single = [...names.filter(name => !name.includes(' ')), ...groups];
  const candidates = group ? nested : help ? [...single, ...HELP_TOPICS.map(topic => topic.name)] : single;
  const length = group ? 2 : 1;
  const word = path.slice(0, length).join(' ');
  const meant = nearest(word, candidates);
  if (meant === undefined) {
    return fail('usage-unknown-command', `unknown command ${JSON.stringify(word)}`, {
      hint: `touchmark ${group}--help lists the commands${help ? ' and the topics' : ''}`,
    });
  }
  const rest = argv.slice(length + (help ? 1 : 0));
  return fail('usage-unknown-command', `unknown command ${JSON.stringify(word)}: did you mean ${meant}?`, {
    hint: [
      'touchmark',
      ...(help ? ['help'] : []),
      meant,
      ...(mayHoldSecret(rest) ? ['…'] : rest.map(shellQuote)),
    ].join(' '),
  });
}

function firstIndex(words: readonly string[], matches: (word: string, index: number) => boolean): number {
  const index = words.findIndex(matches);
  return index < 0 ? words.length : index;
}
