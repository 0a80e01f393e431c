import { computeDigest, type Digest, digestAlgorithm } from '../../base/digest.js';
import { TouchmarkError, toTouchmarkError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { Descriptor } from '../descriptor.js';
import { artifactTypeOf, parseManifest, type RawManifest } from '../manifest.js';
import { INDEX_TYPES, MANIFEST_TYPES } from '../media-types.js';
import { attachmentTag } from '../reference.js';
import type { Referrers } from '../store.js';
import type { LayoutBackend } from './backend.js';
import { findTag, type LayoutIndex } from './layout-index.js';
import { loadListed, statedType } from './stored-manifests.js';

/** What a blob refers to; null when it is no manifest with a subject. Never changes: a digest names its content. */
type Facts = { readonly subject: Digest; readonly descriptor: Descriptor } | null;

interface Scan {
  readonly version: string | undefined;
  readonly bySubject: ReadonlyMap<Digest, readonly Descriptor[]>;
  readonly problems: readonly TouchmarkError[];
}

/**
 * Finds what refers to a subject in a layout, which has no referrers API: in the fallback index, and by looking at every
 * manifest there is, listed or not (`cosign save` writes referrers that no index lists).
 */
export function createReferrerScan(backend: LayoutBackend): (subject: Digest) => Promise<Referrers> {
  const known = new Map<Digest, Facts>();
  let last: Scan | undefined;

  return async subject => {
    const index = await backend.readIndex();
    const found = new Map<Digest, Descriptor>();
    const problems: TouchmarkError[] = [];
    const sources: Referrers['sources'][number][] = ['layout'];
    if (!index) return { descriptors: [], sources, problems };
    try {
      const listed = await readFallback(backend, index, subject);
      if (listed) sources.unshift('fallback-tag');
      for (const descriptor of listed ?? []) found.set(descriptor.digest, descriptor);
    } catch (error) {
      problems.push(toTouchmarkError(error));
    }
    const version = await backend.version();
    if (!last || version === undefined || last.version !== version) {
      last = { version, ...(await scanManifests(backend, index, known)) };
    }
    for (const descriptor of last.bySubject.get(subject) ?? []) found.set(descriptor.digest, descriptor);
    problems.push(...last.problems);
    if (found.size > LIMITS.referrers)
      problems.push(tooMany(`${found.size} manifests refer to ${subject}`, LIMITS.referrers));
    return { descriptors: [...found.values()].slice(0, LIMITS.referrers), sources, problems };
  };
}

/** The fallback index of a subject (distribution specification, "Referrers Tag Schema"); undefined when there is none. */
async function readFallback(
  backend: LayoutBackend,
  index: LayoutIndex,
  subject: Digest,
): Promise<readonly Descriptor[] | undefined> {
  const entry = findTag(index, attachmentTag(subject));
  // `cosign copy` gives the image itself this tag.
  if (!entry || entry.descriptor.digest === subject) return undefined;
  const manifest = parseManifest(await loadListed(backend, entry.descriptor));
  if (manifest.kind === 'index') return manifest.manifests;
  throw new TouchmarkError(
    'format-manifest',
    `the tag ${attachmentTag(subject)} names an image where an index of referrers is due`,
  );
}

async function scanManifests(
  backend: LayoutBackend,
  index: LayoutIndex,
  known: Map<Digest, Facts>,
): Promise<Omit<Scan, 'version'>> {
  const bySubject = new Map<Digest, Descriptor[]>();
  const problems: TouchmarkError[] = [];
  const seen = new Set<Digest>();
  const add = (digest: Digest, facts: Facts): void => {
    known.set(digest, facts);
    if (facts) bySubject.set(facts.subject, [...(bySubject.get(facts.subject) ?? []), facts.descriptor]);
  };
  for (const { descriptor, name, kind } of index.entries) {
    const { digest, mediaType } = descriptor;
    if (seen.has(digest) || ![...MANIFEST_TYPES, ...INDEX_TYPES].includes(mediaType)) continue;
    seen.add(digest);
    try {
      add(digest, known.get(digest) ?? factsOf(await loadListed(backend, descriptor)));
    } catch (error) {
      // Something with a name of its own is reported when it is asked for; what has none might be the referrer sought.
      if (name === undefined && kind === undefined) problems.push(toTouchmarkError(error));
    }
  }
  let files = 0;
  let budget: number = LIMITS.layoutScanBytes;
  for await (const digest of backend.listBlobs()) {
    if (seen.has(digest)) continue;
    const facts = known.get(digest);
    if (facts !== undefined) {
      add(digest, facts);
      continue;
    }
    if (++files > LIMITS.layoutScanFiles || budget <= 0) {
      problems.push(tooMany(`${backend.what} holds more blobs than are looked into`, LIMITS.layoutScanFiles));
      break;
    }
    try {
      const { bytes, read } = await readIfDocument(backend, digest);
      budget -= read;
      add(digest, bytes ? unlistedFacts(bytes, digest) : null);
    } catch (error) {
      problems.push(toTouchmarkError(error));
    }
  }
  return { bySubject, problems };
}

/** The bytes of a blob that may be a manifest with a subject; otherwise no more than its first chunk is read. */
async function readIfDocument(
  backend: LayoutBackend,
  digest: Digest,
): Promise<{ bytes?: Uint8Array; read: number }> {
  const file = await backend.findBlob(digest);
  if (!file) return { read: 0 };
  if (file.size > LIMITS.manifestSize) {
    await file.close();
    return { read: 0 };
  }
  const parts: Uint8Array[] = [];
  let read = 0;
  for await (const chunk of file.read()) {
    read += chunk.length;
    if (parts.length === 0 && chunk[0] !== 0x7b) return { read };
    parts.push(chunk);
  }
  const bytes = Buffer.concat(parts);
  return bytes.includes('"subject"') ? { bytes, read } : { read };
}

/** Facts of bytes that nobody lists. What is not a manifest is simply none; a manifest that was damaged is a problem. */
function unlistedFacts(bytes: Uint8Array, digest: Digest): Facts {
  const intact = computeDigest(bytes, digestAlgorithm(digest)) === digest;
  let mediaType: string;
  try {
    mediaType = statedType(bytes);
  } catch (error) {
    if (intact) return null;
    throw error;
  }
  if (!intact)
    throw new TouchmarkError('oci-digest-mismatch', `the manifest ${digest} does not match its digest`);
  if (![...MANIFEST_TYPES, ...INDEX_TYPES].includes(mediaType)) return null;
  return factsOf({ descriptor: { mediaType, digest, size: bytes.length }, bytes });
}

function factsOf(raw: RawManifest): Facts {
  const manifest = parseManifest(raw);
  if (!manifest.subject) return null;
  const artifactType = artifactTypeOf(manifest);
  const annotated = Object.keys(manifest.annotations).length > 0;
  return {
    subject: manifest.subject.digest,
    descriptor: {
      ...raw.descriptor,
      ...(artifactType !== undefined && { artifactType }),
      ...(annotated && { annotations: manifest.annotations }),
    },
  };
}

function tooMany(problem: string, limit: number): TouchmarkError {
  return new TouchmarkError('limit-exceeded', `${problem}; at most ${limit} are`, { details: { limit } });
}
