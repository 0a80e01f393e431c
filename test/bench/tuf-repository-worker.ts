import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createSigner, generateKey, parsePkcs8 } from '../../src/crypto/index.js';
import {
  addTargets,
  delegateBins,
  initRepository,
  openRepository,
  publishStaged,
  signStaged,
} from '../../src/tuf/repository/index.js';

/**
 * `tuf-repository-worker.mjs build FOLDER KEY TARGETS BITS`: a repository of so many targets in 2^BITS succinct bins, from
 * nothing. `… add FOLDER KEY PATH`: one more target; prints how many files that made.
 */
const [task, folder = '', keyFile = '', argument = '', bits = ''] = process.argv.slice(2);
const now = new Date();

if (task === 'build') {
  const key = await generateKey('ecdsa-p256');
  writeFileSync(keyFile, key.pkcs8, { mode: 0o600 });
  const signer = await createSigner(key);
  const keys = [{ key: signer.publicKey }];
  const role = { keys, threshold: 1, expiryDays: 30 };
  const repository = await initRepository(folder, {
    root: role,
    targets: role,
    snapshot: role,
    timestamp: role,
    now,
  });
  await delegateBins(repository, { kind: 'succinct', bitLength: Number(bits), namePrefix: 'bin', ...role });
  const entries = Array.from({ length: Number(argument) }, (_, i) => ({
    path: `packages/p${i}/file-${i}.tar.gz`,
    length: i,
    hashes: { sha256: createHash('sha256').update(`${i}`).digest('hex') },
  }));
  await addTargets(repository, 'targets', entries, { signers: [signer] });
  await signStaged(repository, { roles: ['root', 'targets'], signers: [signer] });
  await publishStaged(repository, { signers: [signer] });
} else {
  const signer = await createSigner(parsePkcs8(readFileSync(keyFile), 'the key of the benchmark'));
  const repository = await openRepository(folder, { now });
  const target = { path: argument, length: 1, hashes: { sha256: '0'.repeat(64) } };
  await addTargets(repository, 'targets', [target], { signers: [signer] });
  const { versions } = await publishStaged(repository, { signers: [signer] });
  writeFileSync(`${folder}/touched`, String(Object.keys(versions).length));
}
