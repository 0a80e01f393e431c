import { concatBytes } from '../../base/bytes.js';
import { fail } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { mediaTypeOf } from './headers.js';
import type { Answer } from './transport.js';

/**
 * Reads a whole body of at most `maxSize` bytes.
 * @throws TouchmarkError `limit-exceeded` before more than that is held in memory; `net-*` when it breaks off
 */
export async function readBody(answer: Answer, maxSize: number, what: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const stated = Number(answer.headers['content-length'] ?? 0);
  for await (const chunk of answer.chunks()) {
    size += chunk.length;
    if (size > maxSize || stated > maxSize) {
      fail(
        'limit-exceeded',
        `${what} has ${Math.max(size, stated)} bytes or more; at most ${maxSize} are read`,
        {
          details: { host: answer.url.host },
        },
      );
    }
    parts.push(chunk);
  }
  return concatBytes(...parts);
}

/** The first `length` bytes of a body; whatever follows is left unread. */
export async function readBeginning(answer: Answer, length: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.chunks()) {
    parts.push(chunk);
    size += chunk.length;
    if (size >= length) break;
  }
  return concatBytes(...parts).subarray(0, length);
}

/** The beginning of a body that is only good for a message. Never throws: the status has decided already. */
export async function readErrorBody(answer: Answer): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of answer.chunks()) {
      parts.push(chunk);
      size += chunk.length;
      if (size > LIMITS.errorBodySize) break;
    }
  } catch {
    // Half a message is still worth showing.
  }
  return concatBytes(...parts).subarray(0, LIMITS.errorBodySize);
}

/** Reads the body away, so that the connection can be used again. */
export async function discardBody(answer: Answer): Promise<void> {
  await readErrorBody(answer);
}

/**
 * Refuses a web page where a registry should have answered: a login page, a captive portal, a proxy's notice.
 * @throws TouchmarkError `net-protocol`
 */
export async function refuseWebPage(answer: Answer, what: string): Promise<void> {
  const type = mediaTypeOf(answer.headers['content-type']);
  if (type !== 'text/html' && type !== 'application/xhtml+xml') return;
  await discardBody(answer);
  fail(
    'net-protocol',
    `${answer.url.host} answered with a web page (status ${answer.status}) where ${what} was asked for`,
    {
      hint: 'check that this is the right address, and that no login page or proxy stands in front of it',
      details: { host: answer.url.host, status: answer.status },
    },
  );
}
