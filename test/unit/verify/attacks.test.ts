import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import { type Digest, digestHex, parseDigest } from '../../../src/base/digest.js';
import { attachmentTag } from '../../../src/oci/reference.js';
import { signImage } from '../../../src/sign/index.js';
import { SIMPLE_SIGNING_TYPE, serializePayload } from '../../../src/signature/payload.js';
import {
  SIGN_PREDICATE_TYPE,
  STATEMENT_TYPE,
  serializeSignStatement,
} from '../../../src/signature/statement.js';
import { type VerifyOptions, verifyImage } from '../../../src/verify/index.js';
import {
  anImage,
  aSigner,
  type Fixture,
  layoutWith,
  plantPayload,
  plantStatement,
  trust,
  withSignature,
} from '../images.js';
import { text } from '../support.js';

const other = parseDigest(`sha256:${'cd'.repeat(32)}`);
const REPOSITORY = 'registry.example/team/app';

async function codeFor(fixture: Fixture, options: Partial<VerifyOptions> = {}): Promise<string | null> {
  const ada = await aSigner('ada');
  const verdict = await verifyImage(fixture.access, fixture.reference, {
    keys: [trust('ada', ada)],
    repository: REPOSITORY,
    ...options,
  });
  return verdict.code;
}

/** A payload as cosign writes it, with one thing changed. */
function payloadFor(digest: Digest, change: (text: string) => string = t => t): Uint8Array {
  const good = serializePayload({
    dockerReference: REPOSITORY,
    manifestDigest: digest,
    annotations: { env: 'prod' },
  });
  return utf8(change(text(good)));
}

/** Each row is validly signed by the trusted key; only the content has one defect, which is then removed. */
describe('payloads that a trusted key signed and that must not count', () => {
  test.each<[string, string, (text: string, digest: string) => string]>([
    ['a payload for another image', 'sig-wrong-digest', (t, d) => t.replace(d, other)],
    [
      'another critical.type',
      'sig-wrong-type',
      t => t.replace(SIMPLE_SIGNING_TYPE, 'atomic container signature'),
    ],
    [
      'another repository',
      'sig-wrong-reference',
      t => t.replace(REPOSITORY, 'registry.example/team/app-dev'),
    ],
    ['an empty repository', 'sig-wrong-reference', t => t.replace(REPOSITORY, '')],
    ['a duplicate key', 'format-payload', t => t.replace('"env"', '"env":"dev","env"')],
    ['Critical beside critical', 'format-payload', t => t.replace('"optional"', '"Critical":{},"optional"')],
    ['an unknown member of critical', 'format-payload', t => t.replace('"type"', '"more":1,"type"')],
    ['a digest with a path in it', 'format-payload', (t, d) => t.replace(d, 'sha256:../../x')],
    ['no JSON', 'format-payload', t => t.slice(1)],
    ['a missing annotation', 'sig-annotation-mismatch', t => t.replace('{"env":"prod"}', 'null')],
    ['another value of an annotation', 'sig-annotation-mismatch', t => t.replace('prod', 'dev')],
    ['an annotation of another type', 'sig-annotation-mismatch', t => t.replace('"prod"', '["prod"]')],
  ])('%s', async (_, code, change) => {
    const ada = await aSigner('ada');
    const fixture = await layoutWith();
    const options: Partial<VerifyOptions> = { annotations: { env: 'prod' }, carriers: ['simplesigning'] };
    const bad = payloadFor(fixture.digest, t => change(t, fixture.digest));
    await plantPayload(fixture.store, fixture.digest, bad, ada.sign(bad));
    expect(await codeFor(fixture, options)).toBe(code);
    const good = payloadFor(fixture.digest);
    await plantPayload(fixture.store, fixture.digest, good, ada.sign(good));
    expect(await codeFor(fixture, options)).toBeNull();
  });

  test.each<[string, string, (text: string, hex: string) => string, string?]>([
    ['another image', 'sig-wrong-digest', (t, hex) => t.replace(hex, 'cd'.repeat(32))],
    ['the digest under another algorithm', 'sig-wrong-digest', t => t.replace('"sha256"', '"sha512"')],
    [
      'a second subject',
      'sig-wrong-subject',
      t => t.replace('"subject":[', `"subject":[{"digest":{"sha256":"${'cd'.repeat(32)}"}},`),
    ],
    ['no subject', 'sig-wrong-subject', t => t.replace(/"subject":\[.*?\}\]/, '"subject":[]')],
    [
      'another predicate',
      'sig-wrong-type',
      t => t.replace(SIGN_PREDICATE_TYPE, 'https://cosign.sigstore.dev/attestation/vuln/v1'),
    ],
    [
      'another statement type',
      'sig-wrong-type',
      t => t.replace(STATEMENT_TYPE, 'https://in-toto.io/Statement/v0.1'),
    ],
    ['another repository', 'sig-wrong-reference', t => t.replace(REPOSITORY, 'registry.example/other')],
    ['a duplicate key', 'format-bundle', t => t.replace('"predicate":{}', '"predicate":{},"predicate":{}')],
    ['Subject beside subject', 'format-bundle', t => t.replace('"subject"', '"Subject":[],"subject"')],
    ['another annotation', 'sig-annotation-mismatch', t => t.replace('prod', 'dev')],
    ['another payload type', 'sig-wrong-type', t => t, 'application/vnd.other+json'],
  ])('statement with %s', async (_, code, change, payloadType) => {
    const ada = await aSigner('ada');
    const fixture = await layoutWith();
    const options: Partial<VerifyOptions> = { annotations: { env: 'prod' }, carriers: ['bundle'] };
    const good = serializeSignStatement({
      repository: REPOSITORY,
      manifestDigest: fixture.digest,
      annotations: { env: 'prod' },
    });
    const bad = utf8(change(text(good), digestHex(fixture.digest)));
    await plantStatement(
      fixture.store,
      fixture.image,
      bad,
      ada,
      payloadType === undefined ? {} : { payloadType },
    );
    expect(await codeFor(fixture, options)).toBe(code);
    await plantStatement(fixture.store, fixture.image, good, ada);
    expect(await codeFor(fixture, options)).toBeNull();
  });

  test('a statement without a name is bound to no repository, and that is said', async () => {
    const ada = await aSigner('ada');
    const fixture = await layoutWith();
    const statement = text(
      serializeSignStatement({ repository: REPOSITORY, manifestDigest: fixture.digest, annotations: {} }),
    );
    await plantStatement(
      fixture.store,
      fixture.image,
      utf8(statement.replace(`"name":"${REPOSITORY}",`, '')),
      ada,
    );
    const verdict = await verifyImage(fixture.access, fixture.reference, {
      keys: [trust('ada', ada)],
      repository: REPOSITORY,
    });
    expect(verdict.code).toBeNull();
    expect(verdict.signatures[0]?.checks).toContainEqual(
      expect.objectContaining({ id: 'repository', result: 'not-checked' }),
    );
  });
});

describe('signatures that are none', () => {
  test('a flipped bit, another key, a signature over something else, rubbish', async () => {
    const ada = await aSigner('ada');
    const fixture = await layoutWith();
    const payload = payloadFor(fixture.digest);
    const signature = ada.sign(payload);
    const flipped = Uint8Array.from(signature, (byte, i) => (i === signature.length - 1 ? byte ^ 1 : byte));
    await plantPayload(fixture.store, fixture.digest, payload, flipped);
    await plantPayload(fixture.store, fixture.digest, payload, (await aSigner('eve')).sign(payload));
    await plantPayload(fixture.store, fixture.digest, payload, ada.sign(utf8('something else')));
    await plantPayload(fixture.store, fixture.digest, payload, new Uint8Array(0));
    expect(await codeFor(fixture)).toBe('sig-no-match');
    // What the key did not sign is not repeated, whatever it claims.
    const verdict = await verifyImage(fixture.access, fixture.reference, { keys: [trust('ada', ada)] });
    expect(verdict.signatures.map(s => s.claim)).toEqual([null, null, null, null]);
    await plantPayload(fixture.store, fixture.digest, payload, signature);
    expect(await codeFor(fixture)).toBeNull();
  });

  test('a DSSE signature over the bare statement, without its encoding', async () => {
    const ada = await aSigner('ada');
    const fixture = await layoutWith();
    const statement = serializeSignStatement({
      repository: REPOSITORY,
      manifestDigest: fixture.digest,
      annotations: {},
    });
    const bare = Buffer.from(ada.sign(statement)).toString('base64');
    const change = (bundle: Uint8Array) => utf8(text(bundle).replace(/"sig":"[^"]+"/, `"sig":"${bare}"`));
    await plantStatement(fixture.store, fixture.image, statement, ada, { change });
    expect(await codeFor(fixture)).toBe('sig-no-match');
    await plantStatement(fixture.store, fixture.image, statement, ada);
    expect(await codeFor(fixture)).toBeNull();
  });

  test('no signature at all', async () => {
    const fixture = await layoutWith();
    expect(await codeFor(fixture)).toBe('sig-none');
  });

  test('an annotation that is not base64 is reported, not skipped', async () => {
    const fixture = await layoutWith();
    const payload = payloadFor(fixture.digest);
    await plantPayload(fixture.store, fixture.digest, payload, Uint8Array.of(1), layer =>
      withSignature(layer, 'not base64!'),
    );
    expect(await codeFor(fixture)).toBe('format-manifest');
  });

  test('a signature of one image does not count for another', async () => {
    const ada = await aSigner('ada');
    const signed = await layoutWith();
    await signImage(signed.store, signed.image, [ada], { repository: REPOSITORY, now: new Date(0) });
    const unsigned = await layoutWith(anImage('other'));
    const sig = await signed.store.fetchManifest({ tag: attachmentTag(signed.digest, '.sig') });
    const payload = payloadFor(signed.digest);
    await plantPayload(unsigned.store, unsigned.digest, payload, ada.sign(payload));
    expect(sig).toBeDefined();
    expect(await codeFor(unsigned)).toBe('sig-wrong-digest');
    expect(await codeFor(signed)).toBeNull();
  });
});

describe('bytes that changed on disk', () => {
  async function flip(fixture: Fixture, digest: Digest): Promise<() => Promise<void>> {
    const file = join(fixture.folder, 'blobs/sha256', digestHex(digest));
    const before = await readFile(file);
    const after = Buffer.from(before);
    after[after.length >> 1]! ^= 1;
    await writeFile(file, after);
    return () => writeFile(file, before);
  }

  test.each([
    ['the manifest', (f: Fixture) => f.digest],
    ['the config', (f: Fixture) => parseDigest(JSON.parse(text(f.image.bytes)).config.digest)],
    ['a layer', (f: Fixture) => parseDigest(JSON.parse(text(f.image.bytes)).layers[1].digest)],
  ])('%s', async (_, digestOf) => {
    const fixture = await layoutWith();
    await signImage(fixture.store, fixture.image, [await aSigner('ada')], {
      repository: REPOSITORY,
      now: new Date(0),
    });
    const restore = await flip(fixture, digestOf(fixture));
    expect(await codeFor(fixture)).toBe('oci-digest-mismatch');
    await restore();
    expect(await codeFor(fixture)).toBeNull();
  });

  test('a layer that is missing is not a yes, unless only the manifest was asked about', async () => {
    const fixture = await layoutWith();
    await signImage(fixture.store, fixture.image, [await aSigner('ada')], {
      repository: REPOSITORY,
      now: new Date(0),
    });
    const layer = parseDigest(JSON.parse(text(fixture.image.bytes)).layers[0].digest);
    const file = join(fixture.folder, 'blobs/sha256', digestHex(layer));
    const { rm } = await import('node:fs/promises');
    await rm(file);
    expect(await codeFor(fixture)).toBe('layer-unavailable');
    expect(await codeFor(fixture, { level: 'manifest' })).toBeNull();
  });
});
