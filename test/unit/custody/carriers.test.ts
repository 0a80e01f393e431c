import { describe, expect, test } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import {
  CLAIM_PREDICATE_TYPE,
  claimDigest,
  cosignAnnotations,
  readMark,
  serializeClaimStatement,
  serializeMarkPayload,
  serializeMarkStatement,
  type VerifiedDocument,
} from '../../../src/custody/index.js';
import { IN_TOTO_PAYLOAD_TYPE } from '../../../src/signature/dsse.js';
import { parsePayload, serializePayload } from '../../../src/signature/payload.js';
import { parseStatement, serializeSignStatement } from '../../../src/signature/statement.js';
import { codeOf, text } from '../support.js';
import { APP, BASE, buildLinks, buildWithdrawal, digestOf, REPOSITORY, RUNTIME } from './world.js';

const links = buildLinks([BASE, RUNTIME, APP]);
const { claim, digest } = links[2]!;
const subject = claim.subject.manifest.digest;
const withdrawal = buildWithdrawal(links[0]!, 'base');

const payload = text(serializeMarkPayload(claim, 'touchmark/0.1.0'));
const statement = text(serializeMarkStatement(claim));
const asPayload = (json: string): VerifiedDocument => ({
  carrier: 'simplesigning',
  payload: utf8(json),
  payloadType: undefined,
});
const asStatement = (json: string): VerifiedDocument => ({
  carrier: 'bundle',
  payload: utf8(json),
  payloadType: IN_TOTO_PAYLOAD_TYPE,
});
/** A payload or a statement, about to be spoilt. */
interface Spoilt {
  critical: {
    identity: Record<string, unknown>;
    image?: Record<string, unknown>;
    type: unknown;
    extra?: unknown;
  };
  optional: Record<string, unknown>;
  subject: [{ digest: Record<string, unknown>; name?: unknown }, ...unknown[]];
  predicateType: unknown;
  _type: unknown;
}
const editPayload = (edit: (document: Spoilt) => unknown) => {
  const document = JSON.parse(payload);
  edit(document);
  return codeOf(() => readMark(asPayload(JSON.stringify(document))));
};
const editStatement = (edit: (document: Spoilt) => unknown, source = statement) => {
  const document = JSON.parse(source);
  edit(document);
  return codeOf(() => readMark(asStatement(JSON.stringify(document))));
};

describe('a mark', () => {
  test('is read back from both carriers', () => {
    expect(readMark(asPayload(payload))?.digest).toBe(digest);
    expect(readMark(asStatement(statement))?.digest).toBe(digest);
    expect(readMark(asPayload(payload))?.claim).toEqual(readMark(asStatement(statement))?.claim);
  });

  test('is what cosign and podman take for a signature of this image', () => {
    const read = parsePayload(utf8(payload));
    expect(read).toMatchObject({ dockerReference: REPOSITORY, manifestDigest: subject });
    expect(read.annotations['creator']).toBe('touchmark/0.1.0');
    expect(read.annotations['timestamp']).toBe(Date.parse(claim.time) / 1000);
    expect(read.annotations['custody.team']).toBe('app');
    expect(parseStatement(utf8(statement)).subjects).toMatchObject([
      { name: REPOSITORY, digest: { sha256: subject.slice(7) } },
    ]);
  });

  test('can be made by a team that has only cosign', () => {
    const annotations = cosignAnnotations(claim);
    for (const value of Object.values(annotations)) expect(value).not.toMatch(/[,=\s]/);
    const signed = { dockerReference: REPOSITORY, manifestDigest: subject, annotations };
    expect(readMark(asPayload(text(serializePayload(signed))))?.digest).toBe(digest);
    const bundle = serializeSignStatement({ repository: REPOSITORY, manifestDigest: subject, annotations });
    expect(readMark(asStatement(text(bundle)))?.digest).toBe(digest);
  });

  test('is not seen in an ordinary signature', () => {
    const annotations = { 'custody.team': 'app' };
    const plain = { dockerReference: REPOSITORY, manifestDigest: subject, annotations };
    expect(readMark(asPayload(text(serializePayload(plain))))).toBeUndefined();
    const bundle = serializeSignStatement({ repository: REPOSITORY, manifestDigest: subject, annotations });
    expect(readMark(asStatement(text(bundle)))).toBeUndefined();
    expect(readMark({ ...asStatement('junk'), payloadType: 'text/plain' })).toBeUndefined();
  });

  test.each<[string, (document: Spoilt) => unknown]>([
    ['another image', d => ((d.critical.image ?? {})['docker-manifest-digest'] = digestOf('other'))],
    [
      'another repository',
      d => (d.critical.identity['docker-reference'] = 'registry.example.com/shop/other'),
    ],
    ['another type', d => (d.critical.type = 'atomic container signature')],
    ['another team beside it', d => (d.optional['custody.team'] = 'base')],
    ['another step beside it', d => (d.optional['custody.step'] = 'base')],
    ['another digest beside it', d => (d.optional['custody.claim'] = digestOf('other'))],
    ['a team that is no text', d => (d.optional['custody.team'] = ['app'])],
    ['the claim twice', d => (d.optional['custody64'] = cosignAnnotations(claim)['custody64'])],
    ['no signed digest', d => delete d.critical.image],
    ['an unknown critical member', d => (d.critical.extra = 1)],
  ])('is refused with %s', (_what, edit) => {
    expect(editPayload(() => undefined)).toBeUndefined();
    expect(editPayload(edit)).toBe('payload-inconsistent');
  });

  test.each<[string, (document: Spoilt) => unknown]>([
    ['another image', d => (d.subject[0].digest['sha256'] = digestOf('other').slice(7))],
    ['a second digest', d => (d.subject[0].digest['sha512'] = 'a'.repeat(128))],
    ['a second subject', d => d.subject.push({ digest: { sha256: digestOf('other').slice(7) } })],
    ['a first subject before it', d => d.subject.unshift({ digest: { sha256: digestOf('x').slice(7) } })],
    ['another name', d => (d.subject[0].name = 'registry.example.com/shop/other')],
    ['another predicate', d => (d.predicateType = 'https://slsa.dev/provenance/v1')],
    ['another kind of statement', d => (d._type = 'https://in-toto.io/Statement/v0.1')],
  ])('in a statement is refused with %s', (_what, edit) => {
    expect(editStatement(() => undefined)).toBeUndefined();
    expect(editStatement(d => delete d.subject[0].name)).toBeUndefined();
    expect(editStatement(edit)).toBe('payload-inconsistent');
  });

  test.each([
    ['a duplicate key', payload.replace('"optional":', '"optional":{},"optional":')],
    ['a duplicate key inside the claim', payload.replace('"seq":2', '"seq":2,"seq":2')],
    ['a key that differs in case', payload.replace('"critical":', '"Critical":{},"critical":')],
    ['a key that differs in case below', payload.replace('"image":', '"Image":{},"image":')],
    ['text behind it', `${payload}{}`],
  ])('is ambiguous with %s', (_what, json) => {
    expect(json).not.toBe(payload);
    expect(codeOf(() => readMark(asPayload(json)))).toBe('payload-ambiguous');
  });
});

describe('a withdrawal', () => {
  const own = text(serializeClaimStatement(withdrawal));

  test('is read back, and never names an image as its subject', () => {
    expect(readMark(asStatement(own))).toMatchObject({ digest: claimDigest(withdrawal) });
    const digests = parseStatement(utf8(own)).subjects.map(entry => entry.digest['sha256']);
    expect(digests).toEqual([links[0]!.digest.slice(7)]);
    expect(digests).not.toContain(withdrawal.subject.manifest.digest.slice(7));
  });

  test('is refused in the clothes of a signature', () => {
    expect(codeOf(() => serializeMarkPayload(withdrawal as never, 'x'))).toBe('kind-invalid');
    expect(codeOf(() => serializeMarkStatement(withdrawal as never))).toBe('kind-invalid');
    expect(codeOf(() => cosignAnnotations(withdrawal as never))).toBe('kind-invalid');
    expect(codeOf(() => serializeClaimStatement(claim as never))).toBe('kind-invalid');
    const forged = (document: Spoilt) => {
      document.optional = { custody: withdrawal };
      (document.critical.image ?? {})['docker-manifest-digest'] = withdrawal.subject.manifest.digest;
      document.critical.identity['docker-reference'] = withdrawal.repo;
    };
    expect(editPayload(forged)).toBe('payload-inconsistent');
  });

  test('is the only kind read from a statement about claims: exported marks count for nothing', () => {
    const exported = JSON.parse(statement);
    delete exported.subject[0].annotations;
    const about = { ...exported, predicateType: CLAIM_PREDICATE_TYPE, predicate: claim };
    expect(readMark(asStatement(JSON.stringify(about)))).toBeUndefined();
  });

  test('is refused when its statement is about anything else', () => {
    const edit = (change: (document: Spoilt) => unknown) => editStatement(change, own);
    expect(edit(() => undefined)).toBeUndefined();
    expect(edit(d => (d.subject[0].digest['sha256'] = withdrawal.subject.manifest.digest.slice(7)))).toBe(
      'payload-inconsistent',
    );
    expect(edit(d => (d._type = 'https://in-toto.io/Statement/v0.1'))).toBe('payload-inconsistent');
    expect(edit(d => d.subject.push(d.subject[0]))).toBe('payload-inconsistent');
  });
});
