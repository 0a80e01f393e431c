import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { runOk, startChild } from './command.js';
import { ACCOUNT } from './docker-registry.js';
import { PEERS } from './peer-list.js';
import type { Scratch } from './scratch.js';

/** Debian's notary 0.7: server and signer in memory, on loopback, with certificates made for them. */
export interface Notary {
  /** `https://127.0.0.1:PORT`. */
  readonly origin: string;
  /** Where the client keeps keys and metadata. */
  readonly trust: string;
  /** Runs the client, and expects success. It logs in as {@link ACCOUNT} where it is asked to, and says yes. */
  notary(...args: string[]): Promise<string>;
  stop(): Promise<void>;
}

/** Passwords of the client's keys, by the kind of key. */
export const PASSWORDS = { root: 'rootpass1', targets: 'targetspass1', delegation: 'delegpass1' } as const;

/** PEM files: an authority, and a certificate by it for loopback, which servers show to clients and to each other. */
export interface Certificates {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/**
 * Starts server and signer, and waits until they listen.
 * @param auth where tokens come from; default: nobody is asked who they are
 */
export async function startNotary(
  scratch: Scratch,
  { authority, certificate, key }: Certificates,
  auth?: { readonly realm: string; readonly issuer: string; readonly service: string },
): Promise<Notary> {
  const file = (name: string) => scratch.file(`notary-${name}`);
  const [serverPort, signerPort] = [await freePort(), await freePort()];
  const logging = { level: 'info' };
  const storage = { backend: 'memory' };
  const files = { tls_cert_file: certificate, tls_key_file: key };
  writeFileSync(
    file('signer.json'),
    JSON.stringify({
      server: { grpc_addr: `127.0.0.1:${signerPort}`, ...files, client_ca_file: authority },
      logging,
      storage,
    }),
  );
  writeFileSync(
    file('server.json'),
    JSON.stringify({
      server: { http_addr: `127.0.0.1:${serverPort}`, ...files },
      trust_service: {
        type: 'remote',
        hostname: '127.0.0.1',
        port: String(signerPort),
        key_algorithm: 'ecdsa',
        tls_ca_file: authority,
        tls_client_cert: certificate,
        tls_client_key: key,
      },
      ...(auth && {
        auth: {
          type: 'token',
          options: { ...auth, rootcertbundle: authority },
        },
      }),
      logging,
      storage,
    }),
  );
  const origin = `https://127.0.0.1:${serverPort}`;
  const trust = scratch.file('trust');
  writeFileSync(
    file('client.json'),
    JSON.stringify({ trust_dir: trust, remote_server: { url: origin, root_ca: authority } }),
  );
  const children: ChildProcess[] = [];
  const logs: Buffer[] = [];
  const start = (name: 'notary-signer' | 'notary-server', config: string) => {
    const child = startChild(PEERS[name].path, ['-config', config]);
    children.push(child);
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (part: Buffer) => logs.push(part));
  };
  const env = {
    ...scratch.env,
    NOTARY_ROOT_PASSPHRASE: PASSWORDS.root,
    NOTARY_TARGETS_PASSPHRASE: PASSWORDS.targets,
    NOTARY_SNAPSHOT_PASSPHRASE: PASSWORDS.targets,
    NOTARY_DELEGATION_PASSPHRASE: PASSWORDS.delegation,
    NOTARY_AUTH: Buffer.from(`${ACCOUNT.user}:${ACCOUNT.password}`).toString('base64'),
  };
  const stop = async () => {
    await Promise.all(
      children.map(child => {
        const closed = new Promise<void>(done => child.once('close', () => done()));
        const ended = child.exitCode !== null || child.signalCode !== null;
        child.kill('SIGKILL');
        return ended ? undefined : closed;
      }),
    );
  };
  try {
    // One after the other: a server that does not find its signer waits before it looks again, and answers 500.
    start('notary-signer', file('signer.json'));
    await untilOpen(signerPort);
    start('notary-server', file('server.json'));
    await untilOpen(serverPort);
  } catch (error) {
    await stop();
    throw new Error(
      `notary does not listen: ${String(error)}\n${Buffer.concat(logs).toString().slice(-3000)}`,
    );
  }
  return {
    origin,
    trust,
    stop,
    notary: async (...args) =>
      (await runOk(PEERS.notary.path, ['-c', file('client.json'), ...args], { env, input: 'yes\n' })).stdout,
  };
}

export async function makeCertificates(scratch: Scratch): Promise<Certificates> {
  const folder = scratch.file('certificates');
  mkdirSync(folder);
  const openssl = (...args: string[]) => runOk('openssl', args, { cwd: folder });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await openssl(
    'req',
    '-x509',
    ...key,
    '-days',
    '30',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-subj',
    '/CN=tests',
  );
  await openssl('req', ...key, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=server');
  writeFileSync(
    join(folder, 'server.ext'),
    'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n',
  );
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'server.ext'];
  await openssl('x509', '-req', '-in', 'server.csr', ...signed, '-days', '30', '-out', 'server.pem');
  const file = (name: string) => join(folder, name);
  return { authority: file('ca.pem'), certificate: file('server.pem'), key: file('server.key') };
}

/** These servers say nowhere which port they got, so one is picked for them. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>(done => probe.listen(0, '127.0.0.1', done));
  const address = probe.address();
  await new Promise(done => probe.close(done));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function untilOpen(port: number): Promise<void> {
  for (let attempt = 0; attempt < 150; attempt++) {
    const open = await new Promise<boolean>(done => {
      const request = http.get({ host: '127.0.0.1', port, timeout: 1000 });
      // A TLS server hangs up on plain text; only a refused connection means that nobody is there.
      request.once('response', () => done(true));
      request.once('error', (error: NodeJS.ErrnoException) => done(error.code !== 'ECONNREFUSED'));
    });
    if (open) return;
    await new Promise(done => setTimeout(done, 100));
  }
  throw new Error(`nobody listens on port ${port}`);
}

/** A key pair of a member of a team. */
export async function makeMember(scratch: Scratch, name: string): Promise<{ key: string; pub: string }> {
  const [key, pub] = [scratch.file(`${name}.pem`), scratch.file(`${name}.pub.pem`)];
  await runOk('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', key]);
  chmodSync(key, 0o600);
  await runOk('openssl', ['ec', '-in', key, '-pubout', '-out', pub]);
  return { key, pub };
}
