import { createHash, createPrivateKey, sign, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACCOUNT } from '../peers/docker-registry.js';
import {
  type Certificates,
  makeCertificates,
  makeMember,
  type Notary,
  PASSWORDS,
  startNotary,
} from '../peers/notary.js';
import { requirePeers } from '../peers/require-peers.js';
import { createScratch, type Scratch } from '../peers/scratch.js';
import { type TouchmarkOutcome, touchmark, touchmarkOk } from '../peers/touchmark.js';

const GUN = 'registry.example/team/app';
const absent = await requirePeers(['notary', 'notary-server', 'notary-signer']);

/** Publishes what a team would have: a delegation for each member, releases by both, snapshots by the server. */
async function publishTeam(scratch: Scratch, { notary }: Notary): Promise<void> {
  const members = { alice: await makeMember(scratch, 'alice'), bob: await makeMember(scratch, 'bob') };
  await notary('init', '-p', GUN);
  await notary('key', 'rotate', GUN, 'snapshot', '-r');
  const { alice, bob } = members;
  await notary('delegation', 'add', '-p', GUN, 'targets/releases', alice.pub, bob.pub, '--all-paths');
  await notary('delegation', 'add', '-p', GUN, 'targets/alice', alice.pub, '--all-paths');
  await notary('delegation', 'add', '-p', GUN, 'targets/bob', bob.pub, '--paths', '2');
  for (const [name, { key }] of Object.entries(members)) await notary('key', 'import', key, '-r', name);
  await addTag(scratch, { notary } as Notary, '1.0', 'alice');
  await addTag(scratch, { notary } as Notary, '2.0', 'bob');
}

async function addTag(scratch: Scratch, { notary }: Notary, tag: string, signer: string): Promise<void> {
  const file = scratch.file(`manifest-${tag}`);
  writeFileSync(file, `manifest of ${tag}`);
  await notary('add', '-p', GUN, tag, file, '-r', 'targets/releases', '-r', `targets/${signer}`);
}

const digestOf = (tag: string) => `sha256:${createHash('sha256').update(`manifest of ${tag}`).digest('hex')}`;

/** A server between, that may change what passes. */
interface Between {
  readonly origin: string;
  /** By path: bytes in place of what the server says; undefined passes. */
  change: (path: string, bytes: Buffer) => Buffer | undefined;
  /** What passed, by path. */
  readonly seen: Map<string, Buffer>;
  stop(): void;
}

async function startBetween(certificates: Certificates, origin: string): Promise<Between> {
  const ca = readFileSync(certificates.authority);
  const tls = { cert: readFileSync(certificates.certificate), key: readFileSync(certificates.key) };
  const between = { change: () => undefined, seen: new Map<string, Buffer>() } as unknown as Between;
  const server = https.createServer(tls, (request, response) => {
    https.get(
      new URL(request.url ?? '/', origin),
      { ca, headers: { ...request.headers, host: '' } },
      answer => {
        const parts: Buffer[] = [];
        answer.on('data', part => parts.push(part));
        answer.on('end', () => {
          const bytes = Buffer.concat(parts);
          const path = request.url ?? '/';
          if (answer.statusCode === 200) between.seen.set(path, bytes);
          const changed = between.change(path, bytes);
          response.writeHead(changed ? 200 : (answer.statusCode ?? 500), { 'content-type': 'text/plain' });
          response.end(changed ?? bytes);
        });
      },
    );
  });
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return Object.assign(between, { origin: `https://127.0.0.1:${port}`, stop: () => server.close() });
}

interface Document {
  readonly ok: boolean;
  readonly exitCode: number;
  readonly tags: readonly { tag: string; digest: string; released: string; signers: string[] }[];
  readonly roles: readonly { name: string; keys: { id: string }[] }[];
  readonly problems: readonly { role: string; code: string }[];
}

describe.skipIf(absent)('a live notary server', () => {
  let scratch: Scratch;
  let certificates: Certificates;
  let notary: Notary;
  let between: Between;
  let rootKey: string;
  const run = (...args: string[]): Promise<TouchmarkOutcome> =>
    touchmark(scratch, [...args, '--registry-ca', certificates.authority]);
  const verify = async (...args: string[]): Promise<Document & { code: number }> => {
    const server = args.includes('--notary-server') ? [] : ['--notary-server', between.origin];
    const outcome = await run('tuf', 'notary', 'verify', GUN, ...server, ...args, '-o', 'json');
    return { ...(outcome.json() as unknown as Document), code: outcome.code };
  };

  beforeAll(async () => {
    scratch = createScratch('notary');
    certificates = await makeCertificates(scratch);
    notary = await startNotary(scratch, certificates);
    await publishTeam(scratch, notary);
    between = await startBetween(certificates, notary.origin);
    const shown = await run('tuf', 'notary', 'inspect', GUN, '--notary-server', notary.origin, '-o', 'json');
    const { roles } = shown.json() as unknown as Document;
    rootKey = roles.find(({ name }) => name === 'root')?.keys[0]?.id ?? '';
  });
  afterAll(async () => {
    between?.stop();
    await notary?.stop();
    scratch?.remove();
  });

  it('is shown and verified: tags, digests, signers, with the root key that notary names', async () => {
    expect(await notary.notary('key', 'list')).toContain(rootKey);
    const document = await verify('--root-key', rootKey, '--tag', '1.0', '--tag', '2.0');
    expect(document).toMatchObject({ code: 0, ok: true, problems: [] });
    expect(document.tags).toMatchObject([
      { tag: '1.0', digest: digestOf('1.0'), released: 'targets/releases', signers: ['alice'] },
      { tag: '2.0', digest: digestOf('2.0'), released: 'targets/releases', signers: ['bob'] },
    ]);
    const text = await run(
      'tuf',
      'notary',
      'verify',
      GUN,
      '--notary-server',
      notary.origin,
      '--trust-on-first-use',
    );
    expect(text.code).toBe(0);
    expect(text.stdout).toContain(`--root-key ${rootKey}`);
    const folder = `${notary.trust}/tuf/${GUN}`;
    const disk = await touchmark(scratch, ['tuf', 'notary', 'verify', folder, '--root-key', rootKey]);
    expect(disk.code).toBe(0);
  });

  it('is refused with another root key, a tag that is not there, and without any reason to trust', async () => {
    expect(await verify('--root-key', '0'.repeat(64))).toMatchObject({
      code: 17,
      problems: [{ role: 'root', code: 'tuf-root-threshold' }],
      tags: [],
    });
    expect(await verify('--root-key', rootKey, '--tag', '3.0')).toMatchObject({
      code: 17,
      problems: [{ code: 'tuf-target-unlisted' }],
    });
    expect((await run('tuf', 'notary', 'verify', GUN, '--notary-server', notary.origin)).code).toBe(2);
  });

  it('is refused when somebody between changes a byte', async () => {
    for (const [file, code] of [
      ['timestamp.json', 'tuf-threshold'],
      ['snapshot.', 'tuf-hash-mismatch'],
      ['targets/releases.', 'tuf-hash-mismatch'],
    ] as const) {
      between.change = (path, bytes) =>
        path.includes(`/tuf/${file}`)
          ? Buffer.from(
              bytes.toString().replace(/"version":(\d)/, (_, n) => `"version":${(Number(n) + 1) % 10}`),
            )
          : undefined;
      const document = await verify('--root-key', rootKey);
      expect(document).toMatchObject({ code: 17, problems: [{ code }] });
    }
    between.change = () => undefined;
    expect(await verify('--root-key', rootKey)).toMatchObject({ code: 0 });
  });

  it('is refused when an old moment is served, once a newer one was seen', async () => {
    between.seen.clear();
    await verify('--root-key', rootKey);
    const old = new Map(between.seen);
    await addTag(scratch, notary, '2.1', 'bob');
    await notary.notary('list', GUN);
    const known = scratch.file('known/tuf/registry.example/team/app');
    await cp(`${notary.trust}/tuf/${GUN}`, known, { recursive: true });
    expect(await verify('--known', known, '--tag', '2.1')).toMatchObject({ code: 0 });
    between.change = path => old.get(path);
    // By itself the old moment is sound: this is what a memory is for.
    expect(await verify('--root-key', rootKey)).toMatchObject({ code: 0 });
    const replayed = await verify('--known', known);
    expect(replayed.code).toBe(17);
    expect(replayed.problems).toContainEqual(
      expect.objectContaining({ code: 'tuf-rollback', role: 'timestamp' }),
    );
    between.change = () => undefined;
  });

  it('is refused when its timestamp ran out', async () => {
    const ahead = (days: number) => ({
      env: {
        NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(
          `const D=Date,x=${days}*864e5;globalThis.Date=class extends D{constructor(...a){a.length?super(...a):super(D.now()+x)}static now(){return D.now()+x}}`,
        )}`,
      },
    });
    const folder = `${notary.trust}/tuf/${GUN}`;
    const args = ['tuf', 'notary', 'verify', folder, '--root-key', rootKey, '-o', 'json'];
    const late = await touchmark(scratch, args, ahead(20));
    expect(late.code).toBe(17);
    expect(late.json()).toMatchObject({ problems: [{ role: 'timestamp', code: 'tuf-expired' }] });
    expect((await touchmark(scratch, args, ahead(1))).code).toBe(0);
    expect((await touchmark(scratch, [...args, '--insecure-ignore-expiry'], ahead(20))).code).toBe(0);
  });

  it('is followed through a rotation of the root key', async () => {
    await notary.notary('key', 'rotate', GUN, 'root');
    const rotated = await verify('--root-key', rootKey);
    expect(rotated).toMatchObject({ code: 0, problems: [] });
    const ids = rotated.roles.find(({ name }) => name === 'root')?.keys.map(({ id }) => id);
    expect(ids).not.toContain(rootKey);
  });

  it('is imported, private keys and all', async () => {
    await touchmarkOk(scratch, ['key', 'generate', 'online']);
    const args = ['--notary-server', notary.origin, '--root-key', rootKey, '--online-key', 'online.pub'];
    const outcome = await run(
      'tuf',
      'notary',
      'import',
      GUN,
      ...args,
      '--into',
      'trust-of-team',
      '-o',
      'json',
    );
    expect(outcome.stderr).toBe('');
    expect(outcome.json()).toMatchObject({
      created: true,
      roles: [
        { name: 'root', tags: 0 },
        { name: 'targets', tags: 0 },
        { name: 'release', from: 'targets/releases', tags: 3 },
        { name: 'team-alice', from: 'targets/alice' },
        { name: 'team-bob', from: 'targets/bob' },
      ],
    });
    // Those who signed before sign now, with the keys that notary wrote.
    const document = outcome.json() as unknown as { roles: { name: string; keys: { label: string }[] }[] };
    expect(document.roles.find(({ name }) => name === 'release')?.keys).toMatchObject([
      { label: 'alice' },
      { label: 'bob' },
    ]);
    const keys: string[] = [];
    for (const [name, password] of [
      ['root', PASSWORDS.root],
      ['targets', PASSWORDS.targets],
      ['alice', PASSWORDS.delegation],
      ['bob', PASSWORDS.delegation],
    ] as const) {
      const at = `${notary.trust}/private`;
      const files = readdirSync(at).filter(file =>
        readFileSync(`${at}/${file}`, 'latin1').includes(`role: ${name}\n`),
      );
      for (const [index, file] of files.entries()) {
        const env = { TOUCHMARK_SOURCE_PASSWORD: password };
        await touchmarkOk(scratch, ['key', 'import', `${at}/${file}`, `${name}-${index}`], { env });
        keys.push(`${name}-${index}`);
      }
    }
    const wanted = document.roles.flatMap(role => role.keys as unknown as { keyid: string }[]);
    const ours: string[] = [];
    for (const key of keys) {
      const shown = await touchmarkOk(scratch, ['key', 'show', `${key}.pub`, '-o', 'json']);
      // The old root key is in the folder as well; it speaks for nothing any more.
      if (wanted.some(({ keyid }) => keyid === shown.json()['keyid'])) ours.push('--key', `${key}.key`);
    }
    await touchmarkOk(scratch, ['tuf', 'sign', '--dir', 'trust-of-team', ...ours, '--yes']);
    await touchmarkOk(scratch, ['tuf', 'publish', '--dir', 'trust-of-team', '--key', 'online.key', '--yes']);
    const root = ['--root', 'trust-of-team/metadata/1.root.json'];
    const audit = await touchmarkOk(scratch, ['tuf', 'verify', ...root, 'trust-of-team', '-o', 'json']);
    expect(audit.json()).toMatchObject({ ok: true });
    const { targets } = JSON.parse(
      readFileSync(scratch.file('trust-of-team/metadata/1.release.json'), 'utf8'),
    ).signed;
    expect(targets[`release/${encodeURIComponent(GUN)}/2.1`]?.hashes.sha256).toBe(
      digestOf('2.1').slice('sha256:'.length),
    );
  });
});

/** A token server as registries have them: Basic in, a signed token for what was asked out. */
async function startTokens(certificates: Certificates) {
  const key = readFileSync(certificates.key);
  const cert = readFileSync(certificates.certificate);
  const requests: { scope: string | null; user: string }[] = [];
  const base64url = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const server = https.createServer({ key, cert }, (request, response) => {
    const url = new URL(request.url ?? '/', 'https://localhost');
    const basic = Buffer.from(
      request.headers.authorization?.replace('Basic ', '') ?? '',
      'base64',
    ).toString();
    const scope = url.searchParams.get('scope');
    requests.push({ scope, user: basic.split(':')[0] ?? '' });
    if (basic !== `${ACCOUNT.user}:${ACCOUNT.password}`) {
      response.writeHead(401).end('{}');
      return;
    }
    const [, type, name, actions = ''] = /^([^:]+):(.+):([^:]+)$/.exec(scope ?? '') ?? [];
    const now = Math.floor(Date.now() / 1000);
    const head = { typ: 'JWT', alg: 'ES256', x5c: [new X509Certificate(cert).raw.toString('base64')] };
    const claims = {
      iss: 'tests',
      sub: ACCOUNT.user,
      aud: 'notary',
      exp: now + 300,
      nbf: now - 10,
      iat: now - 10,
      jti: String(requests.length),
      access: type ? [{ type, name, actions: actions.split(',') }] : [],
    };
    const text = `${base64url(head)}.${base64url(claims)}`;
    const signature = sign('sha256', Buffer.from(text), {
      key: createPrivateKey(key),
      dsaEncoding: 'ieee-p1363',
    });
    const token = `${text}.${signature.toString('base64url')}`;
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ token }));
  });
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return { realm: `https://127.0.0.1:${port}/token`, requests, stop: () => server.close() };
}

describe.skipIf(absent)('a notary server behind a token server', () => {
  let scratch: Scratch;
  let certificates: Certificates;
  let tokens: Awaited<ReturnType<typeof startTokens>>;
  let notary: Notary;
  beforeAll(async () => {
    scratch = createScratch('notary-auth');
    certificates = await makeCertificates(scratch);
    tokens = await startTokens(certificates);
    notary = await startNotary(scratch, certificates, {
      realm: tokens.realm,
      issuer: 'tests',
      service: 'notary',
    });
    await publishTeam(scratch, notary);
  });
  afterAll(async () => {
    tokens?.stop();
    await notary?.stop();
    scratch?.remove();
  });

  it('is asked with the credentials of the registry, for this repository and no more than reading', async () => {
    const auth = Buffer.from(`${ACCOUNT.user}:${ACCOUNT.password}`).toString('base64');
    const config = scratch.file('docker/config.json');
    writeFileSync(config, JSON.stringify({ auths: { 'registry.example': { auth } } }));
    tokens.requests.length = 0;
    const args = ['tuf', 'notary', 'verify', GUN, '--notary-server', notary.origin, '--trust-on-first-use'];
    const verify = () => touchmark(scratch, [...args, '--registry-ca', certificates.authority]);
    const outcome = await verify();
    expect(outcome.code).toBe(0);
    expect(tokens.requests).toEqual([{ scope: `repository:${GUN}:pull`, user: ACCOUNT.user }]);
    writeFileSync(config, '{}');
    const denied = await verify();
    expect(denied.code).toBe(21);
    expect(denied.stderr).toContain('oci-unauthorized');
    expect(`${denied.stdout}${denied.stderr}${outcome.stdout}${outcome.stderr}`).not.toContain(
      ACCOUNT.password,
    );
  });
});
