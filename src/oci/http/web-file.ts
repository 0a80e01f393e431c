import { discardBody, readBeginning, readErrorBody, refuseWebPage } from './body.js';
import { followRedirects } from './redirect.js';
import { withRetries } from './retry.js';
import { partsOf, type RegistrySession } from './session.js';
import { refuseEncoding, sendWebRequest, webStatusError } from './web-request.js';

/** What a web server said of a file: its bytes, that there is none (404, 410), or that it may not be read (401, 403). */
export type WebFile =
  | { readonly found: true; readonly bytes: Uint8Array }
  | { readonly found: false; readonly because: 'missing' | 'denied'; readonly status: number };

export interface WebFileOptions {
  /** No more than the first byte behind this many is read. */
  readonly maxLength: number;
  /** For messages, where a web page cannot be what was asked for; undefined where it can. */
  readonly refusePage?: string;
}

/**
 * Fetches a file from a web server that is no registry, over the connections, proxies, redirects, deadlines and retries of
 * a session. No credentials are sent, to nobody.
 * @throws TouchmarkError `net-*`; `net-status` for an answer that says nothing about the file
 */
export async function fetchWebFile(
  session: RegistrySession,
  url: URL,
  { maxLength, refusePage }: WebFileOptions,
): Promise<WebFile> {
  const parts = partsOf(session);
  const { tuning, signal } = parts;
  return withRetries(tuning, signal, async (): Promise<WebFile> => {
    const { answer } = await followRedirects({ method: 'GET', url, trusted: false }, hop =>
      sendWebRequest(parts, { method: 'GET', url: hop.url, headers: {} }),
    );
    const { status } = answer;
    if (status === 404 || status === 410 || status === 401 || status === 403) {
      await discardBody(answer);
      return { found: false, because: status === 404 || status === 410 ? 'missing' : 'denied', status };
    }
    if (status !== 200) {
      await readErrorBody(answer);
      throw webStatusError(answer, tuning.date());
    }
    if (refusePage !== undefined) await refuseWebPage(answer, refusePage);
    await refuseEncoding(answer);
    return { found: true, bytes: await readBeginning(answer, maxLength + 1) };
  });
}
