import { createPublicKey, generateKeyPairSync, verify, X509Certificate } from 'node:crypto';
import { initializeCA, initializeCTLog } from '@sigstore/mock';
import { type HttpService, json, startHttpService } from './http-service.js';
import type { TestIssuer } from './issuer.js';

export interface TestFulcio {
  readonly service: HttpService;
  /** DER. */
  readonly root: Buffer;
  readonly certificateLog: { readonly publicKey: Buffer; readonly keyId: Buffer };
}

const ISSUER = '1.3.6.1.4.1.57264.1.1';
const ISSUER_V2 = '1.3.6.1.4.1.57264.1.8';

/** A Fulcio with a log of certificates, around the authority of `@sigstore/mock`, that believes tokens of one issuer. */
export async function startFulcio(issuer: TestIssuer): Promise<TestFulcio> {
  const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const log = await initializeCTLog(pair());
  const authority = await initializeCA(pair(), log);
  const root = bytesOf(authority.rootCertificate);
  const pem = (der: Uint8Array) => new X509Certificate(der).toString();
  const service = await startHttpService(async ({ method, url, headers, body }) => {
    if (method !== 'POST' || url.pathname !== '/api/v2/signingCert') return undefined;
    const { publicKeyRequest } = JSON.parse(body.toString());
    const claims = issuer.verify((headers.authorization ?? '').replace(/^Bearer /, ''));
    if (claims === undefined)
      return json({ code: 16, message: 'There was an error processing the identity token' }, 401);
    const principal = String(claims['email'] ?? claims['sub']);
    const key = createPublicKey(publicKeyRequest.publicKey.content);
    const proof = Buffer.from(publicKeyRequest.proofOfPossession, 'base64');
    if (!verify('sha256', Buffer.from(principal), key, proof))
      return json({ code: 3, message: 'The signature supplied in the request could not be verified' }, 400);
    const leaf = await authority.issueCertificate({
      publicKey: key.export({ type: 'spki', format: 'der' }) as Buffer<ArrayBuffer>,
      subjectAltName: principal,
      extensions: [
        { oid: ISSUER, value: issuer.name, legacy: true },
        { oid: ISSUER_V2, value: issuer.name },
      ],
    });
    return json({
      signedCertificateEmbeddedSct: { chain: { certificates: [pem(bytesOf(leaf)), pem(root)] } },
    });
  });
  return { service, root, certificateLog: { publicKey: log.publicKey, keyId: bytesOf(log.logID) } };
}

export function bytesOf(view: ArrayBufferView): Buffer {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}
