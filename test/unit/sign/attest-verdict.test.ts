import { describe, expect, test } from 'vitest';
import type { KeyKind } from '../../../src/crypto/index.js';
import { parseManifest } from '../../../src/oci/manifest.js';
import { createStoreAccess } from '../../../src/oci/open.js';
import { attestVerdict, SUMMARY_PREDICATE_TYPE } from '../../../src/sign/attest-verdict.js';
import { signImage } from '../../../src/sign/index.js';
import { parseBundle } from '../../../src/signature/bundle.js';
import { parseStatement } from '../../../src/signature/statement.js';
import { buildIndex } from '../../../src/testing/image.js';
import { verifyImage } from '../../../src/verify/index.js';
import { verifyCustody } from '../../../src/verify/verify-custody.js';
import { type MarkedImage, SCAN } from '../custody-images.js';
import { anImage, aSigner, layoutWith, trust } from '../images.js';
import { codeOfAsync, text } from '../support.js';
import { plantScanned } from './marked.js';

async function attestable() {
  const { store, reference, access } = await layoutWith();
  const marked = await plantScanned(store, { tag: 'marked' });
  const { policy, now, repository } = marked;
  const image = reference.replace(/:1$/, ':marked');
  const asked = { ...policy, approvals: [SCAN] };
  const judge = (edit: Partial<MarkedImage['policy']> = {}, of = image) =>
    verifyCustody(access, of, { policy: { ...asked, ...edit }, now, repository });
  const signer = await aSigner('verifier');
  const options = { policy: asked, now, creator: 'touchmark/1.2.3', repository };
  const attest = async (more: Partial<typeof options> = {}) =>
    attestVerdict(store, await judge(), signer, { ...options, ...more });
  const digest = marked.image.manifest.descriptor.digest;
  return { store, access, reference, image, marked, digest, signer, judge, options, attest };
}

async function summaries(store: Awaited<ReturnType<typeof attestable>>['store'], digest: string) {
  const { descriptors } = await store.listReferrers(digest as never);
  const hinted = descriptors.filter(
    ({ annotations }) => annotations?.['dev.sigstore.bundle.predicateType'] === SUMMARY_PREDICATE_TYPE,
  );
  return Promise.all(
    hinted.map(async descriptor => {
      const raw = await store.fetchManifest({ digest: descriptor.digest });
      const manifest = raw && parseManifest(raw);
      if (manifest?.kind !== 'image' || !manifest.layers[0]) throw new Error('no bundle');
      return parseBundle(await store.fetchBlob(manifest.layers[0], 100_000)).payload;
    }),
  );
}

describe('attesting a verdict', () => {
  test('says in a SLSA verification summary what was verified, by which policy, from which claims', async () => {
    const { store, marked, digest, attest } = await attestable();
    const written = await attest();
    expect(written).toMatchObject({ subject: digest, added: true, timeVerified: '2026-11-20T12:00:00Z' });
    const [payload, ...more] = await summaries(store, digest);
    expect(more).toEqual([]);
    const statement = JSON.parse(text(payload as Uint8Array));
    const hex = (of: string) => ({ sha256: of.slice(7) });
    expect(statement).toEqual({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: marked.repository, digest: hex(digest) }],
      predicateType: 'https://slsa.dev/verification_summary/v1',
      predicate: {
        verifier: { id: 'https://touchmark.dev/verify', version: { touchmark: '1.2.3' } },
        timeVerified: '2026-11-20T12:00:00Z',
        resourceUri: `pkg:oci/app@sha256%3A${digest.slice(7)}?repository_url=registry.example%2Fshop%2Fapp`,
        policy: { uri: 'urn:touchmark:policy:shop:1', digest: hex(marked.policy.digest) },
        inputAttestations: [
          ...marked.steps.map(({ team, digest: of }) => ({ name: team, digest: hex(of) })),
          { name: 'scan', digest: expect.anything() },
        ],
        verificationResult: 'PASSED',
        verifiedLevels: ['TOUCHMARK_CUSTODY_BLOBS'],
      },
    });
  });

  test('is done once a day for the same, and again when something else was verified', async () => {
    const { store, digest, attest, options } = await attestable();
    await attest();
    expect(await attest()).toMatchObject({ added: false, timeVerified: '2026-11-20T12:00:00Z' });
    const later = new Date(options.now.getTime() + 25 * 3_600_000);
    expect(await attest({ now: later })).toMatchObject({ added: true });
    expect(await attest({ now: later, policy: { ...options.policy, version: 2 } })).toMatchObject({
      added: true,
    });
    // One that lies ahead says nothing about today.
    expect(await attest({ now: new Date(options.now.getTime() - 3_600_000) })).toMatchObject({ added: true });
    expect(await summaries(store, digest)).toHaveLength(4);
  });

  test('a no is never attested, whatever the reason', async () => {
    const { store, digest, signer, judge, options } = await attestable();
    const noes = [
      await judge({ approvals: [{ ...SCAN, name: 'release' }] }),
      await judge({ expires: new Date(0) }),
      await judge({ teams: [] }),
      await judge({}, 'oci:/nowhere:1'),
    ];
    for (const no of noes) {
      expect(no.code).not.toBeNull();
      expect(await codeOfAsync(attestVerdict(store, no, signer, options))).toBe(no.code);
    }
    // Nor is a yes that rests on no verdict.
    const made = { ...(await judge()), custody: null };
    expect(await codeOfAsync(attestVerdict(store, made, signer, options))).toBe('internal');
    expect(await summaries(store, digest)).toEqual([]);
  });

  test('is no signature: not for verify, not for custody', async () => {
    const { access, image, signer, marked, judge, attest } = await attestable();
    await attest();
    const verdict = await verifyImage(access, image, {
      keys: [trust('verifier', signer)],
      anyRepository: true,
    });
    expect(verdict.code).toBe('sig-wrong-type');
    expect(verdict.signatures.filter(({ signer: by }) => by !== null).map(({ code }) => code)).toEqual([
      'sig-wrong-type',
    ]);
    const { code } = await judge({ teams: marked.policy.teams });
    expect(code).toBeNull();
  });

  test('of an index: its digest is the subject, every image’s claims are the inputs', async () => {
    const { store, access, image, signer, options, marked } = await attestable();
    const arm = await plantScanned(store, { platform: { os: 'linux', architecture: 'arm64' } });
    const { manifest } = buildIndex([marked.image, arm.image]);
    await store.writeManifest(manifest, 'all');
    const outcome = await verifyCustody(access, image.replace(/:marked$/, ':all'), options);
    expect(outcome.code).toBeNull();
    await attestVerdict(store, outcome, signer, options);
    const [payload] = await summaries(store, manifest.descriptor.digest);
    expect(parseStatement(payload as Uint8Array).subjects).toHaveLength(1);
    expect(JSON.parse(text(payload as Uint8Array)).predicate.inputAttestations).toHaveLength(8);
  });

  test.each(['ecdsa-p256', 'ecdsa-p384', 'ed25519', 'rsa-2048'] satisfies KeyKind[])(
    'with a %s key',
    async kind => {
      const { store, judge, options } = await attestable();
      const signer = await aSigner('verifier', kind);
      expect(await attestVerdict(store, await judge(), signer, options)).toMatchObject({ added: true });
      expect(await attestVerdict(store, await judge(), signer, options)).toMatchObject({ added: false });
    },
  );

  test('an image that only somebody signed has no verdict to attest', async () => {
    const { store, image, digest } = await layoutWith(anImage('plain'));
    const signer = await aSigner('verifier');
    await signImage(store, image, [signer], { now: new Date() });
    const { options } = await attestable();
    const access = createStoreAccess({});
    const outcome = await verifyCustody(access, `oci:${store.reference.location}@${digest}`, options);
    expect(await codeOfAsync(attestVerdict(store, outcome, signer, options))).toBe('no-marks');
  });
});
