import type { Digest } from '../base/digest.js';
import type { TouchmarkError } from '../base/errors.js';
import type { Descriptor } from './descriptor.js';
import type { RawManifest } from './manifest.js';
import type { ImageReference } from './reference.js';

/** Re-readable content: each call starts again from the first byte. */
export type BlobSource = () => AsyncIterable<Uint8Array>;

/** What refers to a subject, as far as it could be found out. */
export interface Referrers {
  /** Distinct by digest. A hint only: each manifest must be fetched and its own `subject` checked. */
  readonly descriptors: readonly Descriptor[];
  /** Where they were listed. */
  readonly sources: readonly ('api' | 'fallback-tag' | 'layout')[];
  /** Places that could not be asked. Not empty means: there may be more than `descriptors`. */
  readonly problems: readonly TouchmarkError[];
}

/** From what a tag points at to what it should point at; undefined when nothing is missing. */
export type TagMerge = (
  current: RawManifest | undefined,
) => RawManifest | undefined | Promise<RawManifest | undefined>;

/**
 * One repository of images: in a registry, in a layout on disk, or in an archive. Every command works on each.
 *
 * What must hold for every implementation:
 * - bytes handed out match the digest and size they were asked by; a manifest fetched by tag has its digest computed here;
 * - `undefined` means that the store said "there is no such thing"; whatever else went wrong is thrown;
 * - a killed write leaves the old state or the new one;
 * - of two writers that change one tag at once neither loses what the other added.
 */
export interface Store {
  readonly reference: Pick<ImageReference, 'transport' | 'location'>;
  /** The repository that a signature on an image here names, unless the user says otherwise. */
  readonly repository: string;
  /** False for a layout or archive: it belongs to no repository, so a signature's repository cannot be compared with it. */
  readonly namesRepository: boolean;
  /** False when nothing can be written here (docker-archive). */
  readonly writable: boolean;

  /**
   * Fetches a manifest or index by digest, or by tag (for a layout: by `ref.name`).
   * @returns undefined when it does not exist
   */
  fetchManifest(
    selector: { readonly tag: string } | { readonly digest: Digest },
  ): Promise<RawManifest | undefined>;

  /**
   * Fetches a whole blob of at most `maxSize` bytes. Inlined `data` is used instead of asking.
   * @throws TouchmarkError `limit-exceeded` before any byte is read when the descriptor says more; `layer-unavailable` when it is not there
   */
  fetchBlob(descriptor: Descriptor, maxSize: number): Promise<Uint8Array>;

  /** Streams a blob; the last step throws when size or digest do not match, so nothing is proven before the end. */
  openBlob(descriptor: Descriptor): AsyncIterable<Uint8Array>;

  /** Lists what refers to `subject`: the referrers API, the fallback tag, or the layout's own records. */
  listReferrers(subject: Digest): Promise<Referrers>;

  /** All tags, in no order. Never used to discover signatures. */
  listTags(): Promise<readonly string[]>;

  /** True when the blob is there already. */
  hasBlob(descriptor: Descriptor): Promise<boolean>;

  /** Writes a blob unless it is there. `from` names a repository of the same registry to mount it from. */
  writeBlob(descriptor: Descriptor, source: Uint8Array | BlobSource, from?: Store): Promise<void>;

  /** Writes a manifest by its digest and, when given, lets `tag` point at it. A `subject` is not made discoverable by this. */
  writeManifest(manifest: RawManifest, tag?: string): Promise<void>;

  /**
   * Writes a manifest that has a `subject` and makes it discoverable from that subject: by the registry itself when it has
   * the referrers API, else by the fallback tag. Returns when a re-read finds it listed.
   */
  attach(manifest: RawManifest, subject: Digest): Promise<void>;

  /**
   * Changes what a tag points at without losing what others write at the same time. `merge` gets what is there now
   * and returns what should be there, or undefined when nothing is missing; it is called until a re-read finds nothing missing,
   * so it may be called many times. The blobs and child manifests that the result needs must have been written when it returns:
   * `merge` may write them itself (it is awaited), and should remember what it wrote.
   * @throws TouchmarkError `oci-conflict` when other writers do not come to rest in time
   */
  updateTag(tag: string, merge: TagMerge): Promise<void>;

  /** Makes everything written durable. Archives are rewritten here, once; elsewhere nothing is left to do. */
  commit(): Promise<void>;

  /** Lets go of connections, files and locks. Uncommitted writes to an archive are dropped. */
  close(): Promise<void>;
}
