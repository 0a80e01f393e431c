import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { StoreOptions } from '../../../src/oci/context.js';
import { createStoreAccess, type StoreAccess } from '../../../src/oci/open.js';
import { openTrustClient, type Trust, type TrustOptions } from '../../../src/trust/client.js';
import { parseTrustLocation } from '../../../src/trust/location.js';
import { NOW, type Simulator } from '../tuf/simulator.js';

/** What a server does instead of answering with a file; false when it has done nothing. */
export type Mischief = (path: string, request: IncomingMessage, response: ServerResponse) => boolean;

export interface FileServer {
  readonly url: string;
  /** Paths asked for, in order. */
  readonly requests: string[];
  readonly headers: IncomingMessage['headers'][];
  mischief: Mischief;
}

/** Serves what a repository has at the moment, as any web server would: `prefix` is in front of metadata. */
export async function serve(repository: Simulator, prefix = 'metadata/'): Promise<FileServer> {
  const facts: FileServer = { url: '', requests: [], headers: [], mischief: () => false };
  const server = createServer((request, response) => {
    const path = (request.url ?? '').slice(1);
    facts.requests.push(path);
    facts.headers.push(request.headers);
    if (facts.mischief(path, request, response)) return;
    const bytes = path.startsWith('targets/')
      ? repository.targetFiles.get(decodeURIComponent(path.slice('targets/'.length)))
      : path.startsWith(prefix)
        ? repository.files.get(path.slice(prefix.length))
        : undefined;
    if (bytes) response.end(bytes);
    else response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>not here</h1>');
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
  });
  return Object.assign(facts, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

export async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'touchmark-trust-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export function storeAccess(options: StoreOptions = {}): StoreAccess {
  const access = createStoreAccess(options);
  onTestFinished(() => access.close());
  return access;
}

/** Somebody who uses a repository at `place`, with one cache folder. */
export async function visitor(repository: Simulator, place: string, more: Partial<TrustOptions> = {}) {
  const folder = more.folder ?? (await scratch());
  const root = repository.files.get('1.root.json') as Uint8Array;
  return {
    folder,
    async open(options: StoreOptions = {}, now = NOW): Promise<Trust> {
      const location = parseTrustLocation(place);
      const trust = await openTrustClient(storeAccess(options), { location, root, now, ...more, folder });
      onTestFinished(() => trust.close());
      return trust;
    },
  };
}

/** Writes a repository into a folder, as it would be published. */
export async function writeRepository(repository: Simulator, folder: string): Promise<void> {
  const files = [
    ...[...repository.files].map(([name, bytes]) => [join('metadata', name), bytes] as const),
    ...[...repository.targetFiles].map(([name, bytes]) => [join('targets', name), bytes] as const),
  ];
  for (const [name, bytes] of files) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), bytes);
  }
}
