import { createHash, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { toBase64, utf8 } from '../../../../src/base/bytes.js';
import { generateKey, openPrivateKey, type PrivateKey } from '../../../../src/crypto/index.js';
import { openPkcs8 } from '../../../../src/crypto/private-key.js';
import { encodeCanonical } from '../../../../src/tuf/index.js';
import { computeNotaryKeyid, type NotaryFiles } from '../../../../src/tuf/notary/index.js';
import type { Loose } from '../simulator.js';

/** What notary 0.7.0 left on disk: see the README beside it. */
export const TRUST = fileURLToPath(new URL('../../../vectors/tuf/docker-trust', import.meta.url));
export const GUN = 'registry.example/team/app';
/** The recorded timestamp holds at this time. */
export const THEN = new Date('2026-11-29T00:00:00Z');
/** As notary names them; the root's certificate is of the first. */
export const KEYS = {
  root: ['4b1f581a1cf11d362057ae1fdb75537cf923a58f02747525e1d81ad67ce92fea', 'rootpass1'],
  otherRoot: ['17ee6675515b787a1e54edb006f9bdbbe6ee67aa39223e127b6207934a6083c0', 'rootpass1'],
  targets: ['b4c8cd349af74df97e474afad4d7c8557b43063b45206ddbcb1f4be6af39eafc', 'targetspass1'],
  alice: ['0928289c08e139cb16879e5562a10ac0c4c9c3905212577727e7bb0749e3e601', 'delegpass1'],
  bob: ['265589fb20935af06e0e474860a56a38316a20f1bb20a8f661dd51d5e90ef19f', 'delegpass1'],
} as const;

const ROLES = ['timestamp', 'snapshot', 'targets', 'targets/releases', 'targets/alice', 'targets/bob'];
const file = (role: string): Uint8Array => readFileSync(`${TRUST}/tuf/${GUN}/metadata/${role}.json`);

export function recorded(): NotaryFiles {
  return { gun: GUN, roots: [file('root')], metadata: new Map(ROLES.map(role => [role, file(role)])) };
}

export function recordedKey(name: keyof typeof KEYS): Promise<PrivateKey> {
  const [keyid, password] = KEYS[name];
  const path = `${TRUST}/private/${keyid}.key`;
  return openPrivateKey(readFileSync(path), path, async () => utf8(password)).then(({ key }) => key);
}

/**
 * The recorded repository with its own root key, and new keys for everything else: whoever holds all keys can publish
 * whatever they like. Change payloads, then ask for the files.
 */
export class NotarySimulator {
  readonly signed: Record<string, Loose> = {};
  /** By role: private keys that sign it, with the keyid that the signature states. */
  readonly signers: Record<string, { keyid: string; key: PrivateKey }[]> = {};
  /** Roles that snapshot or timestamp list as they were when this was set. */
  readonly frozen = new Map<string, Uint8Array>();

  static async create(): Promise<NotarySimulator> {
    const simulator = new NotarySimulator();
    for (const role of ['root', ...ROLES])
      simulator.signed[role] = JSON.parse(Buffer.from(file(role)).toString()).signed;
    const root = simulator.signed['root'];
    const [rootKeyid] = root.roles.root.keyids;
    simulator.signers['root'] = [{ keyid: rootKeyid, key: await recordedKey('root') }];
    for (const role of ['timestamp', 'snapshot']) {
      const key = await generateKey('ecdsa-p256');
      const [keyid, value] = notaryKey(key);
      root.keys[keyid] = value;
      root.roles[role].keyids = [keyid];
      simulator.signers[role] = [{ keyid, key }];
    }
    const own = async (name: keyof typeof KEYS, keyids: string[]) => [
      { keyid: keyids[0] as string, key: await recordedKey(name) },
    ];
    simulator.signers['targets'] = await own('targets', root.roles.targets.keyids);
    const delegated = (role: string) => simulator.delegation(role).keyids;
    simulator.signers['targets/releases'] = await own('alice', [KEYS.alice[0]]);
    simulator.signers['targets/alice'] = await own('alice', delegated('targets/alice'));
    simulator.signers['targets/bob'] = await own('bob', delegated('targets/bob'));
    return simulator;
  }

  delegation(role: string): Loose {
    return this.signed['targets'].delegations.roles.find(({ name }: Loose) => name === role);
  }

  /** A role's file as it would be published now. */
  file(role: string, change: (envelope: Loose) => void = () => {}): Uint8Array {
    const signed = this.signed[role];
    const bytes = encodeCanonical(signed);
    const signatures = (this.signers[role] ?? []).map(({ keyid, key }) => ({
      keyid,
      method: 'ecdsa',
      sig: toBase64(sign('sha256', bytes, { key: openPkcs8(key.pkcs8), dsaEncoding: 'ieee-p1363' })),
    }));
    const envelope = { signed, signatures };
    change(envelope);
    return utf8(JSON.stringify(envelope));
  }

  /** Everything, listed as it is; `change` may replace files afterwards. */
  files(change: (files: Map<string, Uint8Array>) => void = () => {}, older: Uint8Array[] = []): NotaryFiles {
    const metadata = new Map<string, Uint8Array>();
    const root = this.file('root');
    const meta = this.signed['snapshot'].meta;
    for (const role of ROLES.slice(2)) {
      if (!this.signed[role]) continue;
      const bytes = this.frozen.get(role) ?? this.file(role);
      metadata.set(role, bytes);
      if (meta[role]) meta[role] = describe(bytes);
    }
    meta.root = describe(root);
    metadata.set('snapshot', this.file('snapshot'));
    this.signed['timestamp'].meta.snapshot = describe(metadata.get('snapshot') as Uint8Array);
    metadata.set('timestamp', this.file('timestamp'));
    change(metadata);
    return { gun: GUN, roots: [...older, root], metadata };
  }
}

export function notaryKey(key: PrivateKey): readonly [string, Loose] {
  const value = toBase64(key.publicKey.spki);
  const keytype = key.publicKey.kind.split('-')[0] as string;
  return [computeNotaryKeyid(keytype, value), { keytype, keyval: { private: null, public: value } }];
}

function describe(bytes: Uint8Array): Loose {
  const sha256 = createHash('sha256').update(bytes).digest('base64');
  return { length: bytes.length, hashes: { sha256 } };
}
