import { mapConcurrently } from '../base/concurrency.js';
import type { Digest } from '../base/digest.js';
import { toTouchmarkError } from '../base/errors.js';
import { parseManifest, type RawManifest } from '../oci/manifest.js';
import type { ImageReference } from '../oci/reference.js';
import type { ReleaseLookup } from '../verify/release.js';
import { parseRegistryName } from './base-names.js';
import type { Lookup } from './lineage.js';
import type { Reach } from './reach.js';

/** Names that are looked up at once. */
const CONCURRENCY = 8;

/**
 * What names mean today, each asked once: by TUF where it has recorded the tag, else as the registry answers. Never throws for
 * a name: what could not be found out is `unknown`.
 * @param known what is known already, because the images were opened by these names
 */
export async function lookUpNames(
  names: readonly string[],
  known: ReadonlyMap<string, Lookup>,
  reach: Reach,
  releaseOf: ReleaseLookup | undefined,
): Promise<ReadonlyMap<string, Lookup>> {
  const wanted = [...new Set(names)];
  const found = await mapConcurrently(wanted, CONCURRENCY, name =>
    lookUp(name, known.get(name), reach, releaseOf),
  );
  return new Map(wanted.map((name, at) => [name, found[at] as Lookup]));
}

async function lookUp(
  name: string,
  known: Lookup | undefined,
  reach: Reach,
  releaseOf: ReleaseLookup | undefined,
): Promise<Lookup> {
  const reference = parseRegistryName(name);
  try {
    if (releaseOf && reference?.tag !== undefined) {
      const release = await releaseOf(reference.location, reference.tag);
      if (release) return await lookUpRelease(release.digest, known, reference, reach);
    }
    if (known) return known;
    if (reference?.tag === undefined) return unknown('it is no tag of a registry');
    const { tag } = reference;
    const raw = await reach.open(reference, store => store.fetchManifest({ tag }));
    if (!raw) return { kind: 'unknown', code: 'oci-not-found', why: 'the tag is gone' };
    return { kind: 'found', by: 'store', digest: raw.descriptor.digest, children: childrenOf(raw) };
  } catch (error) {
    const { code, message } = toTouchmarkError(error);
    return { kind: 'unknown', code, why: message };
  }
}

async function lookUpRelease(
  digest: Digest,
  known: Lookup | undefined,
  reference: ImageReference,
  reach: Reach,
): Promise<Lookup> {
  const found = { kind: 'found', by: 'tuf', digest } as const;
  if (known?.kind === 'found' && known.digest === digest) return { ...found, children: known.children };
  try {
    const raw = await reach.open(reference, store => store.fetchManifest({ digest }));
    return { ...found, children: raw ? childrenOf(raw) : null };
  } catch {
    return { ...found, children: null };
  }
}

function unknown(why: string): Lookup {
  return { kind: 'unknown', code: null, why };
}

/** The images of an index; none for an image. */
export function childrenOf(raw: RawManifest): readonly Digest[] {
  const manifest = parseManifest(raw);
  return manifest.kind === 'index' ? manifest.manifests.map(({ digest }) => digest) : [];
}
