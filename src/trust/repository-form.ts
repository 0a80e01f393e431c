import { createHash } from 'node:crypto';
import type { Digest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { type Descriptor, describe } from '../oci/descriptor.js';
import {
  type ImageManifest,
  parseManifest,
  type RawManifest,
  rawManifest,
  serializeManifest,
} from '../oci/manifest.js';
import { MEDIA_TYPES } from '../oci/media-types.js';

/**
 * How a TUF repository lies in an image store. One tag names one moment of it, whole: whoever has resolved the tag reads
 * everything else by digest, whatever is published meanwhile, and garbage collection keeps what the tag reaches.
 *
 * A small repository is one manifest; each file is a layer, under its name in the repository (`3.targets.json`,
 * `targets/a/<hash>.b`). This is how docker/attest reads metadata as well. A large one is an index: first the manifest with
 * what every refresh reads, then 2^n manifests with the rest, by the first bits of the SHA-256 of the name. So a change
 * rewrites the few manifests that it falls into. What a refresh reads is inlined as far as it is small.
 */
export const REPOSITORY_TYPE = 'application/vnd.touchmark.tuf.repository.v1+json';
const METADATA_TYPE = 'application/vnd.tuf.metadata+json';
const TARGET_TYPE = 'application/vnd.tuf.target';
const NAME = 'tuf.io/filename';

/** Target files have this in front of their names; no metadata file has, for a slash in a role's name is encoded. */
export const TARGETS = 'targets/';

/** Files that one manifest holds before a repository is spread over several, and what each of those then aims at. */
const TOGETHER = 256;
const SHARD = 512;

export const EMPTY_CONFIG = describe(MEDIA_TYPES.ociEmpty, Buffer.from('{}'), { data: Buffer.from('{}') });

/** A file of a repository: where it is called what, and its content. */
export type RepositoryFiles = ReadonlyMap<string, Descriptor>;

/** The descriptor of the timestamp: it travels inside its descriptor, for every refresh reads it. */
export function describeTimestamp(bytes: Uint8Array): Descriptor {
  const inlined = bytes.length <= LIMITS.inlineData ? { data: bytes } : {};
  return { ...nameFile('timestamp.json', describe(METADATA_TYPE, bytes)), ...inlined };
}

/** The descriptor of a file under its name. */
export function nameFile(name: string, { digest, size }: Pick<Descriptor, 'digest' | 'size'>): Descriptor {
  const mediaType = name.startsWith(TARGETS) ? TARGET_TYPE : METADATA_TYPE;
  return { mediaType, digest, size, annotations: { [NAME]: name } };
}

/** The manifests that make a repository of these files; the first one is to be tagged, the others first written. */
export function composeRepository(files: RepositoryFiles): readonly [RawManifest, ...RawManifest[]] {
  const names = [...files.keys()].sort();
  if (names.length <= TOGETHER) return [manifestOf(names)];
  const current = currentNames(names);
  const rest = names.filter(name => !current.has(name));
  const bits = Math.max(0, Math.ceil(Math.log2(rest.length / SHARD)));
  const shards = Array.from({ length: 2 ** bits }, (): string[] => []);
  for (const name of rest) shards[shardOf(name, bits)]?.push(name);
  const top = manifestOf(names.filter(name => current.has(name)));
  const others = shards.map(manifestOf);
  const inlined = top.bytes.length <= LIMITS.tufInlinedManifest ? { data: top.bytes } : {};
  const entries = [{ ...top.descriptor, ...inlined }, ...others.map(({ descriptor }) => descriptor)];
  // A registry takes no index of more; the files would have to be millions.
  if (entries.length > LIMITS.indexEntries)
    fail('limit-exceeded', `${names.length} files are more than one repository in a registry can hold`);
  const index = serializeManifest({
    manifests: entries.map(entry => ({ ...entry, artifactType: REPOSITORY_TYPE })),
    artifactType: REPOSITORY_TYPE,
  });
  return [index, top, ...new Map(others.map(other => [other.descriptor.digest, other])).values()];

  function manifestOf(held: readonly string[]): RawManifest {
    const layers = held.map(name => files.get(name) as Descriptor);
    // Registries and their clients expect at least one layer.
    const padded = layers.length > 0 ? layers : [EMPTY_CONFIG];
    return serializeManifest({ config: EMPTY_CONFIG, layers: padded, artifactType: REPOSITORY_TYPE });
  }
}

/** What a refresh reads: all roots, the timestamp, and the newest snapshot and targets. */
function currentNames(names: readonly string[]): ReadonlySet<string> {
  const newest = new Map<string, readonly [number, string]>();
  const current = new Set<string>(['timestamp.json']);
  for (const name of names) {
    const match = /^([0-9]{1,16})\.(root|snapshot|targets)\.json$/.exec(name);
    if (!match) continue;
    const [version, role] = [Number(match[1]), match[2] as string];
    if (role === 'root') current.add(name);
    else if (version > (newest.get(role)?.[0] ?? 0)) newest.set(role, [version, name]);
  }
  for (const [, name] of newest.values()) current.add(name);
  return current;
}

function shardOf(name: string, bits: number): number {
  if (bits === 0) return 0;
  return createHash('sha256').update(name, 'utf8').digest().readUInt32BE(0) >>> (32 - bits);
}

/** A repository as one tag names it, read as far as it is asked for. */
export interface PublishedRepository {
  readonly digest: Digest;
  /** Digests of the manifests that it is spread over. */
  readonly parts: readonly Digest[];
  find(name: string): Promise<Descriptor | undefined>;
  /** Every file. In a large repository this reads all of its manifests. */
  list(): Promise<RepositoryFiles>;
}

/**
 * Reads what {@link composeRepository} makes, or a metadata image of docker/attest. `fetch` gives a manifest by its digest.
 * @throws TouchmarkError `format-manifest`, `oci-digest-mismatch`; whatever `fetch` throws
 */
export function parseRepository(
  raw: RawManifest,
  fetch: (digest: Digest) => Promise<RawManifest | undefined>,
): PublishedRepository {
  const { digest } = raw.descriptor;
  const manifest = parseManifest(raw);
  if (manifest.kind === 'image') {
    const files = filesOf(manifest);
    return { digest, parts: [], find: async name => files.get(name), list: async () => files };
  }
  const [first, ...shards] = manifest.manifests;
  const bits = Math.log2(shards.length);
  if (manifest.artifactType !== REPOSITORY_TYPE || !first || !Number.isInteger(bits))
    return fail('format-manifest', `${digest} is an index, but not one of a TUF repository`, {
      details: { digest },
      hint: 'give the place that touchmark tuf publish wrote to',
    });
  const loaded = new Map<Digest, Promise<RepositoryFiles>>();
  const load = (descriptor: Descriptor): Promise<RepositoryFiles> => {
    const known = loaded.get(descriptor.digest);
    if (known) return known;
    const files = fetchPart(descriptor);
    loaded.set(descriptor.digest, files);
    // The first stays: every refresh asks it. Of the others the last few are enough.
    if (loaded.size > LIMITS.tufLoadedManifests) {
      const oldest = [...loaded.keys()].find(key => key !== first.digest);
      if (oldest) loaded.delete(oldest);
    }
    return files;
  };
  const fetchPart = async ({ mediaType, data, digest: part }: Descriptor): Promise<RepositoryFiles> => {
    const found = data ? rawManifest(mediaType, data) : await fetch(part);
    if (!found)
      return fail('layer-unavailable', `a part of the TUF repository is gone: ${part}`, {
        details: { digest: part },
        hint: 'publish it again: touchmark tuf publish',
      });
    const parsed = parseManifest(found);
    if (parsed.kind !== 'image')
      return fail('format-manifest', `${part} is an index where files were expected`);
    return filesOf(parsed);
  };
  return {
    digest,
    parts: manifest.manifests.map(part => part.digest),
    async find(name) {
      const here = (await load(first)).get(name);
      if (here) return here;
      // A root that is not there is what every refresh asks for: nothing more is read for it.
      if (/^[0-9]+\.root\.json$/.test(name)) return undefined;
      return (await load(shards[shardOf(name, bits)] as Descriptor)).get(name);
    },
    async list() {
      const all = new Map(await load(first));
      for (const shard of shards) {
        for (const [name, file] of await load(shard)) all.set(name, file);
        if (all.size > LIMITS.tufListedFiles)
          fail('limit-exceeded', `${digest} lists more than ${LIMITS.tufListedFiles} files`);
      }
      return all;
    },
  };
}

function filesOf({ layers }: ImageManifest): RepositoryFiles {
  return new Map(
    layers.flatMap(layer => {
      const name = layer.annotations?.[NAME];
      return name === undefined ? [] : [[name, layer] as const];
    }),
  );
}
