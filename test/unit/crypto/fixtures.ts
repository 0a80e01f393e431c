import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { ReasonCode } from '../../../src/base/codes.js';
import { TouchmarkError } from '../../../src/base/errors.js';
import type { PasswordSource } from '../../../src/crypto/index.js';

const FOLDER = join(import.meta.dirname, '../../../keys-fixtures');

/** The password of every encrypted fixture. */
export const PASSWORD = Buffer.from('touchmark');

export const password: PasswordSource = async () => PASSWORD;
export const passwordOf =
  (text: string): PasswordSource =>
  async () =>
    Buffer.from(text);
/** For keys that must open without being asked. */
export const noPassword: PasswordSource = async request => {
  throw new Error(`asked for the password of ${request.what}`);
};

export function fixture(path: string): Buffer {
  return readFileSync(join(FOLDER, path));
}

export function fixturePath(path: string): string {
  return join(FOLDER, path);
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'touchmark-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A copy of a fixture with the mode that version control does not keep. */
export function install(path: string, folder: string, mode = 0o600, name = basename(path)): string {
  const target = join(folder, name);
  copyFileSync(fixturePath(path), target);
  chmodSync(target, mode);
  return target;
}

/** Runs `attempt`, which must fail with this code, and gives the error for a closer look. */
export async function refusal(code: ReasonCode, attempt: () => unknown): Promise<TouchmarkError> {
  let error: unknown;
  try {
    await attempt();
  } catch (thrown) {
    error = thrown;
  }
  expect(error, `expected ${code}, but nothing was thrown`).toBeInstanceOf(TouchmarkError);
  expect((error as TouchmarkError).code).toBe(code);
  return error as TouchmarkError;
}
