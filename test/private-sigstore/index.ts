import { startFulcio, type TestFulcio } from './fulcio.js';
import { startIssuer, type TestIssuer, type TokenClaims } from './issuer.js';
import { startRekorV1, type TestLog } from './rekor-v1.js';
import { startRekorV2 } from './rekor-v2.js';
import { startTimestampAuthority, type TestTimestampAuthority } from './timestamp-authority.js';

/** A whole private deployment of sigstore in this process: five web services on loopback. */
export interface PrivateSigstore {
  readonly issuer: TestIssuer;
  readonly fulcio: TestFulcio;
  readonly rekorV1: TestLog;
  readonly rekorV2: TestLog;
  readonly timestamps: TestTimestampAuthority;
  /** What verifiers go by, as `trusted_root.json`. */
  trustedRoot(): string;
  /** What signers go by, as `signing_config.v0.2.json`, with the log of this version. */
  signingConfig(log?: 1 | 2): string;
  close(): Promise<void>;
}

export async function startPrivateSigstore(user?: TokenClaims): Promise<PrivateSigstore> {
  const issuer = await startIssuer(user);
  const [fulcio, rekorV1, rekorV2, timestamps] = await Promise.all([
    startFulcio(issuer),
    startRekorV1(),
    startRekorV2(),
    startTimestampAuthority(),
  ]);
  // Nothing here is older than this process.
  const validFor = { start: new Date(Math.floor(Date.now() / 1000) * 1000 - 60_000).toISOString() };
  const logOf = (url: URL, publicKey: Buffer, keyId: Buffer, keyDetails: string) => ({
    baseUrl: url.origin,
    hashAlgorithm: 'SHA2_256',
    publicKey: { rawBytes: publicKey.toString('base64'), keyDetails, validFor },
    logId: { keyId: keyId.toString('base64') },
  });
  const authorityOf = (url: URL, chain: readonly Buffer[]) => ({
    subject: { organization: 'sigstore.mock', commonName: 'sigstore' },
    uri: url.origin,
    certChain: { certificates: chain.map(der => ({ rawBytes: der.toString('base64') })) },
    validFor,
  });
  const { certificateLog } = fulcio;
  const serviceOf = (url: URL, majorApiVersion: number) => ({
    url: url.href.replace(/\/$/, ''),
    majorApiVersion,
    validFor,
    operator: 'private.test',
  });
  return {
    issuer,
    fulcio,
    rekorV1,
    rekorV2,
    timestamps,
    trustedRoot: () =>
      JSON.stringify({
        mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
        tlogs: [rekorV1, rekorV2].map(({ service, publicKey, keyId, keyDetails }) =>
          logOf(service.url, publicKey, keyId, keyDetails),
        ),
        certificateAuthorities: [authorityOf(fulcio.service.url, [fulcio.root])],
        ctlogs: [
          logOf(
            new URL('http://ctlog.test/'),
            certificateLog.publicKey,
            certificateLog.keyId,
            'PKIX_ECDSA_P256_SHA_256',
          ),
        ],
        timestampAuthorities: [authorityOf(timestamps.service.url, timestamps.chain)],
      }),
    signingConfig: (log = 1) =>
      JSON.stringify({
        mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
        caUrls: [serviceOf(fulcio.service.url, 1)],
        oidcUrls: [serviceOf(issuer.service.url, 1)],
        rekorTlogUrls: [serviceOf((log === 1 ? rekorV1 : rekorV2).service.url, log)],
        rekorTlogConfig: { selector: 'ANY' },
        tsaUrls: [serviceOf(timestamps.url, 1)],
        tsaConfig: { selector: 'ANY' },
      }),
    close: async () => {
      const services = [issuer, fulcio, rekorV1, rekorV2, timestamps];
      await Promise.all(services.map(({ service }) => service.close()));
    },
  };
}
