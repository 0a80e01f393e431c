import { spawn } from 'node:child_process';
import { fail } from '../../base/errors.js';
import { Field } from '../../base/fields.js';
import { parseJson } from '../../base/json.js';
import { LIMITS } from '../../base/limits.js';
import type { Secret } from './credential-file.js';
import { abortError } from './faults.js';
import type { Environment } from './proxy.js';

const NAME = /^[A-Za-z0-9._-]+$/;

export interface HelperCall {
  /** The part behind `docker-credential-`. */
  readonly name: string;
  /** The file that names the helper, for messages. */
  readonly namedBy: string;
  /** The registry as the helper knows it. */
  readonly serverUrl: string;
  readonly environment: Environment;
  /** Milliseconds. */
  readonly time: number;
  readonly signal?: AbortSignal;
}

/**
 * Asks a credential helper (`docker-credential-NAME get`).
 * @returns undefined when it has no credentials for the registry
 * @throws TouchmarkError `oci-credentials`; what the helper wrote is not shown, it may be a secret
 */
export async function askCredentialHelper(call: HelperCall): Promise<Secret | undefined> {
  const program = `docker-credential-${call.name}`;
  const refuse = (problem: string, hint?: string): never =>
    fail('oci-credentials', `the credential helper ${program} (named by ${call.namedBy}) ${problem}`, {
      ...(hint && { hint }),
      details: { helper: program, file: call.namedBy, server: call.serverUrl },
    });
  if (!NAME.test(call.name)) {
    return fail(
      'oci-credentials',
      `${call.namedBy} names a credential helper that cannot be one: ${JSON.stringify(call.name.slice(0, 80))}`,
    );
  }
  const { output, exitCode, problem } = await run(program, call);
  if (call.signal?.aborted) throw abortError(call.signal);
  if (problem === 'ENOENT') {
    return refuse('is not installed', `put ${program} on PATH, or take it out of ${call.namedBy}`);
  }
  if (problem !== undefined) return refuse(problem);
  const text = Buffer.from(output).toString('utf8').trim();
  if (exitCode !== 0) {
    // The texts are the protocol: there is only one exit code.
    if (text === 'credentials not found in native keychain') return undefined;
    const known = text === 'no credentials server URL' || text === 'no credentials username';
    return refuse(
      known ? `says: ${text}` : `failed with exit code ${exitCode}`,
      `try: echo ${call.serverUrl} | ${program} get`,
    );
  }
  const field = new Field(
    parseJson(output, `the answer of ${program}`, { code: 'oci-credentials' }),
    program,
    'oci-credentials',
  );
  const username = field.get('Username').optionalString() ?? '';
  const secret = field.get('Secret').optionalString() ?? '';
  if (!username && !secret) return undefined;
  return username === '<token>' ? { identityToken: secret } : { username, password: secret };
}

interface Outcome {
  readonly output: Uint8Array;
  readonly exitCode: number | null;
  readonly problem?: string;
}

function run(program: string, call: HelperCall): Promise<Outcome> {
  return new Promise(resolve => {
    const child = spawn(program, ['get'], {
      shell: false,
      windowsHide: true,
      env: { ...call.environment },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const parts: Buffer[] = [];
    let size = 0;
    let problem: string | undefined;
    const stop = (why: string) => {
      problem ??= why;
      child.kill('SIGKILL');
      // A grandchild may keep the pipe open after the helper itself is gone.
      child.stdout.destroy();
    };
    const timer = setTimeout(() => stop(`did not answer within ${call.time / 1000} s`), call.time);
    const onAbort = () => stop('was stopped');
    call.signal?.addEventListener('abort', onAbort, { once: true });
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > LIMITS.credentialHelperOutput) stop('wrote too much');
      else parts.push(chunk);
    });
    // A helper that does not read its input closes the pipe.
    child.stdin.on('error', () => {});
    child.stdin.end(call.serverUrl);
    const finish = (exitCode: number | null) => {
      clearTimeout(timer);
      call.signal?.removeEventListener('abort', onAbort);
      resolve({ output: Buffer.concat(parts), exitCode, ...(problem !== undefined && { problem }) });
    };
    child.on('error', (error: NodeJS.ErrnoException) => {
      problem ??= error.code === 'ENOENT' ? 'ENOENT' : `cannot be started (${error.code})`;
      finish(null);
    });
    child.on('close', finish);
  });
}
