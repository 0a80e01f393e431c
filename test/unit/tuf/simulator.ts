import { createHash } from 'node:crypto';
import { utf8 } from '../../../src/base/bytes.js';
import type { ExactJsonObject } from '../../../src/base/json.js';
import { createSigner, generateKey, type KeyKind, type Signer } from '../../../src/crypto/index.js';
import {
  computeKeyid,
  createMemoryCache,
  encodeCanonical,
  metadataName,
  openClient,
  type TufCache,
  type TufSource,
} from '../../../src/tuf/index.js';

/** A value of metadata that tests may change at will. */
// biome-ignore lint/suspicious/noExplicitAny: tests put every kind of wrong value in every place
export type Loose = any;

export interface TestKey {
  keyid: string;
  readonly key: Loose;
  readonly signer: Signer;
  /** Sign with something else than the signer; undefined leaves the signature out. */
  sign?: (bytes: Uint8Array) => string | undefined;
}

export const NOW = new Date('2030-06-01T00:00:00Z');
export const LATER = '2031-01-01T00:00:00Z';
export const PAST = '2030-05-31T23:59:59Z';

/** Keys are made once: a test that needs a new one takes the next. */
const pool: TestKey[] = [];

export async function makeKey(kind: KeyKind = 'ed25519'): Promise<TestKey> {
  // TUF goes by the hash of the curve, where touchmark signs with the one that cosign takes.
  const schemes = { 'ecdsa-p384': 'ecdsa-p384-sha384', 'ecdsa-p521': 'ecdsa-p521-sha512' } as const;
  const signer = await createSigner(
    await generateKey(kind),
    kind in schemes ? { scheme: schemes[kind as keyof typeof schemes] } : {},
  );
  const spki = Buffer.from(signer.publicKey.spki);
  const pem = `-----BEGIN PUBLIC KEY-----\n${spki.toString('base64').replace(/.{64}(?=.)/g, '$&\n')}\n-----END PUBLIC KEY-----\n`;
  const scheme =
    kind === 'ed25519'
      ? 'ed25519'
      : kind.startsWith('rsa')
        ? 'rsa-pkcs1v15-sha256'
        : `ecdsa-sha2-nist${kind.slice('ecdsa-'.length)}`;
  const keytype = kind === 'ed25519' ? 'ed25519' : kind.startsWith('rsa') ? 'rsa' : 'ecdsa';
  const value = kind === 'ed25519' ? spki.subarray(-32).toString('hex') : pem;
  const key = { keytype, scheme, keyval: { public: value } };
  return { keyid: computeKeyid(key), key, signer };
}

async function pooled(index: number): Promise<TestKey> {
  pool[index] ??= await makeKey();
  return { ...pool[index] };
}

/** A delegated role or `targets`: what it says, and who signs it. */
interface Role {
  signed: Loose;
  signers: TestKey[];
}

/**
 * A repository whose owner can do everything right and everything wrong. Change payloads and signers at will, then
 * `publish`. Files are kept by name, so that old ones can be served again.
 */
export class Simulator implements TufSource {
  readonly roles = new Map<string, Role>();
  readonly files = new Map<string, Uint8Array>();
  readonly targetFiles = new Map<string, Uint8Array>();
  /** Names asked for, in order. */
  readonly requests: string[] = [];
  /** Lists length and hashes of metadata files. */
  withHashes = false;
  #nextKey = 0;

  static async create(): Promise<Simulator> {
    const repository = new Simulator();
    const head = (type: string) => ({ _type: type, spec_version: '1.0.31', version: 1, expires: LATER });
    const root: Loose = { ...head('root'), consistent_snapshot: true, keys: {}, roles: {} };
    repository.roles.set('root', { signed: root, signers: [] });
    repository.roles.set('timestamp', {
      signed: { ...head('timestamp'), meta: { 'snapshot.json': { version: 1 } } },
      signers: [],
    });
    repository.roles.set('snapshot', {
      signed: { ...head('snapshot'), meta: { 'targets.json': { version: 1 } } },
      signers: [],
    });
    repository.roles.set('targets', { signed: { ...head('targets'), targets: {} }, signers: [] });
    for (const role of ['root', 'timestamp', 'snapshot', 'targets']) {
      root.roles[role] = { keyids: [], threshold: 1 };
      await repository.addKey(role);
    }
    repository.publishAll();
    return repository;
  }

  signed(role: string): Loose {
    return this.roles.get(role)!.signed;
  }

  newKey(): Promise<TestKey> {
    return pooled(this.#nextKey++);
  }

  /** Adds a key to a top-level role, and has it sign. */
  async addKey(role: string, key?: TestKey): Promise<TestKey> {
    const added = key ?? (await this.newKey());
    const root = this.signed('root');
    root.keys[added.keyid] = added.key;
    root.roles[role].keyids.push(added.keyid);
    this.roles.get(role)!.signers.push(added);
    return added;
  }

  /** Replaces all keys of a top-level role by one new key. */
  async rotate(role: string): Promise<TestKey> {
    this.signed('root').roles[role].keyids = [];
    this.roles.get(role)!.signers = [];
    return this.addKey(role);
  }

  /** Delegates to a role, which is made when it is not there; `more` replaces fields of the delegation. */
  async delegate(delegator: string, name: string, more: Loose = {}, key?: TestKey): Promise<TestKey> {
    const signer = key ?? (await this.newKey());
    const from = this.signed(delegator);
    from.delegations ??= { keys: {}, roles: [] };
    from.delegations.keys[signer.keyid] = signer.key;
    const role = { name, keyids: [signer.keyid], threshold: 1, terminating: false, paths: ['*'], ...more };
    for (const field of Object.keys(role)) if (role[field] === undefined) delete role[field];
    from.delegations.roles.push(role);
    this.addRole(name, signer);
    return signer;
  }

  addRole(name: string, signer: TestKey): void {
    const role = this.roles.get(name);
    if (role) role.signers.push(signer);
    else {
      const signed = { _type: 'targets', spec_version: '1.0.31', version: 1, expires: LATER, targets: {} };
      this.roles.set(name, { signed, signers: [signer] });
    }
  }

  addTarget(role: string, path: string, content: string, custom?: Loose): void {
    const bytes = utf8(content);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    this.signed(role).targets[path] = { length: bytes.length, hashes: { sha256 }, ...(custom && { custom }) };
    const at = path.lastIndexOf('/') + 1;
    this.targetFiles.set(`${path.slice(0, at)}${sha256}.${path.slice(at)}`, bytes);
  }

  /** The file of a role as it would be published now. */
  file(role: string, change: (envelope: Loose) => void = () => {}): Uint8Array {
    const { signed, signers } = this.roles.get(role)!;
    const bytes = encodeCanonical(signed as ExactJsonObject);
    const signatures = signers.flatMap(({ keyid, signer, sign }) => {
      const sig = sign ? sign(bytes) : Buffer.from(signer.sign(bytes)).toString('hex');
      return sig === undefined ? [] : [{ keyid, sig }];
    });
    const envelope = { signatures, signed };
    change(envelope);
    return utf8(
      JSON.stringify(envelope, (_, value) => (typeof value === 'bigint' ? Number(value) : value), 1),
    );
  }

  /** Writes files of roles as they are now, without touching versions. */
  write(...roles: string[]): void {
    for (const role of roles) {
      const { version } = this.signed(role);
      this.files.set(metadataName(role, role === 'timestamp' ? undefined : version), this.file(role));
    }
  }

  /** Writes targets and delegated roles, then a snapshot and a timestamp that list them as they are. */
  publishAll(): void {
    const delegated = [...this.roles.keys()].filter(
      role => !['root', 'timestamp', 'snapshot'].includes(role),
    );
    this.write('root', ...delegated);
    for (const role of delegated) this.signed('snapshot').meta[`${role}.json`] = this.describe(role);
    this.write('snapshot');
    this.signed('timestamp').meta['snapshot.json'] = this.describe('snapshot');
    this.write('timestamp');
  }

  /** The next version of these roles, and of snapshot and timestamp. */
  release(...roles: string[]): void {
    for (const role of [...roles, 'snapshot', 'timestamp']) this.signed(role).version++;
    this.publishAll();
  }

  /** The next root. */
  releaseRoot(): void {
    this.signed('root').version++;
    this.write('root');
  }

  describe(role: string): Loose {
    const { version } = this.signed(role);
    if (!this.withHashes) return { version };
    const bytes = this.file(role);
    return {
      version,
      length: bytes.length,
      hashes: { sha256: createHash('sha256').update(bytes).digest('hex') },
    };
  }

  metadata = async (name: string, maxLength: number) => {
    this.requests.push(name);
    return this.files.get(name)?.subarray(0, maxLength + 1);
  };

  target = async (path: string, maxLength: number) => {
    this.requests.push(`targets/${path}`);
    return this.targetFiles.get(path)?.subarray(0, maxLength + 1);
  };

  /** A client that trusts the first root of this repository, with its cache. */
  user(options: Loose = {}): TestUser {
    return new TestUser(this, this.files.get('1.root.json')!, options);
  }
}

/** Somebody who uses the repository again and again, with one cache. */
export class TestUser {
  cache: TufCache = createMemoryCache();

  constructor(
    readonly repository: Simulator,
    readonly root: Uint8Array,
    readonly options: Loose,
  ) {}

  refresh(more: Loose = {}) {
    this.repository.requests.length = 0;
    const { cache, repository: source, root } = this;
    return openClient({ cache, source, root, now: NOW, ...this.options, ...more });
  }

  /** From the cache alone. */
  offline(more: Loose = {}) {
    const { cache, root } = this;
    return openClient({ cache, root, now: NOW, ...this.options, ...more });
  }

  /** The version that is stored of a role. */
  async stored(role: string): Promise<number | undefined> {
    const file = await this.cache.load(role);
    return file && JSON.parse(Buffer.from(file.bytes).toString()).signed.version;
  }
}
