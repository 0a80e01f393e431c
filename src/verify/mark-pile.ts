import { toHex } from '../base/bytes.js';
import { computeDigest, type Digest } from '../base/digest.js';
import { TouchmarkError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { type FoundMark, identifyMark, type UnreadSource } from '../custody/index.js';
import type { FoundSignature } from './evidence.js';

/** What speaks about the custody of one image, as found; nothing in it is trusted yet. */
export interface CollectedMarks {
  readonly marks: readonly FoundMark[];
  /** Manifests and configs of ancestors. */
  readonly carried: readonly Uint8Array[];
  /** Places that may hold marks and could not be read. */
  readonly unread: readonly UnreadSource[];
  /** Custody artifacts whose whole content is here. */
  readonly artifacts: readonly Digest[];
}

/** What one place held. */
export interface MarkSource {
  /** Where, for messages. */
  readonly source: string;
  readonly marks: readonly FoundMark[];
  /** Manifests and configs of ancestors. */
  readonly documents?: readonly Uint8Array[];
  /** The custody artifact that all this was in. */
  readonly artifact?: Digest;
  readonly problems: readonly { readonly source: string; readonly error: TouchmarkError }[];
}

/** Gathers what was found, each thing once, and no more of it than a check looks at. */
export class MarkPile implements CollectedMarks {
  readonly marks: FoundMark[] = [];
  readonly carried: Uint8Array[] = [];
  readonly unread: UnreadSource[] = [];
  readonly artifacts: Digest[] = [];
  /** Of the payloads of all marks, in bytes. */
  #size = 0;
  readonly #known = { marks: new Set<string>(), attached: new Set<string>(), documents: new Set<Digest>() };

  /** Notes a place that could not be read. What belongs to another image has been read, and is none. */
  miss(source: string, error: TouchmarkError | undefined): void {
    if (!error || error.code === 'sig-wrong-subject') return;
    this.unread.push({ source, code: error.code, message: error.message });
  }

  /**
   * Adds the content of places that were read together, small ones first: a flood in one of them is left out as a whole and
   * pushes nobody else's marks out.
   */
  add(sources: readonly MarkSource[]): void {
    for (const { source, error } of sources.flatMap(({ problems }) => problems)) this.miss(source, error);
    for (const place of [...sources].sort((a, b) => a.marks.length - b.marks.length)) this.#addPlace(place);
  }

  #addPlace({ source, marks, documents = [], artifact }: MarkSource): void {
    const { marks: ids, attached, documents: digests } = this.#known;
    const newMarks = new Map<string, FoundMark>();
    // Before anything is hashed: a small artifact may list one big document under many signatures.
    if (sizeOf(marks) > LIMITS.marksSize) {
      this.#missPlace(source, marks, documents);
      return;
    }
    for (const mark of marks) {
      const id = identifyMark(mark);
      // On the image itself a mark says more than the copy of it that travels in an artifact.
      if (!(mark.place === 'attached' ? attached : ids).has(id)) newMarks.set(id, mark);
    }
    const newDocuments = new Map(documents.map(bytes => [computeDigest(bytes), bytes]));
    for (const digest of digests) newDocuments.delete(digest);
    const more = [...newMarks.keys()].filter(id => !ids.has(id)).length;
    const size = this.#size + sizeOf([...newMarks.values()]);
    const isTooMuch =
      ids.size + more > LIMITS.marks ||
      size > LIMITS.marksSize ||
      digests.size + newDocuments.size > LIMITS.carriedBlobs;
    if (isTooMuch) {
      this.#missPlace(source, marks, documents);
      return;
    }
    this.#size = size;
    for (const [id, mark] of newMarks) {
      ids.add(id);
      if (mark.place === 'attached') attached.add(id);
      this.marks.push(mark);
    }
    for (const [digest, bytes] of newDocuments) {
      digests.add(digest);
      this.carried.push(bytes);
    }
    if (artifact !== undefined) this.artifacts.push(artifact);
  }

  #missPlace(source: string, marks: readonly FoundMark[], documents: readonly Uint8Array[]): void {
    const counts = `${marks.length} signatures over ${sizeOf(marks)} bytes, ${documents.length} documents`;
    const message = `holds more than is looked at besides what else was found: ${counts}`;
    this.miss(source, new TouchmarkError('limit-exceeded', message));
  }
}

function sizeOf(marks: readonly FoundMark[]): number {
  return marks.reduce((sum, { payload }) => sum + payload.length, 0);
}

/** A signature on the image itself, as a mark. */
export function attachedMark(found: FoundSignature): FoundMark {
  const { carrier, source, payload, payloadType, signature, material } = found;
  const hint = material.keyHint === undefined ? undefined : toHex(Buffer.from(material.keyHint, 'base64'));
  return { carrier, place: 'attached', source, payload, payloadType, signature, keyHint: hint };
}
