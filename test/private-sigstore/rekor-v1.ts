import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import canonicalize from 'canonicalize';
import { type HttpService, json, type Reply, type ServiceCall, startHttpService } from './http-service.js';
import { leafHash, MerkleTree, sha256 } from './merkle.js';

export interface TestLog {
  readonly service: HttpService;
  /** SPKI, DER. */
  readonly publicKey: Buffer;
  readonly keyId: Buffer;
  readonly keyDetails: string;
}

interface Stored {
  readonly body: Buffer;
  readonly integratedTime: number;
}

/** Entries of other people's that stand in the tree of every test log, so that no proof is empty. */
export const OTHERS = ['one', 'two', 'three'].map(text => Buffer.from(JSON.stringify({ other: text })));
/** Shards before this one held so many entries: the index in all and the index in this tree differ, as they do in the real log. */
const EARLIER = 4000;

/** A Rekor of the first version: entries with a time that it signs, and a conflict for one that is there already. */
export async function startRekorV1(): Promise<TestLog> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const keyId = sha256(spki);
  const treeId = randomBytes(8);
  treeId[0] = treeId[0]! & 0x7f;
  const tree = new MerkleTree();
  const stored: Stored[] = [];
  const store = (body: Buffer) => {
    stored.push({ body, integratedTime: Math.floor(Date.now() / 1000) });
    return tree.add(body);
  };
  OTHERS.forEach(store);
  const idOf = (body: Buffer) => `${treeId.toString('hex')}${leafHash(body).toString('hex')}`;
  const checkpoint = () => {
    const origin = `rekor.test - ${treeId.readBigUInt64BE()}`;
    const text = `${origin}\n${tree.size}\n${tree.root().toString('base64')}\n`;
    const signature = Buffer.concat([keyId.subarray(0, 4), sign('sha256', Buffer.from(text), privateKey)]);
    return `${text}\n— rekor.test ${signature.toString('base64')}\n`;
  };
  const show = (index: number) => {
    const { body, integratedTime } = stored[index]!;
    const base64Body = body.toString('base64');
    const entry = {
      body: base64Body,
      integratedTime,
      logID: keyId.toString('hex'),
      logIndex: EARLIER + index,
    };
    const signed = Buffer.from(canonicalize(entry) ?? '');
    const verification = {
      inclusionProof: {
        checkpoint: checkpoint(),
        hashes: tree.proof(index).map(hash => hash.toString('hex')),
        logIndex: index,
        rootHash: tree.root().toString('hex'),
        treeSize: tree.size,
      },
      signedEntryTimestamp: sign('sha256', signed, privateKey).toString('base64'),
    };
    return { [idOf(body)]: { ...entry, verification } };
  };
  const service = await startHttpService(({ method, url, body }: ServiceCall): Reply => {
    const path = '/api/v1/log/entries';
    if (method === 'GET' && url.pathname === '/api/v1/log/publicKey')
      return { body: publicKey.export({ type: 'spki', format: 'pem' }) };
    if (method === 'GET' && url.pathname.startsWith(`${path}/`)) {
      const index = stored.findIndex(entry => url.pathname === `${path}/${idOf(entry.body)}`);
      return index < 0 ? undefined : json(show(index));
    }
    if (method !== 'POST' || url.pathname !== path) return undefined;
    const entry = canonicalEntry(JSON.parse(body.toString()));
    const known = tree.indexOf(entry);
    const reply =
      known < 0
        ? json(show(store(entry)), 201)
        : json({ code: 409, message: 'an equivalent entry already exists' }, 409);
    const id = idOf(entry);
    return { ...reply, headers: { ...reply.headers, location: `${path}/${id}`, etag: id } };
  });
  return { service, publicKey: spki, keyId, keyDetails: 'PKIX_ECDSA_P256_SHA_256' };
}

/** What the log keeps of what it is sent (`hashedrekord` and `dsse` 0.0.1). */
function canonicalEntry(proposed: {
  kind: string;
  spec: { proposedContent?: { envelope: string; verifiers: string[] } };
}): Buffer {
  if (proposed.kind !== 'dsse') return Buffer.from(canonicalize(proposed) ?? '');
  const { envelope, verifiers } = proposed.spec.proposedContent!;
  const { payload, signatures } = JSON.parse(envelope) as { payload: string; signatures: { sig: string }[] };
  const hash = (bytes: Uint8Array) => ({ algorithm: 'sha256', value: sha256(bytes).toString('hex') });
  const spec = {
    envelopeHash: hash(Buffer.from(envelope)),
    payloadHash: hash(Buffer.from(payload, 'base64')),
    signatures: signatures.map(({ sig }, i) => ({ signature: sig, verifier: verifiers[i] })),
  };
  return Buffer.from(canonicalize({ apiVersion: '0.0.1', kind: 'dsse', spec }) ?? '');
}
