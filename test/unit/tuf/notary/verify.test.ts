import { X509Certificate } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { toBase64, utf8 } from '../../../../src/base/bytes.js';
import { generateKey } from '../../../../src/crypto/index.js';
import {
  listTags,
  type NotaryCheck,
  type NotaryFiles,
  openNotaryKey,
  parseNotaryRoot,
  verifyNotary,
} from '../../../../src/tuf/notary/index.js';
import type { Loose } from '../simulator.js';
import { GUN, KEYS, NotarySimulator, notaryKey, recorded, recordedKey, THEN } from './fixture.js';

const pinned: NotaryCheck = { pin: { kind: 'keys', ids: [KEYS.root[0]] }, now: THEN };

function codes(files: NotaryFiles, check: Partial<NotaryCheck> = {}): string[] {
  return verifyNotary(files, { ...pinned, ...check }).problems.map(
    ({ role, error }) => `${role} ${error.code}`,
  );
}

describe('what notary 0.7.0 recorded', () => {
  it('verifies, with the root key by its name', () => {
    const verdict = verifyNotary(recorded(), pinned);
    expect(verdict.problems).toEqual([]);
    expect(verdict.roles.map(({ name, prefixes, signedBy }) => [name, prefixes, signedBy.length])).toEqual([
      ['targets', [''], 1],
      ['targets/releases', [''], 2],
      ['targets/alice', [''], 1],
      ['targets/bob', ['v'], 1],
    ]);
    expect(listTags(verdict.roles).map(({ tag, released, signers }) => [tag, released, signers])).toEqual([
      ['1.0', 'targets/releases', ['alice']],
      ['v1', 'targets', []],
      ['v2', 'targets/releases', ['bob']],
    ]);
    expect(listTags(verdict.roles)[0]?.digest).toBe(
      'sha256:c2761910f97ceeba208f4ac77ffab542068ce0af7573b4de01bfe2259d87c2ce',
    );
  });

  it('verifies with each name of the root key, with the certificate itself as authority of none, and on first use', () => {
    const { payload } = parseNotaryRoot(recorded().roots[0] as Uint8Array, 'root.json');
    const [keyid = ''] = payload.roles.get('root')?.keyids ?? [];
    const open = openNotaryKey(payload.keys.get(keyid)!);
    for (const id of [keyid, open.canonicalKeyid, open.certificate!.fingerprint, open.publicKey.keyid])
      expect(codes(recorded(), { pin: { kind: 'keys', ids: [id] } })).toEqual([]);
    expect(codes(recorded(), { pin: { kind: 'keys', ids: [KEYS.otherRoot[0]] } })).toEqual([
      'root tuf-root-threshold',
    ]);
    // A self-signed leaf is no authority.
    const certificates = [new X509Certificate(open.certificate!.leaf.raw)];
    expect(codes(recorded(), { pin: { kind: 'authorities', certificates } })).toEqual([
      'root tuf-root-threshold',
    ]);
    expect(codes(recorded(), { pin: { kind: 'first-use' } })).toEqual([]);
    expect(codes(recorded(), { pin: { kind: 'root', root: recorded().roots[0] as Uint8Array } })).toEqual([]);
  });

  it('is refused once the timestamp ran out, unless expiry is passed over', () => {
    const now = new Date('2026-12-13T00:00:00Z');
    expect(codes(recorded(), { now })).toEqual(['timestamp tuf-expired']);
    expect(codes(recorded(), { now, insecureIgnoreExpiry: true })).toEqual([]);
    // Root and its certificate end together, in 2036.
    expect(codes(recorded(), { now: new Date('2037-01-01T00:00:00Z') })).toEqual(['root tuf-expired']);
  });

  it('is refused when it is another repository that was asked for', () => {
    expect(codes({ ...recorded(), gun: 'registry.example/team/other' })).toEqual(['root tuf-root-threshold']);
  });

  it('is refused with any byte of any file changed', () => {
    for (const role of recorded().metadata.keys()) {
      const files = recorded();
      const bytes = Buffer.from(files.metadata.get(role)!);
      const at = bytes.indexOf('"version":') + '"version":'.length;
      bytes[at] = bytes[at] === 0x31 ? 0x32 : 0x31;
      const metadata = new Map(files.metadata).set(role, bytes);
      const code = role === 'timestamp' ? 'tuf-threshold' : 'tuf-hash-mismatch';
      expect(codes({ ...files, metadata })).toEqual([`${role} ${code}`]);
    }
  });
});

describe('whoever holds keys', () => {
  let simulator: NotarySimulator;
  beforeEach(async () => {
    simulator = await NotarySimulator.create();
  });

  it('may publish: the simulator itself is sound', () => {
    expect(codes(simulator.files())).toEqual([]);
  });

  const refusals: readonly (readonly [string, (s: NotarySimulator) => unknown, string[]])[] = [
    [
      'a delegated role signed by another',
      s => (s.signers['targets/alice'] = s.signers['targets/bob']!),
      ['targets/alice tuf-threshold'],
    ],
    [
      'targets signed by a team',
      s => (s.signers['targets'] = s.signers['targets/alice']!),
      ['targets tuf-threshold'],
    ],
    [
      'a threshold that is not met',
      s => (s.delegation('targets/releases').threshold = 2),
      ['targets/releases tuf-threshold'],
    ],
    ['a threshold of none', s => (s.delegation('targets/releases').threshold = 0), ['targets tuf-format']],
    [
      'a name outside of its prefixes',
      s => (s.signed['targets/bob'].targets['1.0'] = s.signed['targets/bob'].targets['v2']),
      ['targets/bob tuf-path-not-delegated'],
    ],
    [
      'an expired delegated role',
      s => (s.signed['targets/bob'].expires = '2026-11-28T23:59:59Z'),
      ['targets/bob tuf-expired'],
    ],
    ['an expired root', s => (s.signed['root'].expires = '2026-11-28T23:59:59Z'), ['root tuf-expired']],
    ['a date that is none', s => (s.signed['targets/bob'].expires = 'never'), ['targets/bob tuf-format']],
    [
      'a role that is not below its delegator',
      s => (s.delegation('targets/bob').name = 'targets/a/bob'),
      ['targets tuf-format'],
    ],
    [
      'a role that leaves the tree',
      s => (s.delegation('targets/bob').name = 'targets/../root'),
      ['targets tuf-format'],
    ],
    [
      'another type of payload',
      s => (s.signed['targets/bob']._type = 'Snapshot'),
      ['targets/bob tuf-format'],
    ],
    [
      'targets that the snapshot does not name',
      s => delete s.signed['snapshot'].meta['targets'],
      ['targets tuf-role-unlisted'],
    ],
    [
      'a key whose keyid is not its own',
      s => {
        const { keys } = s.signed['targets'].delegations;
        keys[KEYS.alice[0]].keyval.public = toBase64(utf8('another'));
      },
      ['targets/releases tuf-threshold', 'targets/alice tuf-threshold'],
    ],
  ];
  it.each(refusals)('is refused: %s', (_, change, expected) => {
    change(simulator);
    expect(codes(simulator.files())).toEqual(expected);
  });

  it('counts a key once, whatever it is called', async () => {
    const alice = simulator.signers['targets/alice']![0]!;
    const [keyid, key] = notaryKey(await recordedKey('bob'));
    const delegation = simulator.delegation('targets/alice');
    delegation.threshold = 2;
    // Bob's bare key, and the certificate around it: two keyids, one key.
    const bob = simulator.signers['targets/bob']![0]!;
    simulator.signed['targets'].delegations.keys[keyid] = key;
    delegation.keyids = [keyid, bob.keyid];
    simulator.signers['targets/alice'] = [{ keyid, key: bob.key }, bob];
    expect(codes(simulator.files())).toEqual(['targets/alice tuf-threshold']);
    delegation.keyids.push(alice.keyid);
    simulator.signers['targets/alice'].push(alice);
    expect(codes(simulator.files())).toEqual([]);
  });

  it('gives a child no more than its parent has', async () => {
    const bob = simulator.signed['targets/bob'];
    const [keyid, key] = notaryKey(await recordedKey('alice'));
    const child = { name: 'targets/bob/child', keyids: [keyid], threshold: 1, paths: ['v2', '1'] };
    bob.delegations = { keys: { [keyid]: key }, roles: [child] };
    const verdict = verifyNotary(simulator.files(), pinned);
    expect(verdict.problems).toEqual([]);
    expect(verdict.roles.find(({ name }) => name === 'targets/bob/child')).toMatchObject({
      prefixes: ['v2'],
      metadata: undefined,
    });
  });

  it('cannot mix old files with new ones', () => {
    const old = simulator.file('targets/alice');
    simulator.signed['targets/alice'].version++;
    expect(codes(simulator.files())).toEqual([]);
    expect(codes(simulator.files(files => files.set('targets/alice', old)))).toEqual([
      'targets/alice tuf-hash-mismatch',
    ]);
    expect(codes(simulator.files(files => files.delete('targets/alice')))).toEqual([
      'targets/alice tuf-unavailable',
    ]);
  });

  it.each(['timestamp', 'snapshot', 'targets', 'targets/releases'])('cannot roll %s back', role => {
    const known = new Map(simulator.files().metadata);
    expect(codes(simulator.files(), { known })).toEqual([]);
    simulator.signed[role].version++;
    const newer = new Map(simulator.files().metadata);
    simulator.signed[role].version--;
    expect(codes(simulator.files(), { known: newer })).toContain(`${role} tuf-rollback`);
  });

  it('has a signature read in its one form: width, method and encoding', () => {
    const change = (how: (signature: Loose) => void) =>
      simulator.files(files =>
        files.set(
          'timestamp',
          simulator.file('timestamp', e => how(e.signatures[0])),
        ),
      );
    expect(codes(change(() => {}))).toEqual([]);
    for (const how of [
      (s: Loose) => (s.method = 'rsapss'),
      (s: Loose) => (s.sig = toBase64(Buffer.from(s.sig, 'base64').subarray(1))),
      (s: Loose) => (s.sig = Buffer.from(s.sig, 'base64').toString('hex')),
      (s: Loose) => (s.sig = ''),
    ])
      expect(codes(change(how))).toEqual(['timestamp tuf-threshold']);
    const twice = simulator.file('timestamp', e => e.signatures.push(e.signatures[0]));
    expect(codes(simulator.files(files => files.set('timestamp', twice)))).toEqual(['timestamp tuf-format']);
  });

  it('cannot have another root trusted than one that follows from the pin', async () => {
    const first = simulator.file('root');
    const pin = { kind: 'root', root: first } as const;
    simulator.signed['root'].version++;
    expect(codes(simulator.files(), { pin })).toEqual([]);
    // The same version twice, and an older one.
    const second = simulator.file('root');
    simulator.signed['root'].expires = '2036-01-01T00:00:00Z';
    expect(codes(simulator.files(), { pin: { kind: 'root', root: second } })).toEqual([
      'root tuf-root-version',
    ]);
    simulator.signed['root'].version = 1;
    expect(codes(simulator.files(), { pin: { kind: 'root', root: second } })).toEqual(['root tuf-rollback']);
    // Signed by somebody else.
    const stranger = { ...simulator.signers['root']![0]!, key: await generateKey('ecdsa-p256') };
    simulator.signers['root'] = [stranger];
    simulator.signed['root'].version = 3;
    expect(codes(simulator.files(), { pin })).toEqual(['root tuf-root-threshold']);
    expect(codes(simulator.files(), { pin: { kind: 'first-use' } })).toEqual(['root tuf-root-threshold']);
  });

  it('cannot have a bare key sign a root: it must have a certificate for the repository', () => {
    const [keyid, key] = notaryKey(simulator.signers['root']![0]!.key);
    const root = simulator.signed['root'];
    root.keys[keyid] = key;
    root.roles.root.keyids = [keyid];
    simulator.signers['root']![0]!.keyid = keyid;
    expect(codes(simulator.files())).toEqual(['root tuf-root-threshold']);
  });

  it('is bound to the root that the snapshot lists', () => {
    const files = simulator.files();
    simulator.signed['root'].version++;
    expect(codes({ ...files, roots: [simulator.file('root')] })).toEqual(['root tuf-hash-mismatch']);
  });

  it('may be anybody, and never makes the verifier fail in another way than with a code', () => {
    for (const role of ['root', 'timestamp', 'snapshot', 'targets', 'targets/bob']) {
      for (const broken of ['', '[]', '{"signed":{},"signatures":[]}', '{"signed":null}', '\u0000']) {
        const files = simulator.files(map => map.set(role, utf8(broken)));
        const roots = role === 'root' ? [utf8(broken)] : files.roots;
        expect(codes({ ...files, roots })).not.toEqual([]);
      }
    }
    expect(codes({ gun: GUN, roots: [], metadata: new Map() })).toEqual(['root tuf-unavailable']);
  });
});
