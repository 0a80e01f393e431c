import { mapConcurrently } from '../base/concurrency.js';
import type { Digest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import type { Descriptor } from '../oci/descriptor.js';
import { type Manifest, parseManifest, type RawManifest } from '../oci/manifest.js';
import { attachmentTag } from '../oci/reference.js';
import type { Store } from '../oci/store.js';
import { walkManifests } from '../oci/walk.js';
import { addSignatures } from '../signature/sig-manifest.js';
import { CUSTODY_SUFFIX } from '../verify/collect-marks.js';
import { publishChain, readChain } from './publish-chain.js';
import { withoutCommit } from './without-commit.js';

/** Blobs that are under way at once. */
const CONCURRENCY = 4;
/** What hangs on an image by tag: cosign's attachments, and the custody artifact. */
export const ATTACHMENT_SUFFIXES = ['.sig', '.att', '.sbom', CUSTODY_SUFFIX] as const;

export interface CopyOptions {
  /** The tag at the destination; undefined: by digest only. */
  readonly tag: string | undefined;
  readonly onProgress?: (event: CopyProgress) => void;
}

/** So far: manifests and blobs that are at the destination, and the bytes that had to be sent for that. */
export interface CopyProgress {
  readonly manifests: number;
  readonly blobs: number;
  readonly bytes: number;
}

export interface CopyResult extends CopyProgress {
  readonly digest: Digest;
  /** `.sig`, `.att`, `.sbom` and `.custody` tags that came along. */
  readonly attachments: readonly string[];
  /** Artifacts that refer to the image, to something in it, or to one another. */
  readonly referrers: readonly Digest[];
}

/**
 * Copies an image or index with everything that refers to it: byte for byte, children before their index, the tag last.
 * What the destination holds already is not sent again, so an interrupted copy goes on where it stopped; signatures that the
 * destination has and the source has not are kept.
 *
 * @throws TouchmarkError what the stores throw; a list of referrers that cannot be read is an error, since a copy that
 *   silently loses signatures would be worse than none
 */
export async function copyImage(
  source: Store,
  target: Store,
  root: RawManifest,
  options: CopyOptions,
): Promise<CopyResult> {
  const copier = new Copier(source, withoutCommit(target), options.onProgress);
  const subjects = await copier.copyBelow(root);
  await copier.copyManifest(root);
  for (const subject of subjects) await copier.copyWhatRefersTo(subject, 0);
  // The tag comes last: whoever sees it finds the signatures there.
  if (options.tag !== undefined) await target.writeManifest(root, options.tag);
  await target.commit();
  return {
    digest: root.descriptor.digest,
    ...copier.progress,
    attachments: copier.attachments,
    referrers: [...copier.referrers],
  };
}

class Copier {
  readonly attachments: string[] = [];
  readonly referrers = new Set<Digest>();
  readonly #blobs = new Set<Digest>();
  progress: CopyProgress = { manifests: 0, blobs: 0, bytes: 0 };

  constructor(
    readonly source: Store,
    readonly target: Store,
    readonly onProgress: CopyOptions['onProgress'],
  ) {}

  /** Copies all that a manifest is made of, but not itself. Returns it and every manifest below it. */
  async copyBelow(root: RawManifest): Promise<readonly Descriptor[]> {
    const descriptors: Descriptor[] = [];
    for await (const { raw, manifest } of walkManifests(this.source, root)) {
      await this.#copyBlobs(manifest);
      if (raw.descriptor.digest !== root.descriptor.digest) await this.copyManifest(raw);
      descriptors.push(raw.descriptor);
    }
    return descriptors;
  }

  async copyManifest(raw: RawManifest): Promise<void> {
    await this.target.writeManifest(raw);
    this.#advance({ manifests: 1 });
  }

  async #copyBlobs(manifest: Manifest): Promise<void> {
    if (manifest.kind === 'index') return;
    const blobs = [manifest.config, ...manifest.layers].filter(
      blob => !this.#blobs.has(blob.digest) && this.#blobs.add(blob.digest),
    );
    await mapConcurrently(blobs, CONCURRENCY, async blob => {
      // A layer that is distributed from elsewhere is part of the image without being in its store.
      if (blob.urls && blob.urls.length > 0 && !(await this.source.hasBlob(blob))) return;
      await this.target.writeBlob(plain(blob), () => this.#counted(this.source.openBlob(blob)), this.source);
      this.#advance({ blobs: 1 });
    });
  }

  async copyWhatRefersTo(subject: Descriptor, depth: number): Promise<void> {
    const { digest } = subject;
    if (depth > LIMITS.indexDepth)
      fail('limit-exceeded', `artifacts refer to one another deeper than ${LIMITS.indexDepth}`);
    for (const suffix of ATTACHMENT_SUFFIXES) await this.#copyAttachment(subject, suffix);
    const { descriptors, problems } = await this.source.listReferrers(digest);
    const [problem] = problems;
    if (problem) throw problem;
    if (descriptors.length > LIMITS.referrers)
      fail('limit-exceeded', `${descriptors.length} artifacts refer to ${digest}`);
    for (const descriptor of descriptors) await this.#copyReferrer(descriptor, digest, depth);
  }

  async #copyAttachment(subject: Descriptor, suffix: (typeof ATTACHMENT_SUFFIXES)[number]): Promise<void> {
    const tag = attachmentTag(subject.digest, suffix);
    const raw = await this.source.fetchManifest({ tag });
    if (!raw) return;
    if (suffix === CUSTODY_SUFFIX) await this.#copyCustody(subject, raw, tag);
    else await this.#copySignatures(raw, tag);
    this.attachments.push(tag);
    this.#advance({ manifests: 1 });
  }

  async #copySignatures(raw: RawManifest, tag: string): Promise<void> {
    const manifest = parseManifest(raw);
    await this.#copyBlobs(manifest);
    const layers = manifest.kind === 'image' ? manifest.layers : [];
    await this.target.updateTag(tag, async current => {
      if (!current) return raw;
      if (current.descriptor.digest === raw.descriptor.digest) return undefined;
      const union = addSignatures(current, layers);
      if (union) await this.target.writeBlob(union.config.descriptor, union.config.bytes);
      return union?.manifest;
    });
  }

  /** Byte for byte where the destination has none, so that copies are alike; else both in one. */
  async #copyCustody(subject: Descriptor, raw: RawManifest, tag: string): Promise<void> {
    await this.#copyBlobs(parseManifest(raw));
    let isAlike = false;
    await this.target.updateTag(tag, async current => {
      isAlike = current === undefined || current.descriptor.digest === raw.descriptor.digest;
      return current ? undefined : raw;
    });
    if (isAlike) return;
    const chain = await readChain(this.source, raw, subject.digest, tag);
    await publishChain(this.target, subject, chain, [raw.descriptor.digest]);
  }

  async #copyReferrer(descriptor: Descriptor, subject: Digest, depth: number): Promise<void> {
    if (this.referrers.has(descriptor.digest)) return;
    const raw = await this.source.fetchManifest({ digest: descriptor.digest });
    if (!raw) return fail('layer-unavailable', `the referrer ${descriptor.digest} is listed but not there`);
    const manifest = parseManifest(raw);
    // A list is unsigned: what it names may refer to something else, and then does not belong to this image.
    if (manifest.subject?.digest !== subject) return;
    this.referrers.add(descriptor.digest);
    await this.copyBelow(raw);
    await this.target.attach(raw, subject);
    this.#advance({ manifests: 1 });
    await this.copyWhatRefersTo(raw.descriptor, depth + 1);
  }

  async *#counted(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      this.#advance({ bytes: chunk.length });
      yield chunk;
    }
  }

  #advance(step: Partial<CopyProgress>): void {
    this.progress = {
      manifests: this.progress.manifests + (step.manifests ?? 0),
      blobs: this.progress.blobs + (step.blobs ?? 0),
      bytes: this.progress.bytes + (step.bytes ?? 0),
    };
    this.onProgress?.(this.progress);
  }
}

/** A blob's identity without what one manifest says about it. */
function plain({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}
