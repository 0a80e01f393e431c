/** Parts of a package URL that say which package it is. */
export interface PackageUrl {
  readonly type: string;
  readonly namespace: string | null;
  readonly name: string;
  readonly version: string | null;
  readonly qualifiers: ReadonlyMap<string, string>;
}

/**
 * Reads a package URL (purl specification, "How to parse a purl string in its components").
 * @returns undefined for what is none: a report may hold anything there
 */
export function parsePackageUrl(text: string | null): PackageUrl | undefined {
  const match = /^pkg:\/*([A-Za-z][A-Za-z0-9.+-]*)\/([^?#]+)(?:\?([^#]*))?(?:#.*)?$/.exec(text ?? '');
  if (match === null) return undefined;
  const [, type = '', path = '', query = ''] = match;
  const at = path.lastIndexOf('@');
  // A version stands behind the name: an @ in front of the last slash begins a namespace, as npm has them.
  const versioned = at > path.lastIndexOf('/');
  const parts = (versioned ? path.slice(0, at) : path).split('/').filter(part => part !== '');
  const name = parts.pop();
  if (name === undefined) return undefined;
  try {
    return {
      type: type.toLowerCase(),
      namespace: parts.length === 0 ? null : parts.map(decodeURIComponent).join('/'),
      name: decodeURIComponent(name),
      version: versioned ? decodeURIComponent(path.slice(at + 1)) : null,
      qualifiers: readQualifiers(query),
    };
  } catch {
    return undefined;
  }
}

function readQualifiers(query: string): ReadonlyMap<string, string> {
  const pairs = query.split('&').map(pair => {
    const [key = '', ...value] = pair.split('=');
    return [key.toLowerCase(), decodeURIComponent(value.join('='))] as const;
  });
  return new Map(pairs.filter(([key]) => key !== ''));
}
