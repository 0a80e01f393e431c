import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSite, type Published, type Site } from '../integration/site.js';
import { type CosignMajor, cosign, cosignVerify } from '../peers/cosign.js';
import { requirePeers } from '../peers/require-peers.js';

const absent = await requirePeers(['docker-registry', 'skopeo', 'cosign2', 'cosign3']);

const SUMMARY = 'https://slsa.dev/verification_summary/v1';
const TRUSTED_ROOT = '{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}';

describe.skipIf(absent)('an image that was promoted, and a verdict that was attested', () => {
  let site: Site;
  let image: Published;
  let promoted: string;

  const policy = () => [
    'custody: 1',
    'name: shop',
    'version: 1',
    `scope: { repositories: ["${site.registry.host}/*/app"], relocations: [{ from: "${site.registry.host}/dev/*", to: "${site.registry.host}/prod/*", via: release }] }`,
    'teams:',
    '  build: { signers: { ada: { keys: ["ada.pub"] } } }',
    '  release: { signers: { ben: { keys: ["ben.pub"] } } }',
    'evidence: blobs',
    'flow:',
    '  - { step: build, team: build, kinds: [add], threshold: 1 }',
    'approvals:',
    '  - { name: release, team: release, threshold: 1 }',
    '',
  ];

  beforeAll(async () => {
    site = await openSite('attestation', { keys: ['ada', 'ben', 'verifier'] });
    writeFileSync(site.scratch.file('policy.yaml'), policy().join('\n'));
    writeFileSync(site.scratch.file('trusted-root.json'), TRUSTED_ROOT);
    image = await site.publish('dev/app');
    const mark = ['--team', 'build', '--step', 'build', '--policy', 'policy.yaml', '--key', 'ada.key'];
    await site.ok('custody', 'mark', image.pinned, ...mark);
    const destination = `${site.registry.host}/prod/app:v1`;
    const release = ['--approve', 'release', '--team', 'release', '--key', 'ben.key'];
    await site.ok('promote', image.pinned, destination, '--policy', 'policy.yaml', ...release);
    await site.ok('verify', destination, '--policy', 'policy.yaml', '--attest', 'verifier.key');
    promoted = `${site.registry.host}/prod/app@${image.digest}`;
  });
  afterAll(() => site?.close());

  const verifyAttestation = (major: CosignMajor, key: string, type: string) =>
    cosign(site.scratch, major, [
      'verify-attestation',
      '--insecure-ignore-tlog',
      // Without a trusted root cosign 2 asks the network for one, also when it needs none.
      ...(major === 2 ? ['--new-bundle-format', '--trusted-root', 'trusted-root.json'] : []),
      ...['--key', key, '--type', type, promoted],
    ]);

  it.each([2, 3] as const)('cosign %s finds the summary, by its key and its type alone', async major => {
    const found = await verifyAttestation(major, 'verifier.pub', SUMMARY);
    expect(found.code, found.stderr).toBe(0);
    const { payload } = JSON.parse(found.stdout);
    const statement = JSON.parse(Buffer.from(payload, 'base64').toString());
    expect(statement).toMatchObject({
      predicateType: SUMMARY,
      subject: [{ digest: { sha256: image.digest.slice(7) } }],
      predicate: { verificationResult: 'PASSED', verifiedLevels: ['TOUCHMARK_CUSTODY_BLOBS'] },
    });
    expect((await verifyAttestation(major, 'ben.pub', SUMMARY)).code).not.toBe(0);
    expect((await verifyAttestation(major, 'verifier.pub', 'slsaprovenance1')).code).not.toBe(0);
  });

  it.each([2, 3] as const)('cosign %s takes the marks at the destination for signatures', async major => {
    for (const key of ['ada.pub', 'ben.pub']) {
      for (const carrier of ['simplesigning', 'bundle'] as const) {
        // cosign 3 looks at bundles only as soon as there is one.
        if (major === 3 && carrier === 'simplesigning') continue;
        const verified = await cosignVerify(site.scratch, major, carrier, key, promoted);
        expect(verified.code, verified.stderr).toBe(0);
      }
    }
  });

  // Why a "FAILED" must never be signed, and why the verifier's key signs nothing else.
  it('cosign verify takes the summary for a signature, touchmark verify does not', async () => {
    for (const major of [2, 3] as const) {
      expect((await cosignVerify(site.scratch, major, 'bundle', 'verifier.pub', promoted)).code).toBe(0);
    }
    const ours = await site.run('verify', '--key', 'verifier.pub', promoted, '-o', 'json');
    expect(ours.code).toBe(12);
    expect(ours.json()).toMatchObject({ images: [{ code: 'sig-wrong-type' }] });
  });

  it('an unpromoted image has no summary to find', async () => {
    const dev = await site.run('verify', image.pinned, '--policy', 'policy.yaml', '--attest', 'verifier.key');
    expect(dev.code).toBe(15);
    const found = await cosign(site.scratch, 3, [
      ...['verify-attestation', '--insecure-ignore-tlog', '--key', 'verifier.pub', '--type', SUMMARY],
      image.pinned,
    ]);
    expect(found.code).not.toBe(0);
  });
});
