import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from '@oclif/core';
import { describe, expect, it } from 'vitest';
import { EXIT_CODES } from '../../../src/base/codes.js';
import { OTHER_VARIABLES } from '../../../src/cli/environment.js';
import { outputFlags } from '../../../src/cli/flags/output.js';
import { registryFlags } from '../../../src/cli/flags/registry.js';
import { tufFlags } from '../../../src/cli/flags/tuf.js';
import { formatCommandHelp, formatRootHelp } from '../../../src/cli/help.js';
import { createStyler, TEXT_COLUMNS } from '../../../src/cli/text.js';
import { HELP_TOPICS } from '../../../src/cli/topics.js';
import { ROOT, runCli } from './run-cli.js';

const { commands } = JSON.parse(readFileSync(join(ROOT, 'oclif.manifest.json'), 'utf8')) as {
  commands: Record<string, Command.Cached>;
};
/** Commands whose result is a file of some format too. */
const OTHER_FORMATS: Readonly<Record<string, string>> = {
  'custody:show': 'text|json|dot|svg|mermaid',
  blame: 'text|json|csv',
  attribute: 'text|json|csv|sarif',
  diff: 'text|json|csv',
  tree: 'text|json|dot|svg|mermaid',
};

const style = createStyler(false);
const shared = new Set([
  ...Object.keys(outputFlags),
  ...Object.keys(registryFlags),
  ...Object.keys(tufFlags),
]);

describe.each(Object.entries(commands))('%s', (_id, command) => {
  const help = formatCommandHelp(command, { style, short: false });

  it('has a summary, examples before anything else, and exit codes', () => {
    expect(help.split('\n')[0]).toBe(command.summary);
    const position = (title: string) => help.indexOf(`\n${title}\n`);
    expect(position('Examples')).toBeGreaterThan(0);
    expect(position('Examples')).toBeLessThan(position('Output flags'));
    expect(position('Exit codes')).toBeGreaterThan(position('Output flags'));
  });

  it('fits the columns', () => {
    const descriptions = help.split('\n').filter(line => !line.startsWith('  touchmark'));
    expect(descriptions.filter(line => [...line].length > TEXT_COLUMNS)).toEqual([]);
  });

  it('has few flags, each explained, and no way to give a secret on the command line', () => {
    const own = Object.entries(command.flags).filter(([name]) => !shared.has(name));
    expect(own.length).toBeLessThanOrEqual(16);
    for (const [name, flag] of Object.entries(command.flags)) {
      expect(flag.summary, name).toBeTruthy();
      if (flag.env) expect(flag.env).toBe(`TOUCHMARK_${name.toUpperCase().replaceAll('-', '_')}`);
      if (/password|token|secret/.test(name) && flag.type === 'option') expect(name).toMatch(/-file$/);
    }
  });

  it('has examples that name flags it has', () => {
    for (const example of command.examples ?? []) {
      const line = typeof example === 'string' ? example : example.command;
      expect(line).toMatch(new RegExp(`touchmark ${command.id.replaceAll(':', ' ')}\\b`));
      for (const [, name] of line.matchAll(/ --([a-z-]+)/g))
        expect(Object.keys(command.flags)).toContain(name);
    }
  });
});

it('lists every command once at the root, aliases not at all', () => {
  const root = formatRootHelp(Object.values(commands), style);
  for (const id of Object.keys(commands)) {
    expect(root.split('\n').filter(line => line.startsWith(`  ${id.replaceAll(':', ' ')} `))).toHaveLength(1);
  }
});

it('shows the same root help however it is asked for, and no aliases', async () => {
  const bare = await runCli([]);
  expect(bare.exitCode).toBe(0);
  expect(bare.stdout).toContain('key generate');
  expect(bare.stdout).not.toContain('generate-key-pair');
  for (const argv of [['help'], ['--help'], ['-h']]) expect(await runCli(argv)).toEqual(bare);
});

it('prints the commands of a noun without a verb', async () => {
  const { stdout, exitCode } = await runCli(['key']);
  expect(exitCode).toBe(0);
  expect(stdout).toContain('key passwd');
  expect(await runCli(['help', 'key'])).toEqual({ exitCode, stdout, stderr: '' });
});

it('explains one command in each way it is asked for', async () => {
  const { stdout } = await runCli(['key', 'generate', '--help']);
  expect(stdout).toContain('Exit codes');
  expect((await runCli(['help', 'key', 'generate'])).stdout).toBe(stdout);
  expect((await runCli(['generate-key-pair', '--help'])).stdout).toBe(stdout);
  expect((await runCli(['key', 'generate', 'x', '-h'])).stdout).not.toContain('Exit codes');
});

it('is one screen with -h: names alone of the flags that many commands share', () => {
  for (const command of Object.values(commands)) {
    const brief = formatCommandHelp(command, { style, short: true }).split('\n');
    expect(brief.length, command.id).toBeLessThanOrEqual(60);
    expect(brief.filter(line => [...line].length > TEXT_COLUMNS && !line.startsWith('  touchmark'))).toEqual(
      [],
    );
    expect(brief).toContain(
      '  --output ' +
        (OTHER_FORMATS[command.id] ?? 'text|json') +
        ', --quiet, --debug, --no-color, --no-input',
    );
  }
});

it('shows which arguments may be repeated', () => {
  const usageOf = (id: string) => formatCommandHelp(commands[id] as Command.Cached, { style, short: true });
  expect(usageOf('custody:verify')).toContain('custody verify [IMAGE…] [flags]');
  expect(usageOf('custody:show')).toContain('custody show IMAGE [flags]');
});

it.each(HELP_TOPICS.map(topic => topic.name))('help %s', async name => {
  const { stdout, exitCode } = await runCli(['help', name]);
  expect(exitCode).toBe(0);
  expect(stdout.split('\n').filter(line => [...line].length > TEXT_COLUMNS)).toEqual([]);
});

it('generates the topics from the tables', async () => {
  const codes = (await runCli(['help', 'exit-codes'])).stdout;
  for (const code of Object.keys(EXIT_CODES)) expect(codes).toMatch(new RegExp(`\\b${code}\\b`));
  const environment = (await runCli(['help', 'environment'])).stdout;
  for (const [name] of OTHER_VARIABLES) expect(environment).toContain(name);
});
