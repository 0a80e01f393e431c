import { type Digest, isDigest } from '../base/digest.js';
import { type ImageReference, parseReference } from '../oci/reference.js';

const BASE_DIGEST = 'org.opencontainers.image.base.digest';
const BASE_NAME = 'org.opencontainers.image.base.name';
/** Of a name that is shown though it is none. */
const SHOWN = 200;

/** The base that an image says it has. Whoever made the image says so, and nobody else. */
export interface StatedBase {
  readonly name: string | null;
  readonly digest: Digest | null;
}

/** Annotations of the manifest say more than labels, which a build inherits from its base. */
export function readStatedBase(
  annotations: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): StatedBase | null {
  for (const map of [annotations, labels]) {
    const stated = (key: string) => (Object.hasOwn(map, key) ? map[key] : undefined);
    const [name, digest] = [stated(BASE_NAME), stated(BASE_DIGEST)];
    if (name || digest)
      return {
        name: name ? name.slice(0, SHOWN) : null,
        digest: digest !== undefined && isDigest(digest) ? digest : null,
      };
  }
  return null;
}

/** A name from outside as a reference into a registry; it never leads to a file or folder of this machine. */
export function parseRegistryName(name: string): ImageReference | undefined {
  try {
    const parsed = parseReference(name);
    return parsed.transport === 'registry' ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** `registry/path:tag`; undefined for what has no tag. */
export function tagNameOf(name: string): string | undefined {
  const parsed = parseRegistryName(name);
  return parsed?.tag === undefined ? undefined : `${parsed.location}:${parsed.tag}`;
}
