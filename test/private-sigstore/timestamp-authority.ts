import { generateKeyPairSync } from 'node:crypto';
import { initializeTSA } from '@sigstore/mock';
import { DER, membersOf, parseDer } from '../../src/crypto/der.js';
import { bytesOf } from './fulcio.js';
import { type HttpService, startHttpService } from './http-service.js';

export interface TestTimestampAuthority {
  readonly service: HttpService;
  /** The whole address to ask. */
  readonly url: URL;
  /** DER, the signer first. */
  readonly chain: readonly Buffer[];
}

/** What `@sigstore/mock` makes of a request; its nonces are numbers, ours do not fit into one. */
interface Stamped {
  nonce: { constructor: unknown };
}
type HexInteger = new (value: { valueHex: Uint8Array }) => Stamped['nonce'];

/** A timestamp authority around that of `@sigstore/mock`, which knows nothing of the wire. */
export async function startTimestampAuthority(): Promise<TestTimestampAuthority> {
  const authority = await initializeTSA(generateKeyPairSync('ec', { namedCurve: 'P-256' }));
  const maker = authority as unknown as { tstInfo(request: object): Stamped };
  const plain = maker.tstInfo.bind(maker);
  let nonce: Uint8Array = new Uint8Array();
  maker.tstInfo = request => {
    const info = plain(request);
    info.nonce = new (info.nonce.constructor as HexInteger)({ valueHex: Uint8Array.from(nonce) });
    return info;
  };
  const service = await startHttpService(async ({ method, url, body }) => {
    if (method !== 'POST' || url.pathname !== '/api/v1/timestamp') return undefined;
    const members = membersOf(parseDer(body)?.[0], DER.integer, DER.sequence) ?? [];
    const [, hash] = membersOf(members[1], DER.sequence, DER.octetString) ?? [];
    nonce = members.find((member, i) => i > 1 && member.tag === DER.integer)?.content ?? Uint8Array.of(1);
    const stamped = await authority.timestamp({
      artifactHash: Buffer.from(hash?.content ?? []),
      hashAlgorithmOID: '2.16.840.1.101.3.4.2.1',
      nonce: 1,
      policyOID: '1.3.6.1.4.1.57264.2',
      certReq: true,
    });
    return {
      status: 201,
      headers: { 'content-type': 'application/timestamp-reply' },
      body: bytesOf(stamped),
    };
  });
  const chain = [bytesOf(authority.intCertificate), bytesOf(authority.rootCertificate)];
  return { service, url: new URL('/api/v1/timestamp', service.url), chain };
}
