import { basename, resolve } from 'node:path';
import { type Digest, isDigest, parseDigest } from '../base/digest.js';
import { fail } from '../base/errors.js';

/** What the user wrote for an image: where it is stored, and which one there. */
export interface ImageReference {
  readonly transport: 'registry' | 'oci' | 'oci-archive' | 'docker-archive';
  /** `host[:port]/path` of a registry repository, or the path of a folder or file. */
  readonly location: string;
  readonly tag?: string;
  /** When both are given the digest decides; the tag is for display. */
  readonly digest?: Digest;
}

export interface RegistryName {
  /** As written: `docker.io`, `localhost:5000`. */
  readonly registry: string;
  /** The path below the registry: `library/alpine`. */
  readonly path: string;
}

const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const HOST =
  /^(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?$/;
const PATH = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
/** Names of one registry: references say docker.io, cosign writes index.docker.io. */
const DOCKER_HUB = ['docker.io', 'index.docker.io', 'registry-1.docker.io'];

export function isTag(text: string): boolean {
  return TAG.test(text);
}

/**
 * Parses IMAGE: a registry reference (grammar of distribution/reference, Docker Hub's short names included),
 * `oci:DIR[:TAG|@DIGEST]`, `oci-archive:FILE[:TAG|@DIGEST]`, or `docker-archive:FILE[:REPOSITORY:TAG]`.
 * @throws TouchmarkError `usage-reference`, saying what is wrong with it
 */
export function parseReference(text: string): ImageReference {
  const local = /^(oci|oci-archive|docker-archive):(.+)$/s.exec(text);
  if (local?.[1] && local[2]) return parseLocal(local[1] as ImageReference['transport'], local[2], text);
  const { rest, digest } = splitDigest(text, text);
  // A colon behind the last slash begins a tag; one before it, a port.
  const colon = rest.indexOf(':', rest.lastIndexOf('/') + 1);
  const name = colon < 0 ? rest : rest.slice(0, colon);
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  if (tag !== undefined && !isTag(tag)) bad(text, `${JSON.stringify(tag)} is not a tag`);
  const { registry, path } = parseRepository(name);
  const location = `${registry}/${path}`;
  if (digest) return { transport: 'registry', location, digest, ...(tag && { tag }) };
  return { transport: 'registry', location, tag: tag ?? 'latest' };
}

function parseLocal(transport: ImageReference['transport'], rest: string, text: string): ImageReference {
  const split = splitDigest(rest, text);
  const colon = transport === 'docker-archive' ? split.rest.search(/:(?=[^/])/) : split.rest.lastIndexOf(':');
  const hasTag = colon > 0 && (transport === 'docker-archive' || !split.rest.includes('/', colon));
  const location = hasTag ? split.rest.slice(0, colon) : split.rest;
  const tag = hasTag ? split.rest.slice(colon + 1) : undefined;
  if (location === '') bad(text, 'the path is empty');
  // A layout's ref.name may hold more than a tag; it is only ever compared, never put into a path.
  if (tag !== undefined && (tag === '' || tag.length > 255)) bad(text, 'the tag is empty or too long');
  return {
    transport,
    location,
    ...(tag !== undefined && { tag }),
    ...(split.digest && { digest: split.digest }),
  };
}

function splitDigest(rest: string, text: string): { rest: string; digest: Digest | undefined } {
  const at = rest.lastIndexOf('@');
  if (at < 0 || !/^@[A-Za-z0-9+._-]+:/.test(rest.slice(at))) {
    if (at >= 0 && !rest.slice(at).includes('/'))
      bad(text, `${JSON.stringify(rest.slice(at + 1))} is not a digest`);
    return { rest, digest: undefined };
  }
  const digest = rest.slice(at + 1);
  if (!isDigest(digest)) bad(text, `${JSON.stringify(digest)} is not a digest this tool can check`);
  return { rest: rest.slice(0, at), digest: parseDigest(digest) };
}

function bad(text: string, problem: string): never {
  return fail(
    'usage-reference',
    `${JSON.stringify(text.slice(0, 300))} is not an image reference: ${problem}`,
    {
      hint: 'registry.example/team/app:1.4, registry.example/team/app@sha256:…, oci:DIR:TAG, oci-archive:FILE or docker-archive:FILE',
    },
  );
}

/**
 * Parses a repository name as Docker does: the first component is a registry when it is `localhost`, or has a dot,
 * a colon or an upper-case letter; otherwise the name belongs to Docker Hub.
 * @throws TouchmarkError `usage-reference`
 */
export function parseRepository(name: string): RegistryName {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const hasRegistry = first === 'localhost' || /[.:A-Z]/.test(first);
  const registry = hasRegistry ? first : 'docker.io';
  let path = hasRegistry ? name.slice(slash + 1) : name;
  if (!HOST.test(registry)) bad(name, `${JSON.stringify(registry)} is not a registry host`);
  if (DOCKER_HUB.includes(registry) && !path.includes('/')) path = `library/${path}`;
  if (!PATH.test(path)) {
    if (PATH.test(path.toLowerCase())) bad(name, 'the repository must be lower case');
    bad(name, `${JSON.stringify(path)} is not a repository path`);
  }
  if (!hasRegistry && /^[a-f0-9]{64}$/.test(name)) bad(name, 'it is an image id, not a name');
  if (registry.length + 1 + path.length > 255) bad(name, 'the name has more than 255 characters');
  return { registry: DOCKER_HUB.includes(registry) ? 'docker.io' : registry, path };
}

/** `registry/path` as cosign puts it in a payload's docker-reference: Docker Hub is `index.docker.io`. */
export function formatDockerReference(repository: string): string {
  const { registry, path } = parseRepository(repository);
  return `${registry === 'docker.io' ? 'index.docker.io' : registry}/${path}`;
}

/**
 * Do two repository names mean the same repository? Docker Hub's names are one, host names ignore case,
 * and a tag or digest behind the name does not count.
 */
export function sameRepository(a: string, b: string): boolean {
  const [left, right] = [normalizeRepository(a), normalizeRepository(b)];
  return left !== undefined && left === right;
}

/** The one spelling of a repository's name, without tag and digest; undefined for what is no name of one. */
export function normalizeRepository(reference: string): string | undefined {
  try {
    const parsed = parseReference(reference);
    if (parsed.transport !== 'registry') return undefined;
    const { registry, path } = parseRepository(parsed.location);
    return `${registry.toLowerCase()}/${path}`;
  } catch {
    return undefined;
  }
}

/**
 * The repository a signature on this image names. A layout or archive belongs to no repository:
 * without `--as` it is `localhost/` and the name of the folder or file.
 */
export function defaultRepository(reference: ImageReference): string {
  if (reference.transport === 'registry') return reference.location;
  const name = basename(resolve(reference.location))
    .toLowerCase()
    .replace(/\.(?:tar|tar\.gz|tgz)$/, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return `localhost/${name || 'image'}`;
}

/** Without tag or digest: `registry.example/app`, `oci:DIR`. */
export function formatLocation(reference: ImageReference): string {
  return reference.transport === 'registry'
    ? reference.location
    : `${reference.transport}:${reference.location}`;
}

/** As the user would write it again. */
export function formatReference(reference: ImageReference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  return `${formatLocation(reference)}${reference.digest ? '' : tag}${reference.digest ? `@${reference.digest}` : ''}`;
}

/** The same image pinned to what its name resolved to. */
export function pinReference(reference: ImageReference, digest: Digest): ImageReference {
  return { transport: reference.transport, location: reference.location, digest };
}

/** The registry that an image lies in, lower case; undefined when it lies in none. */
export function registryOf({ transport, location }: ImageReference): string | undefined {
  return transport === 'registry' ? parseRepository(location).registry.toLowerCase() : undefined;
}

/** cosign's tag for something about a digest: `sha256-<hex>.sig`. Without suffix: the referrers fallback tag. */
export function attachmentTag(digest: Digest, suffix = ''): string {
  // Distribution specification, "Referrers Tag Schema": at most 32 characters of algorithm and 64 of hex.
  const [algorithm = '', hex = ''] = digest.split(':');
  return `${algorithm.slice(0, 32)}-${hex.slice(0, 64)}${suffix}`;
}
