import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fail } from '../../base/errors.js';
import { sameText } from './token-request.js';

/** Where the browser comes back to: a server on loopback for one request (RFC 8252, section 7.3). */
export interface Callback {
  readonly redirectUri: string;
  /** The code that the issuer gave; rejects when it refused. */
  readonly code: Promise<string>;
  close(): void;
}

const PATH = '/auth/callback';

/**
 * Waits for the browser on a free port of the loopback interface. Requests without the right `state` are turned away and
 * change nothing: any page in the browser can send them.
 */
export async function openCallback(state: string): Promise<Callback> {
  let settle: { resolve(code: string): void; reject(error: unknown): void } | undefined;
  const code = new Promise<string>((resolve, reject) => {
    settle = { resolve, reject };
  });
  // Whoever waits for it sees the failure; a login that is given up before has nobody waiting.
  code.catch(() => {});
  const server = createServer((request, response) => {
    const result = readCallback(request, state);
    answer(response, result);
    if (result.kind === 'code') settle?.resolve(result.code);
    if (result.kind === 'refused') {
      try {
        fail('login-refused', `the issuer did not log you in: ${result.said}`, { hint: 'log in again' });
      } catch (error) {
        settle?.reject(error);
      }
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    // By name, as issuers have it in their lists of allowed addresses.
    redirectUri: `http://localhost:${port}${PATH}`,
    code,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

type Result =
  | { readonly kind: 'code'; readonly code: string }
  | { readonly kind: 'refused'; readonly said: string }
  | { readonly kind: 'nothing'; readonly status: 400 | 404 };

function readCallback(request: IncomingMessage, state: string): Result {
  const target = request.url ?? '';
  if (request.method !== 'GET' || !URL.canParse(target, 'http://localhost'))
    return { kind: 'nothing', status: 404 };
  const { pathname, searchParams } = new URL(target, 'http://localhost');
  if (pathname !== PATH) return { kind: 'nothing', status: 404 };
  if (!sameText(searchParams.get('state') ?? '', state)) return { kind: 'nothing', status: 400 };
  const error = searchParams.get('error_description') ?? searchParams.get('error');
  if (error !== null)
    return { kind: 'refused', said: error.replace(/[\p{Cc}\p{Cf}\u2028\u2029\s]+/gu, ' ').slice(0, 200) };
  const code = searchParams.get('code') ?? '';
  return code === '' || code.length > 4096 ? { kind: 'nothing', status: 400 } : { kind: 'code', code };
}

function answer(response: ServerResponse, result: Result): void {
  const [status, text] =
    result.kind === 'code'
      ? [200, 'You are logged in. You can close this page and go back to the terminal.']
      : result.kind === 'refused'
        ? [200, 'The login was refused. You can close this page; the terminal says more.']
        : [result.status, 'This is not the answer to the login that is under way.'];
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    connection: 'close',
  });
  response.end(`${text}\n`);
}
