import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Digest, digestHex } from '../../src/base/digest.js';
import {
  chooseServices,
  type IdentityContent,
  isSignedBy,
  openIdentitySigner,
  parseIdentityToken,
} from '../../src/keyless/index.js';
import { createStoreAccess, openStore } from '../../src/oci/open.js';
import { parseReference } from '../../src/oci/reference.js';
import { signImageWithIdentity } from '../../src/sign/index.js';
import { parseTrustedRoot } from '../../src/sigstore/index.js';
import { buildImage, pushImage, startRegistry, type TestRegistry } from '../../src/testing/index.js';
import { collectSignatures } from '../../src/verify/collect.js';
import { cosign } from '../peers/cosign.js';
import { requirePeers } from '../peers/require-peers.js';
import { createScratch, type Scratch } from '../peers/scratch.js';
import { type PrivateSigstore, startPrivateSigstore } from '../private-sigstore/index.js';

const absent = await requirePeers(['cosign3']);

const SUBJECT = 'https://ci.example/app';
const TYPE = 'https://example.com/scan';

describe.skipIf(absent).each([1, 2] as const)(
  'cosign 3 and touchmark with a private sigstore, log of version %s',
  log => {
    let sigstore: PrivateSigstore;
    let registry: TestRegistry;
    let scratch: Scratch;
    let image: string;

    beforeAll(async () => {
      sigstore = await startPrivateSigstore({ sub: SUBJECT });
      registry = await startRegistry();
      scratch = createScratch('keyless');
      writeFileSync(scratch.file('root.json'), sigstore.trustedRoot());
      writeFileSync(scratch.file('config.json'), sigstore.signingConfig(log));
      writeFileSync(scratch.file('artifact'), 'an artifact\n');
      writeFileSync(scratch.file('other'), 'another artifact\n');
      const access = createStoreAccess();
      const store = await openStore(parseReference(`${registry.host}/app`), access);
      const digest = await pushImage(store, buildImage({ layers: [{ app: 'app' }] }));
      await access.close();
      image = `${registry.host}/app@${digest}`;
    });
    afterAll(async () => {
      scratch?.remove();
      await registry?.close();
      await sigstore?.close();
    });

    const run = (...args: string[]) => cosign(scratch, 3, [...args]);
    const ok = async (...args: string[]) => {
      const outcome = await run(...args);
      expect(outcome.code, outcome.stderr).toBe(0);
    };
    const signer = () => [
      '--yes',
      '--trusted-root',
      'root.json',
      '--signing-config',
      'config.json',
      '--identity-token',
      sigstore.issuer.token(),
    ];
    const signing = () => {
      const now = new Date();
      return {
        token: parseIdentityToken(sigstore.issuer.token(), { now, audience: 'sigstore', from: 'the test' }),
        services: chooseServices(readFileSync(scratch.file('config.json')), now),
        trustedRoot: parseTrustedRoot(readFileSync(scratch.file('root.json'))),
        now,
        random: randomBytes,
      };
    };
    const identity = (subject = SUBJECT) => [
      ...['--trusted-root', 'root.json', '--certificate-identity', subject],
      ...['--certificate-oidc-issuer', sigstore.issuer.name],
    ];

    it('cosign signs with it, a file and an image, and verifies both', async () => {
      await ok('sign-blob', ...signer(), '--bundle', 'cosign.json', 'artifact');
      await ok('verify-blob', '--bundle', 'cosign.json', ...identity(), 'artifact');
      await ok('sign', ...signer(), image);
      await ok('verify', ...identity(), image);
      expect((await run('verify', ...identity('https://ci.example/other'), image)).code).not.toBe(0);
    });

    it('touchmark verifies what cosign signed there, and as whom', async () => {
      const access = createStoreAccess();
      const store = await openStore(parseReference(image), access);
      const found: Uint8Array[] = [];
      const digest = parseReference(image).digest as Digest;
      for await (const { signatures } of collectSignatures(store, digest, ['bundle']))
        found.push(...signatures.flatMap(({ bundle }) => (bundle ? [bundle] : [])));
      await access.close();
      expect(found).toHaveLength(1);
      const file = { bytes: readFileSync(scratch.file('artifact')), digests: {} };
      const signed = [
        { bundle: readFileSync(scratch.file('cosign.json')), artifact: file },
        { bundle: found[0]!, artifact: { digests: { sha256: digestHex(digest) } } },
      ];
      const { trustedRoot, services } = signing();
      for (const { bundle, artifact } of signed) {
        const who = {
          subject: SUBJECT,
          subjectKind: 'uri',
          issuer: sigstore.issuer.name,
          claims: {},
        } as const;
        expect(await isSignedBy(who, bundle, artifact, trustedRoot, services)).toBe(true);
        const other = { ...who, subject: 'https://ci.example/other' };
        expect(await isSignedBy(other, bundle, artifact, trustedRoot, services)).toBe(false);
      }
    });

    it('cosign verifies an image that touchmark signed', async () => {
      const access = createStoreAccess();
      const store = await openStore(parseReference(`${registry.host}/ours`), access);
      const built = buildImage({ layers: [{ app: 'ours' }] });
      const digest = await pushImage(store, built);
      await signImageWithIdentity(access, store, built.manifest, signing());
      await access.close();
      const ours = `${registry.host}/ours@${digest}`;
      await ok('verify', ...identity(), ours);
      expect((await run('verify', ...identity('https://ci.example/other'), ours)).code).not.toBe(0);
    });

    it('cosign verifies what touchmark signed, and nothing else with it', async () => {
      const access = createStoreAccess();
      const sign = async (content: IdentityContent, name: string) =>
        writeFileSync(
          scratch.file(name),
          (await (await openIdentitySigner(access, signing())).sign(content)).bundle,
        );
      const bytes = readFileSync(scratch.file('artifact'));
      await sign({ kind: 'file', bytes }, 'file.json');
      const digest = { sha256: createHash('sha256').update(bytes).digest('hex') };
      const statement = {
        _type: 'https://in-toto.io/Statement/v1',
        subject: [{ name: 'artifact', digest }],
        predicateType: TYPE,
        predicate: {},
      };
      await sign(
        { kind: 'statement', statement: Buffer.from(JSON.stringify(statement)), about: digest },
        'statement.json',
      );
      await access.close();
      await ok('verify-blob', '--bundle', 'file.json', ...identity(), 'artifact');
      await ok(
        'verify-blob-attestation',
        '--type',
        TYPE,
        '--bundle',
        'statement.json',
        ...identity(),
        'artifact',
      );
      for (const [command, bundle] of [
        ['verify-blob', 'file.json'],
        ['verify-blob-attestation', 'statement.json'],
      ] as const) {
        const type = command === 'verify-blob' ? [] : ['--type', TYPE];
        expect((await run(command, ...type, '--bundle', bundle, ...identity(), 'other')).code).not.toBe(0);
        expect(
          (await run(command, ...type, '--bundle', bundle, ...identity('https://x'), 'artifact')).code,
        ).not.toBe(0);
      }
    });
  },
);
