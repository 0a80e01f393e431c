import { readFileSync } from 'node:fs';
import type { Command } from '@oclif/core';
import { fail, type TouchmarkError, toTouchmarkError } from '../base/errors.js';
import { nearest } from '../base/nearest.js';
import { shellQuote } from '../base/shell-quote.js';
import type { CommandCall } from './base-command.js';
import { mayHoldSecret } from './command-line.js';
import { type DocumentFacts, serializeDocument, successDocument } from './document.js';
import { formatCommandHelp, formatRootHelp, formatTopicHelp } from './help.js';
import { type OutputSettings, readOutputSettings } from './output-settings.js';
import { reportFailure } from './report-failure.js';
import { runCommand } from './run-command.js';
import { writeStdout } from './stdio.js';
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
    const manifest = readManifest(packageRoot);
    tool = { name: 'touchmark', version: manifest.version };
    await dispatch(argv, Object.values(manifest.commands), packageRoot, settings, {
      tool,
      startedAt,
      warnings: [],
    });
  } catch (error) {
    await report(toTouchmarkError(error));
  }
  // A socket that is kept alive, or standard input, must not hold the process: what was to be said has been written.
  process.exit();
}

interface Manifest {
  readonly version: string;
  readonly commands: Readonly<Record<string, Command.Cached>>;
}

/** What the build wrote about the commands: enough for help, without loading a command or oclif. */
function readManifest(packageRoot: URL): Manifest {
  return JSON.parse(readFileSync(new URL('oclif.manifest.json', packageRoot), 'utf8'));
}

async function dispatch(
  argv: string[],
  commands: readonly Command.Cached[],
  packageRoot: URL,
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
  const found = path[0]?.startsWith('-') ? undefined : findCommand(path, commands);
  if (found && !helpWord && asked === undefined) {
    const call: CommandCall = {
      name: spaced(found.command.id),
      calledAs: found.words.join(' '),
      argv: argv.slice(found.words.length),
      tool: facts.tool,
      packageRoot,
    };
    return runCommand(found.command.id, call);
  }
  if (found) return print(formatCommandHelp(found.command, { style, short: asked === '-h' }));

  const group = path[0]?.startsWith('-') ? [] : path;
  const onlyOutputFlags = words.every(word => OUTPUT_WORD.test(word));
  if (group.length === 0 && (asked !== undefined || helpWord || onlyOutputFlags)) {
    return print(formatRootHelp(commands, style));
  }
  if (group.length > 0 && commands.some(({ id }) => id.startsWith(`${group.join(':')}:`))) {
    return print(formatTopicHelp(group.join(':'), commands, style));
  }
  refuse(argv, group, commands);
}

/** Flags of every command, and the values of the one that takes any: without a command they ask for help. */
const OUTPUT_WORD =
  /^(?:-o|--output|(?:-o|--output)=?(?:text|json)|text|json|--json|-q|--quiet|--debug|--no-color|--no-input)$/;

interface FoundCommand {
  readonly command: Command.Cached;
  /** The words that named it. */
  readonly words: readonly string[];
}

/** The longest run of leading words that names a command, by its name or an old one. */
function findCommand(path: readonly string[], commands: readonly Command.Cached[]): FoundCommand | undefined {
  for (let length = Math.min(path.length, 3); length > 0; length--) {
    const words = path.slice(0, length);
    const name = words.join(' ');
    const command = commands.find(
      ({ id, hiddenAliases }) => spaced(id) === name || hiddenAliases.includes(name),
    );
    if (command) return { command, words };
  }
  return undefined;
}

function spaced(id: string): string {
  return id.replaceAll(':', ' ');
}

function refuse(
  argv: readonly string[],
  path: readonly string[],
  commands: readonly Command.Cached[],
): never {
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
  const names = commands.map(({ id }) => spaced(id));
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
