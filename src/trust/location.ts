import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fail, TouchmarkError } from '../base/errors.js';
import { formatReference, type ImageReference, parseReference } from '../oci/reference.js';

/** Where a TUF repository is kept. */
export type TrustLocation =
  /** `flat`: metadata is looked for directly at the address before it is in `metadata/`; some servers say 403 to a wrong guess. */
  | { readonly kind: 'web'; readonly url: URL; readonly flat?: boolean }
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'store'; readonly reference: ImageReference };

/**
 * Parses SOURCE: `https://…` (static files), `oci://registry/repository[:tag|@digest]`, `oci:DIR[:tag]` or
 * `oci-archive:FILE[:tag]` (an image layout), `file://…`, or a folder.
 * @throws TouchmarkError `usage-argument`, `usage-reference`
 */
export function parseTrustLocation(text: string): TrustLocation {
  if (text === '') bad(text, 'it is empty');
  if (/^https?:/i.test(text)) return { kind: 'web', url: parseWebUrl(text) };
  if (/^file:/i.test(text)) return { kind: 'folder', path: parseFileUrl(text) };
  if (text.startsWith('oci://')) {
    const reference = parseReference(text.slice('oci://'.length));
    if (reference.transport !== 'registry') bad(text, 'no registry stands behind oci://');
    return { kind: 'store', reference };
  }
  if (/^oci(?:-archive)?:/.test(text)) return { kind: 'store', reference: parseReference(text) };
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1];
  if (scheme) bad(text, `${scheme} is nothing that can be read from`);
  return { kind: 'folder', path: text };
}

function parseWebUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : bad(text, 'it is not a URL');
  if (url.username || url.password)
    bad('https://…', 'a user or password in a URL ends up in logs; metadata is public and needs none');
  if (url.search || url.hash) bad(text, 'names of files are put behind it, so it has no ? and no #');
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

function parseFileUrl(text: string): string {
  try {
    return fileURLToPath(text);
  } catch (cause) {
    if (cause instanceof TouchmarkError) throw cause;
    return bad(text, 'it is not the URL of a local folder');
  }
}

function bad(text: string, problem: string): never {
  return fail(
    'usage-argument',
    `${JSON.stringify(text.slice(0, 300))} is no place of a TUF repository: ${problem}`,
    { hint: 'https://tuf.example/repository, oci://registry.example/trust, oci:DIR, or a folder' },
  );
}

/** One text for one place, however it was written: what a cache is known by, and what people are shown. */
export function formatTrustLocation(location: TrustLocation): string {
  switch (location.kind) {
    case 'web':
      return location.url.href;
    case 'folder':
      return resolve(location.path);
    case 'store': {
      const { reference } = location;
      if (reference.transport === 'registry') return `oci://${formatReference(reference)}`;
      return formatReference({ ...reference, location: resolve(reference.location) });
    }
  }
}

/** Can it be read without opening a socket? */
export function isLocal(location: TrustLocation): boolean {
  return (
    location.kind === 'folder' || (location.kind === 'store' && location.reference.transport !== 'registry')
  );
}
