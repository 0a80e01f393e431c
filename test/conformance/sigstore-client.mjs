#!/usr/bin/env node
/**
 * touchmark's signing and verifying of sigstore bundles behind the command line of the public sigstore conformance suite (its
 * docs/cli_protocol.md), so that the suite can be pointed at this file after `npm run build`:
 *
 *   pytest test --entrypoint /path/to/test/conformance/sigstore-client.mjs
 *
 * Without files that say otherwise, it goes by the public instance. Exit code 0 or 1 and no other.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { loadPublicKey } from 'touchmark/crypto';
import { createStoreAccess } from 'touchmark/oci';
import { parseSigstoreBundle, parseTrustedRoot, verifyBundle } from 'touchmark/sigstore';

const text = { type: 'string' };
const flag = { type: 'boolean', default: false };
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    staging: flag,
    'in-toto': flag,
    'identity-token': text,
    bundle: text,
    'certificate-identity': text,
    'certificate-oidc-issuer': text,
    key: text,
    'trusted-root': text,
    'signing-config': text,
  },
});
const access = createStoreAccess();
const now = new Date();

/** The documents of the instance: from files, or from the public TUF repository. */
async function instance() {
  const files = { trustedRoot: values['trusted-root'], signingConfig: values['signing-config'] };
  const given = async name => files[name] && (await readFile(files[name]));
  const wanted = command === 'sign-bundle' ? ['trustedRoot', 'signingConfig'] : ['trustedRoot'];
  if (wanted.every(name => files[name] !== undefined))
    return { trustedRoot: await given('trustedRoot'), signingConfig: await given('signingConfig') };
  if (values.staging) throw new Error('the root of the staging instance is not known here');
  const { defaultTrustFolder, fetchSigstoreTrust, publicGoodMirror } = await import('touchmark/trust');
  const folder = defaultTrustFolder(process.env);
  const fetched = await fetchSigstoreTrust(access, { mirror: await publicGoodMirror(), folder, now });
  return {
    trustedRoot: (await given('trustedRoot')) ?? fetched.trustedRoot,
    signingConfig: (await given('signingConfig')) ?? fetched.signingConfig,
  };
}

async function sign(file) {
  const { chooseServices, openIdentitySigner, parseIdentityToken } = await import('touchmark/keyless');
  const { trustedRoot, signingConfig } = await instance();
  const expected = { now, audience: 'sigstore', from: 'the argument' };
  const signer = await openIdentitySigner(access, {
    token: parseIdentityToken(values['identity-token'], expected),
    services: chooseServices(signingConfig, now),
    trustedRoot: parseTrustedRoot(trustedRoot),
    now,
    random: randomBytes,
  });
  const bytes = await readFile(file);
  const content = values['in-toto']
    ? { kind: 'statement', statement: bytes, about: JSON.parse(bytes).subject[0].digest }
    : { kind: 'file', bytes };
  await writeFile(values.bundle, (await signer.sign(content)).bundle);
}

async function verify(fileOrDigest) {
  const { trustedRoot } = await instance();
  const digest = /^sha256:([0-9a-f]{64})$/.exec(fileOrDigest)?.[1];
  const isDigest = digest !== undefined && !existsSync(fileOrDigest);
  const artifact = isDigest
    ? { digests: { sha256: digest } }
    : { digests: {}, bytes: await readFile(fileOrDigest) };
  const by = values.key
    ? { signer: { kind: 'key', key: await loadPublicKey(values.key) }, time: { kind: 'none' } }
    : {
        signer: {
          kind: 'identity',
          anyOf: [
            {
              subject: { exact: values['certificate-identity'] },
              issuer: { exact: values['certificate-oidc-issuer'] },
            },
          ],
        },
        time: { kind: 'vouched', sources: 1 },
      };
  const bundle = parseSigstoreBundle(await readFile(values.bundle));
  const policy = { ...by, artifact, predicateTypes: 'any', logs: 1 };
  const result = await verifyBundle(bundle, parseTrustedRoot(trustedRoot), policy);
  if (!result.ok) throw new Error(`${result.code}: ${result.message}`);
}

const [command, subject] = positionals;
const commands = { 'sign-bundle': sign, 'verify-bundle': verify };
try {
  const run = commands[command];
  if (run === undefined || subject === undefined) throw new Error('sign-bundle FILE, or verify-bundle FILE');
  await run(subject);
} catch (error) {
  process.exitCode = 1;
  console.error(String(error));
} finally {
  await access.close();
}
