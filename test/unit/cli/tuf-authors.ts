import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { runCli, temporaryFolder } from './run-cli.js';

/** A folder with keys of ada, ben, carl, bea, eve and online, made once; every test gets a copy. */
let keys: Promise<string> | undefined;
/** The same with a published repository in `trust`. */
let repository: Promise<string> | undefined;

const env = { TOUCHMARK_PASSWORD: 'secret' };

async function makeKeys(): Promise<string> {
  const cwd = keptFolder();
  const names = ['ada', 'ben', 'carl', 'bea', 'eve', 'online'];
  await Promise.all(names.map(name => succeed(cwd, 'key', 'generate', name)));
  return cwd;
}

async function makeRepository(): Promise<string> {
  keys ??= makeKeys();
  const cwd = keptFolder();
  cpSync(await keys, cwd, { recursive: true });
  const roles = ['--root-key', 'ada.pub', '--root-key', 'ben.pub', '--targets-key', 'ada.pub'];
  await succeed(cwd, 'tuf', 'init', 'trust', ...roles, '--snapshot-key', 'online.pub');
  await succeed(cwd, 'tuf', 'sign', '--dir', 'trust', '--key', 'ada.key', '--key', 'ben.key', '--yes');
  await succeed(cwd, 'tuf', 'publish', '--dir', 'trust', '--key', 'online.key', '--yes');
  return cwd;
}

function keptFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'touchmark-authors-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function succeed(cwd: string, ...argv: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runCli(argv, { cwd, env });
  expect(exitCode, stderr).toBe(0);
  return stdout;
}

/** Keys of several people in a folder, and a way to run commands there. */
export async function authors() {
  keys ??= makeKeys();
  return peopleIn(await keys);
}

/** Root of ada and ben, both of whom must sign, targets of ada, one online key; signed and published. */
export async function published() {
  repository ??= makeRepository();
  return peopleIn(await repository);
}

function peopleIn(template: string) {
  const cwd = temporaryFolder();
  cpSync(template, cwd, { recursive: true });
  const call = (...argv: string[]) => runCli(argv, { cwd, env });
  /** The document of a command that succeeds, or fails, with its exit code. */
  const json = async (...argv: string[]) => JSON.parse((await call(...argv, '-o', 'json')).stdout);
  const tuf = (...argv: string[]) => succeed(cwd, 'tuf', ...argv, '--dir', 'trust');
  const tufJson = (...argv: string[]) => json('tuf', ...argv, '--dir', 'trust');
  return { cwd, call, json, tuf, tufJson };
}
