import { generateKeyPairSync, sign } from 'node:crypto';
import canonicalize from 'canonicalize';
import { json, type Reply, type ServiceCall, startHttpService } from './http-service.js';
import { MerkleTree, sha256 } from './merkle.js';
import { OTHERS, type TestLog } from './rekor-v1.js';

/** A Rekor of the second version: a log of tiles with an Ed25519 key, whose entries have no time. */
export async function startRekorV2(): Promise<TestLog> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const tree = new MerkleTree();
  for (const other of OTHERS) tree.add(other);
  const service = await startHttpService(({ method, url, body }: ServiceCall): Reply => {
    if (method !== 'POST' || url.pathname !== '/api/v2/log/entries') return undefined;
    const { hashedRekordRequestV002: request } = JSON.parse(body.toString());
    const entry = Buffer.from(
      canonicalize({
        apiVersion: '0.0.2',
        kind: 'hashedrekord',
        spec: {
          hashedRekordV002: {
            data: { algorithm: 'SHA2_256', digest: request.digest },
            signature: request.signature,
          },
        },
      }) ?? '',
    );
    const index = tree.add(entry);
    const added = {
      logIndex: String(index),
      logId: { keyId: keyId.toString('base64') },
      kindVersion: { kind: 'hashedrekord', version: '0.0.2' },
      integratedTime: '0',
      inclusionPromise: null,
      inclusionProof: {
        logIndex: String(index),
        rootHash: tree.root().toString('base64'),
        treeSize: String(tree.size),
        hashes: tree.proof(index).map(hash => hash.toString('base64')),
        checkpoint: { envelope: checkpoint() },
      },
      canonicalizedBody: entry.toString('base64'),
    };
    return json(added, 201);
  });
  // A note is signed under the name of the host (C2SP signed-note and tlog-checkpoint).
  const origin = service.url.hostname;
  const keyId = sha256(Buffer.from(`${origin}\n`), Uint8Array.of(1), spki.subarray(-32));
  const checkpoint = () => {
    const text = `${origin}\n${tree.size}\n${tree.root().toString('base64')}\n`;
    const signature = Buffer.concat([keyId.subarray(0, 4), sign(null, Buffer.from(text), privateKey)]);
    return `${text}\n— ${origin} ${signature.toString('base64')}\n`;
  };
  return { service, publicKey: spki, keyId, keyDetails: 'PKIX_ED25519' };
}
