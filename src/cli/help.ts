import type { Command } from '@oclif/core';
import type { ExitCode } from '../base/codes.js';
import { EXIT_MEANINGS } from '../base/exit-meanings.js';
import { type Styler, TEXT_COLUMNS, wrapText } from './text.js';
import { HELP_TOPICS } from './topics.js';

/** The part of a command that the manifest holds: help never loads the command itself. */
type CommandFacts = Command.Cached;

interface CommandHelpOptions {
  readonly style: Styler;
  /** `-h`, one screen: without explanations and exit codes, and of the flags that many commands share only the names. */
  readonly short: boolean;
}

/** Examples come first: most readers want a line to copy. */
export function formatCommandHelp(command: CommandFacts, { style, short }: CommandHelpOptions): string {
  const description = short || !command.description ? [] : wrapText(command.description, TEXT_COLUMNS);
  return joinSections([
    [command.summary ?? ''],
    section('Usage', [usage(command)], style),
    section('Examples', examples(command, style), style),
    description,
    section('Arguments', argumentRows(command), style),
    ...flagSections(command, style, short),
    short ? [] : section('Exit codes', exitLines(command), style),
    short ? [`touchmark ${spaced(command.id)} --help says more`] : [],
  ]);
}

export function formatRootHelp(commands: readonly CommandFacts[], style: Styler): string {
  const visible = commands.filter(command => !command.hidden);
  const images = visible.filter(command => !command.id.includes(':'));
  const groups = [
    ...new Set(visible.filter(({ id }) => id.includes(':')).map(({ id }) => id.split(':')[0] ?? '')),
  ];
  return joinSections([
    ['Sign container images and prove who put every layer there.'],
    section('Usage', ['touchmark COMMAND [flags]'], style),
    section('Commands', columns(images.map(summaryRow)), style),
    ...groups
      .sort()
      .map(group =>
        section(
          group.charAt(0).toUpperCase() + group.slice(1),
          columns(inGroup(visible, group).map(summaryRow)),
          style,
        ),
      ),
    section('Help', columns(HELP_TOPICS.map(topic => [`help ${topic.name}`, topic.summary])), style),
    ['touchmark COMMAND --help explains one command; touchmark --version prints the version'],
  ]);
}

/** What a noun without a verb prints: its commands. */
export function formatTopicHelp(topic: string, commands: readonly CommandFacts[], style: Styler): string {
  const visible = inGroup(
    commands.filter(command => !command.hidden),
    topic,
  );
  return joinSections([
    section('Usage', [`touchmark ${spaced(topic)} COMMAND [flags]`], style),
    section('Commands', columns(visible.map(summaryRow)), style),
    [`touchmark ${spaced(topic)} COMMAND --help explains one command`],
  ]);
}

function inGroup(commands: readonly CommandFacts[], group: string): CommandFacts[] {
  return commands.filter(command => command.id.startsWith(`${group}:`));
}

function summaryRow(command: CommandFacts): [string, string] {
  return [spaced(command.id), command.summary ?? ''];
}

function spaced(id: string): string {
  return id.replaceAll(':', ' ');
}

function usage(command: CommandFacts): string {
  const args = Object.values(command.args).map(arg => {
    const name = argumentName(arg.name, command);
    return arg.required ? name : `[${name}]`;
  });
  const required = Object.entries(command.flags)
    .filter(([, flag]) => flag.required && !flag.hidden)
    .map(([name, flag]) => `--${name} ${valueName(name, flag)}`);
  return ['touchmark', spaced(command.id), ...args, ...required, '[flags]'].join(' ');
}

function examples(command: CommandFacts, style: Styler): string[] {
  return (command.examples ?? []).flatMap(example => {
    const { description, command: line } =
      typeof example === 'string' ? { description: '', command: example } : example;
    return [...(description ? [style('dim', `# ${description}`)] : []), line];
  });
}

function argumentRows(command: CommandFacts): string[] {
  const rows = Object.values(command.args).map(
    arg => [argumentName(arg.name, command), arg.description ?? ''] as const,
  );
  return columns(rows);
}

function argumentName(name: string, { strict }: CommandFacts): string {
  return `${name.toUpperCase()}${strict === false ? '…' : ''}`;
}

const OTHER = 'FLAGS';
/** The same wherever they are. */
const SHARED = ['TUF SOURCE', 'REGISTRY', 'OUTPUT'];
/** Behind what the command is about. */
const LAST = [OTHER, ...SHARED];

function flagSections(command: CommandFacts, style: Styler, short: boolean): string[][] {
  const groups = new Map<string, [string, string][]>([[OTHER, []]]);
  for (const [name, flag] of Object.entries(command.flags)) {
    if (flag.hidden) continue;
    const rows = groups.get(flag.helpGroup ?? OTHER) ?? [];
    groups.set(flag.helpGroup ?? OTHER, [...rows, flagRow(name, flag)]);
  }
  const order = [...groups.keys()].sort((a, b) => LAST.indexOf(a) - LAST.indexOf(b));
  const inFull = order.filter(name => !(short && SHARED.includes(name)));
  const width = Math.max(0, ...inFull.flatMap(name => groups.get(name) ?? []).map(([label]) => label.length));
  return order.map(name => {
    const title = name === OTHER ? 'Flags' : `${name.charAt(0)}${name.slice(1).toLowerCase()} flags`;
    const rows = groups.get(name) ?? [];
    const names = rows.map(([label]) => label.trim().replace(/^-\w, /, ''));
    return section(
      title,
      inFull.includes(name) ? columns(rows, width) : wrapText(names.join(', '), TEXT_COLUMNS - 2),
      style,
    );
  });
}

function flagRow(name: string, flag: Command.Flag.Cached): [string, string] {
  const short = flag.char ? `-${flag.char}, ` : '    ';
  const value = flag.type === 'option' ? ` ${valueName(name, flag)}` : '';
  const notes = [
    flag.type === 'option' && typeof flag.default !== 'object' && flag.default !== undefined
      ? `default ${String(flag.default)}`
      : '',
    flag.env ?? '',
  ].filter(note => note !== '');
  return [
    `${short}--${name}${value}`,
    `${flag.summary ?? flag.description ?? ''}${notes.length > 0 ? ` [${notes.join(', ')}]` : ''}`,
  ];
}

function valueName(name: string, flag: Command.Flag.Cached): string {
  if (flag.type !== 'option') return '';
  return typeof flag.helpValue === 'string' ? flag.helpValue : name.toUpperCase();
}

/** Names only: what each means is the same for all commands. */
function exitLines(command: CommandFacts): string[] {
  const own = (command['exitCodes'] as readonly ExitCode[] | undefined) ?? [];
  const codes = [...new Set<ExitCode>([0, 1, 2, ...own])].sort((a, b) => a - b);
  const names = codes.map(code => `${code} ${EXIT_MEANINGS[code].name}`).join(', ');
  return wrapText(`${names}; touchmark help exit-codes explains them`, TEXT_COLUMNS - 2);
}

function columns(rows: readonly (readonly [string, string])[], least = 0): string[] {
  const width = Math.max(least, ...rows.map(([label]) => label.length)) + 2;
  return rows.flatMap(([label, text]) =>
    wrapText(text, TEXT_COLUMNS - 2 - width).map((line, index) =>
      `${(index === 0 ? label : '').padEnd(width)}${line}`.trimEnd(),
    ),
  );
}

function section(title: string, lines: readonly string[], style: Styler): string[] {
  return lines.length === 0 ? [] : [style('bold', title), ...lines.map(line => `  ${line}`)];
}

function joinSections(sections: readonly (readonly string[])[]): string {
  return `${sections
    .filter(lines => lines.length > 0)
    .map(lines => lines.join('\n'))
    .join('\n\n')}\n`;
}
