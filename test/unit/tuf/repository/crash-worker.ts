import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { utf8 } from '../../../../src/base/bytes.js';
import { createSigner, parsePkcs8 } from '../../../../src/crypto/index.js';
import {
  addTargets,
  delegateRole,
  discardStaged,
  initRepository,
  metadataScheme,
  openRepository,
  publishStaged,
  refreshOnline,
  signStaged,
} from '../../../../src/tuf/repository/index.js';

/**
 * Does one thing to a repository and is killed just before its n-th change of the file system: `MODE FOLDER N NOW`. The
 * private keys of the test stand in the environment.
 */
const [mode = '', folder = '', killAt = '0', now = ''] = process.argv.slice(2);

let changes = 0;
function change(): void {
  if (++changes === Number(killAt)) process.kill(process.pid, 'SIGKILL');
}

// biome-ignore lint/suspicious/noExplicitAny: functions of any shape are wrapped alike
const original: Record<string, any> = { ...fs };
const wrap = (name: 'rename' | 'rm' | 'mkdir') =>
  Object.assign(fs, {
    [name]: (...args: unknown[]) => {
      change();
      return original[name](...args);
    },
  });
for (const name of ['rename', 'rm', 'mkdir'] as const) wrap(name);
Object.assign(fs, {
  open: async (path: string, flags: unknown, ...rest: unknown[]) => {
    const writes = flags === 'wx';
    if (writes) change();
    const handle = await original['open'](path, flags, ...rest);
    if (!writes) return handle;
    for (const method of ['write', 'writeFile', 'sync']) {
      const own = handle[method].bind(handle);
      handle[method] = (...args: unknown[]) => {
        change();
        return own(...args);
      };
    }
    return handle;
  },
});
syncBuiltinESMExports();

const signers = await Promise.all(
  (process.env['TEST_KEYS'] ?? '').split(',').map(text => {
    const key = parsePkcs8(Buffer.from(text, 'base64'), 'a key of the test');
    return createSigner(key, { scheme: metadataScheme(key.publicKey.kind) });
  }),
);
const [offline, online] = [signers.slice(0, -1), signers.slice(-1)];
const keys = offline.map(({ publicKey }) => ({ key: publicKey }));
if (mode === 'init') {
  const role = { keys, threshold: 1, expiryDays: 30 };
  const roles = { root: role, targets: role, snapshot: role, timestamp: role };
  await initRepository(folder, { ...roles, now: new Date(now) });
} else {
  const repository = await openRepository(folder, { now: new Date(now) });
  if (mode === 'publish') await publishStaged(repository, { signers: online });
  if (mode === 'refresh') await refreshOnline(repository, { signers: online, snapshot: true });
  if (mode === 'sign') await signStaged(repository, { signers: offline });
  if (mode === 'stage') {
    await addTargets(repository, 'targets', [{ path: 'new/file', bytes: utf8('new') }]);
  }
  if (mode === 'delegate') {
    const paths = ['custody/base/*/*'];
    await delegateRole(repository, { name: 'team-base', keys, threshold: 1, paths, expiryDays: 30 });
  }
  if (mode === 'discard') await discardStaged(repository);
}
process.stdout.write(`${changes}\n`);
