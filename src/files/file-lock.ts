import { randomBytes } from 'node:crypto';
import { open, readFile, readlink, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '../base/errors.js';
import { asFileError } from './safe-files.js';

/** Who holds a lock: enough to tell a process that is gone from one that only cannot be seen from here. */
interface Owner {
  readonly nonce: string;
  readonly host: string;
  readonly pid: number;
  /** Linux: when the process began, the boot, the pid namespace; empty elsewhere. */
  readonly started: string;
  readonly boot: string;
  readonly namespace: string;
}

export interface FileLock {
  /** False when another process has taken the lock over. */
  isHeld(): Promise<boolean>;
  release(): Promise<void>;
}

export interface LockOptions {
  /** Milliseconds to wait for another holder. Default 30,000. */
  readonly timeout?: number;
  readonly signal?: AbortSignal | undefined;
}

/** A lock file without an owner in it for so long was left by a process killed while it wrote it. */
const UNFINISHED_MS = 5_000;

/**
 * Takes the lock file `path`, waiting for whoever holds it. The lock of a process that is gone is taken over.
 * @throws TouchmarkError `oci-conflict` when it stays held, `io-failed`, `io-no-space`
 */
export async function acquireLock(path: string, options: LockOptions = {}): Promise<FileLock> {
  const own = await describeSelf();
  const deadline = Date.now() + (options.timeout ?? 30_000);
  for (let attempt = 0; ; attempt++) {
    options.signal?.throwIfAborted();
    if (await create(path, own)) return heldLock(path, own);
    if (await isAbandoned(path)) await removeAbandoned(path, own);
    else if (Date.now() > deadline) await failHeld(path);
    else await sleep(Math.random() * Math.min(100, 4 + 4 * attempt), undefined, signalOf(options));
  }
}

function signalOf({ signal }: LockOptions): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}

function heldLock(path: string, own: Owner): FileLock {
  const isHeld = async () => (await readOwner(path))?.nonce === own.nonce;
  return {
    isHeld,
    release: async () => {
      if (await isHeld()) await rm(path, { force: true });
    },
  };
}

async function create(path: string, own: Owner): Promise<boolean> {
  try {
    const handle = await open(path, 'wx', 0o644);
    try {
      await handle.writeFile(JSON.stringify(own));
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw asFileError(error, 'lock', path);
  }
}

/**
 * Removes a lock whose owner is gone. Only the holder of a second lock file may, and it looks again first: otherwise two
 * processes could each see the dead owner, and the slower one would remove the lock that the faster one has just taken.
 */
async function removeAbandoned(path: string, own: Owner): Promise<void> {
  const guard = `${path}.takeover`;
  if (!(await create(guard, own))) {
    if (await isAbandoned(guard)) await rm(guard, { force: true });
    else await sleep(Math.random() * 20);
    return;
  }
  try {
    if (await isAbandoned(path)) await rm(path, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  const owner = await readOwner(path);
  if (owner) return isGone(owner);
  const modified = await stat(path).then(
    facts => facts.mtimeMs,
    () => undefined,
  );
  return modified !== undefined && Date.now() - modified > UNFINISHED_MS;
}

async function isGone(owner: Owner): Promise<boolean> {
  const self = await describeSelf();
  if (owner.host !== self.host) return false;
  if (owner.boot !== self.boot) return true;
  if (owner.namespace !== self.namespace) return false;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
  // The number may have been given to another process since.
  return (await startOf(owner.pid)) !== owner.started;
}

async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    const value: unknown = JSON.parse((await readFile(path, 'utf8')).slice(0, 4096));
    const owner = value as Partial<Owner> | null;
    return typeof owner?.nonce === 'string' && Number.isSafeInteger(owner.pid) && (owner.pid ?? 0) > 0
      ? (owner as Owner)
      : undefined;
  } catch {
    return undefined;
  }
}

async function describeSelf(): Promise<Owner> {
  return {
    nonce: randomBytes(12).toString('hex'),
    host: hostname(),
    pid: process.pid,
    started: await startOf(process.pid),
    boot: await read('/proc/sys/kernel/random/boot_id'),
    namespace: await readlink('/proc/self/ns/pid').catch(() => ''),
  };
}

const read = (path: string) =>
  readFile(path, 'utf8').then(
    text => text.trim(),
    () => '',
  );

/** Field 22 of proc(5) `stat`; the command in field 2 may hold spaces and parentheses. */
async function startOf(pid: number): Promise<string> {
  const stat = await read(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

async function failHeld(path: string): Promise<never> {
  const owner = await readOwner(path);
  const who = owner ? `process ${owner.pid} on ${JSON.stringify(String(owner.host))}` : 'another process';
  return fail('oci-conflict', `${path} is held by ${who}`, {
    retryable: true,
    hint: `try again when it is done; if that process is gone, delete ${path}`,
    details: { file: path },
  });
}
