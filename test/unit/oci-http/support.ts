import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import { TouchmarkError } from '../../../src/base/errors.js';
import type { RequestEvent, StoreOptions } from '../../../src/oci/context.js';
import { describe as describeContent } from '../../../src/oci/descriptor.js';
import { createRegistrySession, openRegistryStore, type Tuning } from '../../../src/oci/http/index.js';
import { serializeManifest } from '../../../src/oci/manifest.js';
import { MEDIA_TYPES } from '../../../src/oci/media-types.js';
import { parseReference } from '../../../src/oci/reference.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

export function cleanup(action: () => unknown): void {
  cleanups.push(action);
}

/** A store whose pauses take no time; `slept` has them in milliseconds. */
export function openTestStore(reference: string, options: StoreOptions = {}, tuned: Partial<Tuning> = {}) {
  const slept: number[] = [];
  const events: RequestEvent[] = [];
  const warnings: string[] = [];
  const session = createRegistrySession(
    {
      environment: {},
      onRequest: event => events.push(event),
      onWarning: text => warnings.push(text),
      ...options,
    },
    {
      random: () => 0.5,
      async sleep(milliseconds) {
        slept.push(milliseconds);
        await turn();
      },
      ...tuned,
    },
  );
  cleanups.push(() => session.close());
  const store = openRegistryStore(parseReference(reference), session);
  return {
    store,
    session,
    slept,
    events,
    warnings,
    asked: () => events.map(e => `${e.method} ${new URL(e.url).pathname}`),
  };
}

/** A server on a free port of 127.0.0.1; closed behind the test. */
export async function startServer(
  handler: http.RequestListener,
): Promise<{ host: string; server: http.Server }> {
  const server = http.createServer(handler);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    return new Promise(resolve => server.close(resolve));
  });
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

/** What a promise was rejected with. Fails when it was not. */
export async function failureOf(work: Promise<unknown>): Promise<TouchmarkError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof TouchmarkError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  for await (const chunk of chunks) text += Buffer.from(chunk).toString('latin1');
  return text;
}

export const EMPTY = describeContent(MEDIA_TYPES.ociEmpty, utf8('{}'));

/** A small image manifest; equal names give equal bytes. */
export function testManifest(name: string) {
  return serializeManifest({ config: EMPTY, layers: [], annotations: { name } });
}

export const IMAGE = testManifest('image');
