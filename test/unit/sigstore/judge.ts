import { type PublicKey, parsePublicKey } from '../../../src/crypto/index.js';
import {
  type BundlePolicy,
  type BundleResult,
  parseSigstoreBundle,
  parseTrustedRoot,
  verifyBundle,
} from '../../../src/sigstore/index.js';
import { ARTIFACT, type Deployment, ISSUER, type Loose, SUBJECT } from './deployment.js';

export const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

export const IDENTITY: BundlePolicy = {
  signer: { kind: 'identity', anyOf: [{ subject: { exact: SUBJECT }, issuer: { exact: ISSUER } }] },
  artifact: { digests: {}, bytes: ARTIFACT },
  predicateTypes: ['https://sigstore.dev/cosign/sign/v1'],
  logs: 1,
  time: { kind: 'vouched', sources: 1 },
};

export async function judge(
  bundle: Loose,
  root: Loose,
  policy: Partial<BundlePolicy> = {},
): Promise<BundleResult> {
  return verifyBundle(parseSigstoreBundle(bytes(bundle)), parseTrustedRoot(bytes(root)), {
    ...IDENTITY,
    ...policy,
  });
}

/** `ok`, or the step and the reason. */
export function verdict(result: BundleResult): string {
  return result.ok ? 'ok' : `${result.checks.at(-1)?.name}: ${result.code}`;
}

export async function verdictOf(
  bundle: Loose,
  root: Deployment | Loose,
  policy?: Partial<BundlePolicy>,
): Promise<string> {
  return verdict(await judge(bundle, 'root' in root ? root.root() : root, policy));
}

export function publicKeyOf(pem: string | Buffer): PublicKey {
  return parsePublicKey(Buffer.from(pem), 'the key');
}
