import { fail } from '../base/errors.js';
import type { StoreAccess } from '../oci/open.js';
import type { TufSource } from '../tuf/source.js';

/** The two folders of a repository on a web server, each with a slash at its end. */
export interface WebFolders {
  readonly metadata: URL;
  readonly targets: URL;
}

/**
 * A repository of static files on a web server.
 *
 * Many file servers answer 403 where there is no file and the asker may not list the folder. The end of the chain of roots
 * is a file that is not there, so for a root 403 says the same as 404, as python-tuf has it: somebody who can forge one
 * could forge the other, and the expiry of what was signed bounds both. Everywhere else 403 is an error.
 */
export function openWebSource(access: StoreAccess, folders: WebFolders): TufSource {
  const fetchFile = async (url: URL, maxLength: number, page: { readonly refusePage?: string }) => {
    const [http, session] = await Promise.all([import('../oci/http/index.js'), access.session()]);
    return http.fetchWebFile(session, url, { maxLength, ...page });
  };
  return {
    async metadata(name, maxLength) {
      // The name is encoded already, and what is encoded in it must stay so: `%2F` is no slash.
      const url = new URL(name, folders.metadata);
      const file = await fetchFile(url, maxLength, { refusePage: 'TUF metadata' });
      if (file.found) return file.bytes;
      const isEnd = file.status === 403 && /^[0-9]+\.root\.json$/.test(name);
      if (file.because === 'missing' || isEnd) return undefined;
      return refuse(url, file.status);
    },
    async target(path, maxLength) {
      const url = new URL(encodePath(path), folders.targets);
      const file = await fetchFile(url, maxLength, {});
      if (file.found) return file.bytes;
      return file.because === 'missing' ? undefined : refuse(url, file.status);
    },
  };
}

function encodePath(path: string): string {
  try {
    return path.split('/').map(encodeURIComponent).join('/');
  } catch {
    return fail('tuf-format', `the target path ${JSON.stringify(path.slice(0, 120))} is not text`);
  }
}

function refuse(url: URL, status: number): never {
  return fail('net-status', `${url.host} does not let ${url.pathname} be read (status ${status})`, {
    hint: 'a TUF repository is public; ask who runs the server, or take the right address',
    details: { url: `${url.origin}${url.pathname}`, status },
  });
}
