import { computeDigest, type Digest } from '../base/digest.js';

/** A manifest as pushed. */
export interface StoredManifest {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  readonly subject?: string;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * One repository of the test registry. Tests may read and change it directly: put bytes under a digest that is not theirs,
 * drop a blob, store a manifest that no push would get past the checks.
 */
export class TestRepository {
  readonly blobs = new Map<string, Uint8Array>();
  readonly manifests = new Map<string, StoredManifest>();
  readonly tags = new Map<string, string>();
  /** Bytes received of unfinished uploads. */
  readonly uploads = new Map<string, Uint8Array[]>();

  /** Stores bytes as a manifest without any check and lets `tag` point at it. */
  putManifest(bytes: Uint8Array, mediaType: string, tag?: string): Digest {
    const digest = computeDigest(bytes);
    this.manifests.set(digest, describeManifest(bytes, mediaType));
    if (tag !== undefined) this.tags.set(tag, digest);
    return digest;
  }

  /** Stores bytes as a blob under their own digest. */
  putBlob(bytes: Uint8Array): Digest {
    const digest = computeDigest(bytes);
    this.blobs.set(digest, bytes);
    return digest;
  }

  /** What the reference names: a manifest and its digest. */
  findManifest(reference: string): { digest: string; manifest: StoredManifest } | undefined {
    const digest = reference.includes(':') ? reference : this.tags.get(reference);
    const manifest = digest === undefined ? undefined : this.manifests.get(digest);
    return digest !== undefined && manifest ? { digest, manifest } : undefined;
  }
}

type LooseDescriptor = { digest?: string; urls?: unknown[]; mediaType?: string };
export type LooseManifest = {
  mediaType?: string;
  artifactType?: string;
  config?: LooseDescriptor;
  layers?: LooseDescriptor[];
  manifests?: LooseDescriptor[];
  subject?: LooseDescriptor;
  annotations?: Record<string, string>;
};

/** Reads a manifest as a lenient registry does; undefined when it is no JSON object. */
export function readLoosely(bytes: Uint8Array): LooseManifest | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as LooseManifest)
      : undefined;
  } catch {
    return undefined;
  }
}

/** What the referrers API says about a manifest (distribution specification, "Listing Referrers"). */
export function describeManifest(bytes: Uint8Array, mediaType: string): StoredManifest {
  const manifest = readLoosely(bytes) ?? {};
  const artifactType = manifest.artifactType ?? manifest.config?.mediaType;
  return {
    mediaType,
    bytes,
    ...(manifest.subject?.digest !== undefined && { subject: manifest.subject.digest }),
    ...(artifactType !== undefined && { artifactType }),
    ...(manifest.annotations && { annotations: manifest.annotations }),
  };
}
