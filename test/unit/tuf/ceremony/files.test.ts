import { describe, expect, it } from 'vitest';
import { TouchmarkError } from '../../../../src/base/errors.js';
import { LIMITS } from '../../../../src/base/limits.js';
import {
  changesOf,
  hasSignedBefore,
  importSignatures,
  makeRolePayload,
  signPayloads,
} from '../../../../src/tuf/ceremony/exchange.js';
import {
  digestOf,
  parsePayloadFile,
  serializePayloadFile,
} from '../../../../src/tuf/ceremony/payload-file.js';
import { parseSignatureFile, serializeSignatureFile } from '../../../../src/tuf/ceremony/signature-file.js';
import {
  addRoleKey,
  addTargets,
  publishStaged,
  type Repository,
} from '../../../../src/tuf/repository/index.js';
import { keysOf, publishedRepository, reopen, signerOf, signers } from '../repository/support.js';

/** A repository in which eve becomes a third root holder, and what is handed out for it. */
async function event() {
  const repository = await publishedRepository();
  const [eve] = await keysOf('eve');
  if (!eve) throw new Error('no key');
  await addRoleKey(repository, 'root', eve);
  await addTargets(repository, 'targets', [{ path: 'a', bytes: Buffer.from('a') }]);
  return { repository, file: await exported(repository) };
}

async function exported(repository: Repository): Promise<Uint8Array> {
  return serializePayloadFile([
    await makeRolePayload(repository, 'root', ['nothing of importance']),
    await makeRolePayload(repository, 'targets', []),
  ]);
}

async function signedBy(file: Uint8Array, ...names: string[]) {
  const signed = signPayloads(parsePayloadFile(file, 'to-sign.json'), await signers(...names));
  return parseSignatureFile(serializeSignatureFile(signed), 'signed.json');
}

const codeOf = async (work: () => unknown): Promise<string> => {
  try {
    await work();
    return 'ok';
  } catch (error) {
    if (error instanceof TouchmarkError) return error.code;
    throw error;
  }
};

describe('a ceremony', () => {
  it('needs no repository where is signed, merges in any order and again, and is published', async () => {
    const { repository, file } = await event();
    const [ada, ben, cyd] = [
      await signedBy(file, 'ada'),
      await signedBy(file, 'ben'),
      await signedBy(file, 'cyd'),
    ];
    expect(
      ada.map(({ role }) => role),
      'each signs what it is asked for',
    ).toEqual(['root']);
    await importSignatures(await reopen(repository), [...cyd, ...ben]);
    await importSignatures(await reopen(repository), ben);
    const [root] = await importSignatures(await reopen(repository), [...ada, ...ben]);
    expect(root?.added).toHaveLength(1);
    expect(
      root?.standing.map(({ enough }) => enough),
      'old and new keys',
    ).toEqual([true, true]);
    const { versions } = await publishStaged(await reopen(repository), { signers: await signers('online') });
    expect(versions).toMatchObject({ root: 2, targets: 2 });
  });

  it('says what the bytes say, whatever the summary in the file does', async () => {
    const { file } = await event();
    const [root] = parsePayloadFile(file, 'to-sign.json');
    if (!root) throw new Error('no payload');
    expect(changesOf(root).changes).toContainEqual(
      expect.objectContaining({
        kind: 'key-added',
        role: 'root',
        key: expect.objectContaining({ label: 'eve' }),
      }),
    );
    expect(hasSignedBefore(root, await signerOf('ada'))).toBe(true);
    expect(hasSignedBefore(root, await signerOf('eve'))).toBe(false);
  });

  it('takes no key that is not asked', async () => {
    const { file } = await event();
    expect(await codeOf(() => signedBy(file, 'online'))).toBe('key-not-authorised');
    expect(await codeOf(() => signedBy(file, 'eve'))).toBe('ok');
  });
});

type Entry = Record<string, unknown>;

describe('a file to sign', () => {
  /** The file with one thing changed in the entry of the root. */
  const changed = (file: Uint8Array, change: (root: Entry, document: Entry) => void) => {
    const document = JSON.parse(Buffer.from(file).toString());
    change(document.payloads[0], document);
    return Buffer.from(JSON.stringify(document));
  };
  const repack = (root: Entry, change: (payload: string) => string) => {
    const payload = Buffer.from(change(Buffer.from(String(root['payload']), 'base64').toString()));
    Object.assign(root, { payload: payload.toString('base64'), digest: digestOf(payload) });
  };

  it.each<[string, string, (root: Entry, document: Entry) => void]>([
    [
      'without the version before',
      'tuf-format',
      root => {
        Object.assign(root, { previous: null });
      },
    ],
    ['of another type', 'tuf-format', (_, document) => Object.assign(document, { type: 'x' })],
    [
      'with a changed payload',
      'tuf-hash-mismatch',
      root => {
        const { digest } = root;
        repack(root, text => text.replace('"version":2', '"version":3'));
        Object.assign(root, { digest });
      },
    ],
    ['of another version than it says', 'tuf-format', root => Object.assign(root, { version: 3 })],
    ['of another role than it says', 'tuf-format', root => Object.assign(root, { role: 'targets' })],
    ['for an online role', 'tuf-format', root => Object.assign(root, { role: 'timestamp' })],
    ['not in canonical form', 'tuf-format', root => repack(root, text => text.replace('{', '{ '))],
    ['with something behind its payload', 'tuf-format', root => repack(root, text => `${text},"signed":{}`)],
    ['with a payload that ends early', 'tuf-format', root => repack(root, text => text.slice(0, -1))],
    ['with a payload that is no base64', 'tuf-format', root => Object.assign(root, { payload: '?' })],
    [
      'compared with its own version',
      'tuf-format',
      root => {
        const { version } = root;
        repack(root, text => text.replace(/"version":2/, '"version":1'));
        Object.assign(root, { version: Number(version) - 1 });
      },
    ],
    [
      'with one role twice',
      'tuf-format',
      (root, document) => Object.assign(document, { payloads: [root, root] }),
    ],
    ['with nothing in it', 'tuf-format', (_, document) => Object.assign(document, { payloads: [] })],
  ])('%s is refused', async (_what, code, change) => {
    const { file } = await event();
    expect(
      await codeOf(() =>
        parsePayloadFile(
          changed(file, () => {}),
          'f',
        ),
      ),
    ).toBe('ok');
    expect(await codeOf(() => parsePayloadFile(changed(file, change), 'f'))).toBe(code);
  });

  it('with a key under a foreign keyid is refused', async () => {
    const { file } = await event();
    const asked = (keyid: string | undefined) =>
      changed(file, (_, document) => {
        const [, targets] = document['payloads'] as { asked: { keys: { keyid: string }[] }[] }[];
        const [key] = targets?.asked[0]?.keys ?? [];
        if (key && keyid) key.keyid = keyid;
      });
    expect(await codeOf(() => parsePayloadFile(asked(undefined), 'f'))).toBe('ok');
    expect(await codeOf(() => parsePayloadFile(asked('0'.repeat(64)), 'f'))).toBe('tuf-format');
  });

  it.each<[string, string, (text: string) => string]>([
    ['cut off', 'tuf-format', text => text.slice(0, -10)],
    ['with a key twice', 'tuf-format', text => text.replace('{', '{"type":"x",')],
    ['too large', 'limit-exceeded', text => text + ' '.repeat(LIMITS.tufPayloadFileSize)],
  ])('%s is refused', async (_what, code, change) => {
    const { file } = await event();
    const text = Buffer.from(file).toString();
    expect(await codeOf(() => parsePayloadFile(Buffer.from(change(text)), 'f'))).toBe(code);
  });
});

describe('a file with signatures', () => {
  it.each<[string, string, (root: Entry) => void]>([
    ['for another version', 'tuf-version-mismatch', root => Object.assign(root, { version: 1 })],
    ['for another role', 'tuf-payload-other', root => Object.assign(root, { role: 'targets' })],
    ['for a role that is not staged', 'usage-argument', root => Object.assign(root, { role: 'team' })],
    [
      'over other bytes',
      'tuf-payload-other',
      root => Object.assign(root, { digest: digestOf(Buffer.from('x')) }),
    ],
    [
      'of a key that is not asked',
      'key-not-authorised',
      root => {
        for (const signature of root['signatures'] as Entry[]) signature['keyid'] = '0'.repeat(64);
      },
    ],
    [
      'that does not verify',
      'tuf-threshold',
      root => {
        for (const signature of root['signatures'] as Entry[]) signature['sig'] = '3006020101020101';
      },
    ],
    [
      'that is no hex',
      'tuf-format',
      root => {
        for (const signature of root['signatures'] as Entry[]) signature['sig'] = 'zz';
      },
    ],
    ['without any', 'tuf-format', root => Object.assign(root, { signatures: [] })],
    [
      'twice of one key',
      'tuf-format',
      root => {
        const list = root['signatures'] as Entry[];
        list.push(...list);
      },
    ],
  ])('%s is refused, and nothing of it is written', async (_what, code, change) => {
    const { repository, file } = await event();
    const signed = signPayloads(parsePayloadFile(file, 'f'), await signers('ada'));
    const attempt = async (edit: (root: Entry) => void) => {
      const document = JSON.parse(Buffer.from(serializeSignatureFile(signed)).toString());
      edit(document.signed[0]);
      return importSignatures(
        await reopen(repository),
        parseSignatureFile(Buffer.from(JSON.stringify(document)), 'f'),
      );
    };
    const before = await repository.folder.read('staged/metadata/root.json');
    expect(await codeOf(() => attempt(change))).toBe(code);
    expect(await repository.folder.read('staged/metadata/root.json')).toEqual(before);
    expect(await codeOf(() => attempt(() => {}))).toBe('ok');
  });

  it('is refused after the role was edited once more', async () => {
    const { repository, file } = await event();
    const cyd = await signedBy(file, 'cyd');
    await addTargets(await reopen(repository), 'targets', [{ path: 'b', bytes: Buffer.from('b') }]);
    expect(await codeOf(async () => importSignatures(await reopen(repository), cyd))).toBe(
      'tuf-payload-other',
    );
    const again = await signedBy(await exported(await reopen(repository)), 'cyd');
    expect(await codeOf(async () => importSignatures(await reopen(repository), again))).toBe('ok');
  });
});
