import { describe, expect, test } from 'vitest';
import { fromBase64, toBase64, utf8 } from '../../../src/base/bytes.js';
import { computeDigest, parseDigest } from '../../../src/base/digest.js';
import type { Descriptor } from '../../../src/oci/descriptor.js';
import { parseManifest, rawManifest, serializeManifest } from '../../../src/oci/manifest.js';
import { MEDIA_TYPES } from '../../../src/oci/media-types.js';
import { parseBundle, serializeBundle, signedBytes } from '../../../src/signature/bundle.js';
import { IN_TOTO_PAYLOAD_TYPE, preAuthEncoding } from '../../../src/signature/dsse.js';
import { goJsonString, parsePayload, serializePayload } from '../../../src/signature/payload.js';
import { bundleManifest, mayHoldSignatures, parseReferrer } from '../../../src/signature/referrer.js';
import {
  addSignatures,
  parseSignatureManifest,
  SIGNATURE_ANNOTATION,
  signatureLayer,
} from '../../../src/signature/sig-manifest.js';
import {
  parseStatement,
  SIGN_PREDICATE_TYPE,
  serializeSignStatement,
} from '../../../src/signature/statement.js';
import { codeOf, text } from '../support.js';

const image = parseDigest(`sha256:${'ab'.repeat(32)}`);
const SIGNATURE =
  'MEQCIB1Wj1KKr2D8DBuuc3VuLcm35K83JGGehrhYhPdFHkT0AiBOcXdTiSP+FnBEp0DprlfLTQXuUwy78dw0hTX+Uiq4sQ==';

/** Bytes and digests in this block were computed independently from cosign's format, not by this code. */
describe('known bytes', () => {
  const plain = serializePayload({
    dockerReference: 'registry.example/team/app',
    manifestDigest: image,
    annotations: {},
  });

  test('payload without annotations', () => {
    expect(plain).toHaveLength(241);
    expect(computeDigest(plain)).toBe(
      'sha256:7d3f0863f08e776e3af53bf1b90a72a1f4eb57f1c200c1584064c295ab13d68b',
    );
  });

  test('payload with annotations that Go escapes and JavaScript does not', () => {
    const annotations = { é: '\u2028', env: 'R&D <x>', a: '1' };
    const bytes = serializePayload({
      dockerReference: 'registry.example/team/app',
      manifestDigest: image,
      annotations,
    });
    expect(text(bytes)).toContain('"optional":{"a":"1","env":"R\\u0026D \\u003cx\\u003e","é":"\\u2028"}}');
    expect(bytes).toHaveLength(291);
    expect(computeDigest(bytes)).toBe(
      'sha256:52b5e9170a8c1e04d8efee12f4648f70e1f2508cbeeaa6415758ce77e477ca04',
    );
  });

  test('keys that look like numbers keep the order of their bytes', () => {
    const bytes = serializePayload({
      dockerReference: 'r',
      manifestDigest: image,
      annotations: { '10': 'a', '1': 'b', A: 'c' },
    });
    expect(text(bytes)).toMatch(/"optional":\{"1":"b","10":"a","A":"c"\}\}$/);
  });

  test('.sig manifest and config of one signature', () => {
    const { data: _, ...layer } = signatureLayer(plain, fromBase64(SIGNATURE)!);
    const set = addSignatures(undefined, [layer])!;
    expect(set.config.bytes).toHaveLength(233);
    expect(set.config.descriptor.digest).toBe(
      'sha256:0e1a4bbb909d556ebfeb86a3d450fd6d7ec94a053b30555414282b022f30b014',
    );
    expect(set.manifest.bytes).toHaveLength(558);
    expect(set.manifest.descriptor.digest).toBe(
      'sha256:0fadad64fa822579d445d2f82e940e230c4a60f0307b62d750ff7d602b4514cf',
    );
  });

  test('DSSE pre-authentication encoding', () => {
    const statement =
      `{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"${'ab'.repeat(32)}"},"annotations":{}}],` +
      `"predicateType":"${SIGN_PREDICATE_TYPE}","predicate":{}}`;
    expect(statement).toHaveLength(230);
    expect(computeDigest(preAuthEncoding(IN_TOTO_PAYLOAD_TYPE, utf8(statement)))).toBe(
      'sha256:a17600548857ec05c6a6b6f32200718516e33c9595092692582d2da2ac62ad47',
    );
    expect(computeDigest(preAuthEncoding(IN_TOTO_PAYLOAD_TYPE, utf8('{}')))).toBe(
      'sha256:4842cb1ba6fed6e460d8a0d56f6b64ccf1f1e11f7714a7f282080d5780251b63',
    );
  });

  test('the escapes of Go for control characters', () => {
    expect(goJsonString('\b\f\n\r\t\u0000\u001f\u007f"\\')).toBe(
      '"\\b\\f\\n\\r\\t\\u0000\\u001f\u007f\\"\\\\"',
    );
  });
});

describe('payload', () => {
  const good = `{"critical":{"identity":{"docker-reference":"r.example/a"},"image":{"docker-manifest-digest":"${image}"},"type":"t"},"optional":{"k":"v","n":1}}`;

  test('reads what it says', () => {
    expect(parsePayload(utf8(good))).toEqual({
      dockerReference: 'r.example/a',
      manifestDigest: image,
      type: 't',
      annotations: { k: 'v', n: 1 },
    });
  });

  test('annotations may differ by case alone', () => {
    expect(parsePayload(utf8(good.replace('"n":1', '"K":"w"'))).annotations).toEqual({ k: 'v', K: 'w' });
  });

  test('null means no annotations', () => {
    expect(parsePayload(utf8(good.replace('{"k":"v","n":1}', 'null'))).annotations).toEqual({});
  });

  // Each is the good payload with one defect.
  test.each([
    ['a duplicate key', good.replace('"k":"v"', '"k":"v","k":"w"')],
    [
      'a duplicate digest',
      good.replace('"image":{', `"image":{"docker-manifest-digest":"sha256:${'cd'.repeat(32)}",`),
    ],
    ['Critical beside critical', good.replace('"optional"', '"Critical":{},"optional"')],
    ['Critical instead of critical', good.replace('"critical"', '"Critical"')],
    ['TYPE beside type', good.replace('"type"', '"TYPE":1,"type"')],
    ['an unknown member of critical', good.replace('"type"', '"more":1,"type"')],
    ['an unknown member', good.replace('"optional"', '"more":1,"optional"')],
    ['a digest with a path in it', good.replace(image, 'sha256:../../x')],
    ['an upper-case digest', good.replace(image, image.toUpperCase().replace('SHA256', 'sha256'))],
    ['a number where the type should be', good.replace('"type":"t"', '"type":1')],
    ['text behind the document', `${good} x`],
    ['a byte order mark', `\ufeff${good}`],
    ['half a document', good.slice(0, -5)],
    ['an array', '[]'],
    ['nothing', ''],
  ])('refuses %s', (_, bad) => {
    expect(codeOf(() => parsePayload(utf8(bad)))).toBe('format-payload');
    expect(codeOf(() => parsePayload(utf8(good)))).toBeUndefined();
  });

  test('refuses a payload beyond the limit before parsing it', () => {
    expect(codeOf(() => parsePayload(new Uint8Array(1024 * 1024 + 1)))).toBe('limit-exceeded');
  });
});

describe('signature manifest', () => {
  const payload = utf8('{}');
  const layer = (n: number) => signatureLayer(payload, Uint8Array.of(n));

  test('adds what is missing and keeps what is there, in order', () => {
    const one = addSignatures(undefined, [layer(1)])!;
    const both = addSignatures(one.manifest, [layer(1), layer(2)])!;
    expect(parseSignatureManifest(both.manifest).map(l => l.signature)).toEqual([Buffer.of(1), Buffer.of(2)]);
    expect(addSignatures(both.manifest, [layer(2)])).toBeUndefined();
  });

  test('two signatures over one payload are two layers', () => {
    const set = addSignatures(undefined, [layer(1), layer(2)])!;
    const layers = parseSignatureManifest(set.manifest);
    expect(layers.map(l => l.index)).toEqual([0, 1]);
    expect(layers[0]?.payload.digest).toBe(layers[1]?.payload.digest);
  });

  test('keeps layers of other kinds, and the media types of a manifest that another tool made', () => {
    const foreign: Descriptor = {
      mediaType: 'application/x',
      digest: image,
      size: 1,
      annotations: { z: '1' },
    };
    const config = { mediaType: MEDIA_TYPES.dockerConfig, digest: image, size: 2 };
    const current = serializeManifest({ mediaType: MEDIA_TYPES.dockerManifest, config, layers: [foreign] });
    const set = addSignatures(current, [layer(1)])!;
    const manifest = parseManifest(set.manifest);
    expect(manifest).toMatchObject({
      mediaType: MEDIA_TYPES.dockerManifest,
      config: { mediaType: MEDIA_TYPES.dockerConfig },
    });
    expect(manifest.kind === 'image' && manifest.layers[0]).toEqual(foreign);
    expect(parseSignatureManifest(set.manifest)).toHaveLength(1);
  });

  test('never overwrites an index that lies under the tag', () => {
    const index = serializeManifest({ manifests: [] });
    expect(codeOf(() => addSignatures(index, [layer(1)]))).toBe('format-manifest');
    expect(codeOf(() => parseSignatureManifest(index))).toBe('format-manifest');
  });

  test('looks at 1000 signatures and not at 1001', () => {
    const config = { mediaType: MEDIA_TYPES.ociConfig, digest: image, size: 2 };
    const many = (n: number) =>
      serializeManifest({
        config,
        layers: Array.from({ length: n }, (_, i) => ({
          ...plainLayer,
          annotations: { [SIGNATURE_ANNOTATION]: toBase64(utf8(`${i}`)) },
        })),
      });
    const plainLayer = { mediaType: MEDIA_TYPES.simpleSigning, digest: image, size: 2 };
    expect(parseSignatureManifest(many(1000))).toHaveLength(1000);
    expect(codeOf(() => parseSignatureManifest(many(1001)))).toBe('limit-exceeded');
    expect(codeOf(() => addSignatures(many(1000), [layer(1)]))).toBe('limit-exceeded');
  });

  test('a signature annotation that is not base64 is no signature', () => {
    const set = addSignatures(undefined, [
      { ...layer(1), annotations: { [SIGNATURE_ANNOTATION]: 'not base64' } },
    ])!;
    expect(parseSignatureManifest(set.manifest)[0]?.signature).toBeUndefined();
  });
});

// biome-ignore lint/suspicious/noExplicitAny: the tests break the document in every way
type LooseBundle = any;

describe('bundle', () => {
  const statement = serializeSignStatement({
    repository: 'r.example/a',
    manifestDigest: image,
    annotations: { k: '<v>' },
  });
  const bytes = serializeBundle({ statement, signature: Uint8Array.of(1, 2, 3), keyHint: 'aGludA==' });
  const good = JSON.parse(text(bytes));
  const variant = (change: (bundle: LooseBundle) => void) => {
    const copy = structuredClone(good);
    change(copy);
    return utf8(JSON.stringify(copy));
  };

  test('reads what it wrote', () => {
    const bundle = parseBundle(bytes);
    expect(bundle).toMatchObject({
      material: 'public-key',
      keyHint: 'aGludA==',
      transparencyLogEntries: 0,
      timestamps: 0,
    });
    expect(Buffer.from(bundle.payload)).toEqual(Buffer.from(statement));
    expect(Buffer.from(signedBytes(bundle))).toEqual(
      Buffer.from(preAuthEncoding(IN_TOTO_PAYLOAD_TYPE, statement)),
    );
    expect(parseStatement(bundle.payload)).toEqual({
      type: 'https://in-toto.io/Statement/v1',
      predicateType: SIGN_PREDICATE_TYPE,
      subjects: [{ name: 'r.example/a', digest: { sha256: 'ab'.repeat(32) }, annotations: { k: '<v>' } }],
    });
  });

  test('accepts what other writers vary: base64 alphabet, empty keyid, empty lists, older versions', () => {
    expect(
      parseBundle(
        variant(b => {
          b.mediaType = 'application/vnd.dev.sigstore.bundle+json;version=0.2';
          b.dsseEnvelope.signatures[0] = { sig: '-_8', keyid: '' };
          b.verificationMaterial.tlogEntries = [];
          b.verificationMaterial.timestampVerificationData = { rfc3161Timestamps: [] };
        }),
      ).signature,
    ).toEqual(Buffer.of(0xfb, 0xff));
  });

  test.each<[string, (bundle: LooseBundle) => void]>([
    ['a later version', b => (b.mediaType = 'application/vnd.dev.sigstore.bundle.v0.4+json')],
    ['no version', b => delete b.mediaType],
    ['an unknown member', b => (b.more = 1)],
    ['a member in another case', b => (b.DsseEnvelope = b.dsseEnvelope)],
    ['two kinds of verification material', b => (b.verificationMaterial.certificate = { rawBytes: '' })],
    ['no verification material', b => delete b.verificationMaterial.publicKey],
    ['two signatures', b => b.dsseEnvelope.signatures.push({ sig: 'AA==' })],
    ['no signature', b => (b.dsseEnvelope.signatures = [])],
    ['a signature that is not base64', b => (b.dsseEnvelope.signatures[0].sig = '*')],
    [
      'a message signature',
      b => {
        delete b.dsseEnvelope;
        b.messageSignature = {};
      },
    ],
  ])('refuses %s', (_, change) => {
    expect(codeOf(() => parseBundle(variant(change)))).toBe('format-bundle');
    expect(codeOf(() => parseBundle(variant(() => {})))).toBeUndefined();
  });

  test('refuses more log entries and subjects than the limits', () => {
    const entries = (n: number) => variant(b => (b.verificationMaterial.tlogEntries = Array(n).fill({})));
    expect(parseBundle(entries(32)).transparencyLogEntries).toBe(32);
    expect(codeOf(() => parseBundle(entries(33)))).toBe('limit-exceeded');
    const subjects = (n: number) =>
      utf8(JSON.stringify({ _type: 't', predicateType: 'p', subject: Array(n).fill({ digest: {} }) }));
    expect(parseStatement(subjects(1024)).subjects).toHaveLength(1024);
    expect(codeOf(() => parseStatement(subjects(1025)))).toBe('limit-exceeded');
  });
});

describe('referrer', () => {
  const bundle = utf8('{"mediaType":"x"}');
  const subject = { mediaType: MEDIA_TYPES.ociManifest, digest: image, size: 10 };
  const manifest = bundleManifest(bundle, subject, '2026-01-02T03:04:05Z');

  test('has the members of a cosign 3 referrer, in its order', () => {
    const document = JSON.parse(text(manifest.bytes));
    expect(Object.keys(document)).toEqual([
      'schemaVersion',
      'mediaType',
      'config',
      'layers',
      'annotations',
      'subject',
      'artifactType',
    ]);
    expect(document.config.digest).toBe(
      'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
    );
    expect(document.layers[0].data).toBe(toBase64(bundle));
    expect(document.annotations).toEqual({
      'dev.sigstore.bundle.content': 'dsse-envelope',
      'dev.sigstore.bundle.predicateType': SIGN_PREDICATE_TYPE,
      'org.opencontainers.image.created': '2026-01-02T03:04:05Z',
    });
  });

  test('is recognised by what it holds, for the image it refers to', () => {
    expect(parseReferrer(manifest, image)).toMatchObject({ kind: 'bundle', bundle: { size: bundle.length } });
    const other = parseDigest(`sha256:${'cd'.repeat(32)}`);
    expect(codeOf(() => parseReferrer(manifest, other))).toBe('sig-wrong-subject');
  });

  test('is not missed because an old client described it badly', () => {
    const wants = () => true;
    const listed = (artifactType?: string): Descriptor => ({
      ...manifest.descriptor,
      ...(artifactType && { artifactType }),
    });
    expect(mayHoldSignatures(listed(), wants)).toBe(true);
    expect(mayHoldSignatures(listed(MEDIA_TYPES.ociEmpty), wants)).toBe(true);
    expect(mayHoldSignatures(listed(MEDIA_TYPES.sigstoreBundle), wants)).toBe(true);
    expect(mayHoldSignatures(listed('application/spdx+json'), wants)).toBe(false);
  });

  test('inlined data must match the descriptor', () => {
    const forged = text(manifest.bytes).replace(toBase64(bundle), toBase64(utf8('{"mediaType":"y"}')));
    const raw = rawManifest(MEDIA_TYPES.ociManifest, utf8(forged));
    expect(codeOf(() => parseReferrer(raw, image))).toBe('oci-digest-mismatch');
  });
});
