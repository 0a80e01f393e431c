import { toHex } from '../base/bytes.js';
import { mapConcurrently } from '../base/concurrency.js';
import type { Digest } from '../base/digest.js';
import { TouchmarkError, toTouchmarkError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import {
  CUSTODY_ARTIFACT_TYPE,
  type ChainManifest,
  type FoundMark,
  marksOfChain,
  parseChain,
  parseChainManifest,
  type UnreadSource,
} from '../custody/index.js';
import type { RawManifest } from '../oci/manifest.js';
import { attachmentTag } from '../oci/reference.js';
import type { Store } from '../oci/store.js';
import { collectFrom } from './collect.js';
import type { Evidence, FoundSignature } from './evidence.js';

/** Where the newest custody artifact of an image lies, besides among its referrers. */
export const CUSTODY_SUFFIX = '.custody';
/** Custody artifacts that are fetched at once. */
const CONCURRENCY = 4;

/** What speaks about the custody of one image, as found; nothing in it is trusted yet. */
export interface CollectedMarks {
  readonly marks: readonly FoundMark[];
  /** Manifests and configs of ancestors. */
  readonly carried: readonly Uint8Array[];
  /** Places that may hold marks and could not be read. */
  readonly unread: readonly UnreadSource[];
  /** Manifests whose marks are all among {@link marks}. */
  readonly read: readonly Digest[];
}

/**
 * Collects the marks of one image and of all it was built on: from its custody artifact, from `.sig`, from bundles. Yields
 * once, or twice where a custody artifact says that it includes other manifests: those are read only when the caller asks
 * on, for what an artifact says of itself is not signed. A caller that has its yes stops; before a no everything is read.
 */
export async function* collectMarks(store: Store, image: Digest): AsyncGenerator<CollectedMarks> {
  const tag = attachmentTag(image, CUSTODY_SUFFIX);
  const [sigs, listed, tagged] = await Promise.all([
    settle(store.fetchManifest({ tag: attachmentTag(image, '.sig') })),
    settle(store.listReferrers(image)),
    settle(store.fetchManifest({ tag })),
  ]);
  const found = new Collected();
  for (const error of [listed.error, ...(listed.value?.problems ?? [])]) {
    if (error) found.miss('referrers', error);
  }
  if (sigs.error) found.miss(attachmentTag(image, '.sig'), sigs.error);
  if (tagged.error) found.miss(tag, tagged.error);

  const chain = tagged.value && found.try(tag, () => parseChainManifest(tagged.value as RawManifest, image));
  const included = new Set<Digest>(chain?.includes);
  if (tagged.value) included.add(tagged.value.descriptor.digest);
  const descriptors = listed.value?.descriptors ?? [];
  const now = descriptors.filter(({ digest }) => !included.has(digest));
  const later = descriptors.filter(
    ({ digest }) => included.has(digest) && digest !== tagged.value?.descriptor.digest,
  );

  const evidenceOf = (wanted: typeof descriptors, sig: RawManifest | undefined) =>
    collectFrom(store, image, sig, { descriptors: wanted, sources: [], problems: [] });
  const [signatures] = await Promise.all([
    all(evidenceOf(now, sigs.value)),
    chain && tagged.value && found.readChain(store, tag, chain, tagged.value.descriptor.digest),
    found.readListedChains(store, image, now),
  ]);
  found.addSignatures(signatures);
  yield found;
  if (later.length === 0) return;
  const [more] = await Promise.all([
    all(evidenceOf(later, undefined)),
    found.readListedChains(store, image, later),
  ]);
  found.addSignatures(more);
  yield found;
}

class Collected implements CollectedMarks {
  readonly marks: FoundMark[] = [];
  readonly carried: Uint8Array[] = [];
  readonly unread: UnreadSource[] = [];
  readonly read: Digest[] = [];

  miss(source: string, { code, message }: TouchmarkError): void {
    this.unread.push({ source, code, message });
  }

  try<T>(source: string, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.miss(source, toTouchmarkError(error));
      return undefined;
    }
  }

  addSignatures(evidence: readonly Evidence[]): void {
    for (const { signatures, problems } of evidence) {
      for (const signature of signatures) {
        this.marks.push(markOf(signature));
        if (signature.carrier === 'bundle') this.read.push(signature.source as Digest);
      }
      for (const { source, error } of problems) this.miss(source, error);
    }
  }

  async readListedChains(
    store: Store,
    image: Digest,
    descriptors: readonly { readonly digest: Digest; readonly artifactType?: string }[],
  ): Promise<void> {
    const listed = descriptors.filter(({ artifactType }) => artifactType === CUSTODY_ARTIFACT_TYPE);
    if (listed.length > LIMITS.custodyArtifacts) {
      const message = `${listed.length} custody artifacts; only ${LIMITS.custodyArtifacts} are looked at`;
      this.miss('referrers', new TouchmarkError('limit-exceeded', message));
    }
    await mapConcurrently(listed.slice(0, LIMITS.custodyArtifacts), CONCURRENCY, async ({ digest }) => {
      const { value, error } = await settle(store.fetchManifest({ digest }));
      if (!value) {
        this.miss(digest, error ?? new TouchmarkError('layer-unavailable', 'is listed but not there'));
        return;
      }
      const chain = this.try(digest, () => parseChainManifest(value, image));
      if (chain) await this.readChain(store, digest, chain, digest);
    });
  }

  async readChain(store: Store, source: string, { document }: ChainManifest, digest: Digest): Promise<void> {
    const { value, error } = await settle(store.fetchBlob(document, LIMITS.custodyChainSize));
    if (error) this.miss(source, error);
    const chain = value && this.try(source, () => parseChain(value));
    if (!chain) return;
    this.marks.push(...marksOfChain(chain, source));
    this.carried.push(...chain.documents);
    this.read.push(digest);
  }
}

function markOf(found: FoundSignature): FoundMark {
  const { carrier, source, payload, payloadType, signature, material } = found;
  const hint = material.keyHint === undefined ? undefined : toHex(Buffer.from(material.keyHint, 'base64'));
  return { carrier, place: 'attached', source, payload, payloadType, signature, keyHint: hint };
}

async function all<T>(steps: AsyncIterable<T>): Promise<readonly T[]> {
  const collected: T[] = [];
  for await (const step of steps) collected.push(step);
  return collected;
}

interface Settled<T> {
  readonly value?: T;
  readonly error?: TouchmarkError;
}

async function settle<T>(work: Promise<T>): Promise<Settled<T>> {
  try {
    return { value: await work };
  } catch (error) {
    return { error: toTouchmarkError(error) };
  }
}
