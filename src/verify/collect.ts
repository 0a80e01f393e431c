import { mapConcurrently } from '../base/concurrency.js';
import type { Digest } from '../base/digest.js';
import { TouchmarkError, toTouchmarkError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { settle } from '../base/settle.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { RawManifest } from '../oci/manifest.js';
import { attachmentTag } from '../oci/reference.js';
import type { Referrers, Store } from '../oci/store.js';
import { parseBundle, signedBytes } from '../signature/bundle.js';
import { mayHoldSignatures, parseReferrer } from '../signature/referrer.js';
import { parseSignatureManifest, type SignatureLayer } from '../signature/sig-manifest.js';
import type { Carrier, Evidence, FoundSignature, Problem } from './evidence.js';

/** How many manifests or payloads are fetched before the caller may decide that it has seen enough. */
const STEP = 16;

/**
 * How to ask. `parallel` asks everywhere at once: fewest steps, for one image. `sequential` asks for the next place only when the
 * caller wants more: fewest requests, for many images that are under way together.
 */
export type Asking = 'parallel' | 'sequential';

/**
 * Collects the signatures of one image, step by step, judging none: first what costs two parallel requests, then payloads and
 * bundles that were not inlined. A caller that has seen enough stops asking; more evidence never turns a yes into a no.
 * What cannot be fetched or read is reported as a problem, never left out silently.
 */
export async function* collectSignatures(
  store: Store,
  image: Digest,
  carriers: readonly Carrier[],
  asking: Asking = 'parallel',
): AsyncGenerator<Evidence> {
  const wants = (carrier: Carrier) => carriers.includes(carrier);
  const askTag = () => findInTag(store, attachmentTag(image, '.sig'));
  const askReferrers = () => findInReferrers(store, image, wants);
  const places = [...(wants('simplesigning') ? [askTag] : []), ...(wants('bundle') ? [askReferrers] : [])];

  if (asking === 'sequential') {
    for (const place of places) yield* inSteps([await place()]);
  } else {
    yield* inSteps(await Promise.all(places.map(place => place())));
  }
}

/** As {@link collectSignatures}, of both carriers, where the `.sig` manifest and the list of referrers are at hand already. */
export async function* collectFrom(
  store: Store,
  image: Digest,
  sig: RawManifest | undefined,
  referrers: Referrers,
): AsyncGenerator<Evidence> {
  const findings: Findings = { found: [], pending: [], problems: [] };
  if (sig) readSignatureManifest(store, sig, attachmentTag(image, '.sig'), findings);
  findings.pending.push(...referrerTasks(store, image, referrers, () => true, findings.problems));
  yield* inSteps([findings]);
}

/** What a place holds at once, and then, in steps, what has to be fetched first. */
async function* inSteps(places: readonly Findings[]): AsyncGenerator<Evidence> {
  yield { signatures: places.flatMap(p => p.found), problems: places.flatMap(p => p.problems) };
  const pending = places.flatMap(p => p.pending);
  for (let i = 0; i < pending.length; i += STEP) {
    const results = await mapConcurrently(pending.slice(i, i + STEP), STEP, task => task());
    yield { signatures: results.flatMap(r => r.signatures), problems: results.flatMap(r => r.problems) };
  }
}

async function findInTag(store: Store, tag: string): Promise<Findings> {
  const findings: Findings = { found: [], pending: [], problems: [] };
  const { value, error } = await settle(store.fetchManifest({ tag }));
  if (error) findings.problems.push({ carrier: 'simplesigning', source: tag, error });
  if (value) readSignatureManifest(store, value, tag, findings);
  return findings;
}

async function findInReferrers(
  store: Store,
  image: Digest,
  wants: (carrier: Carrier) => boolean,
): Promise<Findings> {
  const findings: Findings = { found: [], pending: [], problems: [] };
  const { value, error } = await settle(store.listReferrers(image));
  for (const problem of [error, ...(value?.problems ?? [])]) {
    if (problem) findings.problems.push({ carrier: 'bundle', source: 'referrers', error: problem });
  }
  if (value) findings.pending.push(...referrerTasks(store, image, value, wants, findings.problems));
  return findings;
}

type Task = () => Promise<Evidence>;

interface Findings {
  readonly found: FoundSignature[];
  readonly pending: Task[];
  readonly problems: Problem[];
}

/** Signatures whose payload is inlined are found at once; the payloads of the others are fetched later, each once. */
function readSignatureManifest(store: Store, raw: RawManifest, source: string, into: Findings): void {
  let layers: readonly SignatureLayer[];
  try {
    layers = parseSignatureManifest(raw);
  } catch (error) {
    into.problems.push({ carrier: 'simplesigning', source, error: toTouchmarkError(error) });
    return;
  }
  const waiting = new Map<Digest, SignatureLayer[]>();
  for (const layer of layers) {
    if (layer.signature === undefined) into.problems.push(missingSignature(source, layer));
    else if (layer.payload.data)
      into.found.push(foundInLayer(source, layer, layer.payload.data, layer.signature));
    else waiting.set(layer.payload.digest, [...(waiting.get(layer.payload.digest) ?? []), layer]);
  }
  for (const group of waiting.values()) into.pending.push(() => fetchPayload(store, source, group));
}

function missingSignature(source: string, layer: SignatureLayer): Problem {
  const error = new TouchmarkError(
    'format-manifest',
    `layer ${layer.index} of the signature manifest has no base64 signature`,
  );
  return { carrier: 'simplesigning', source: `${source}[${layer.index}]`, error };
}

async function fetchPayload(
  store: Store,
  source: string,
  layers: readonly SignatureLayer[],
): Promise<Evidence> {
  const [first] = layers;
  if (!first) return { signatures: [], problems: [] };
  const { value: payload, error } = await settle(store.fetchBlob(first.payload, LIMITS.payloadSize));
  if (!payload) {
    const problems = error
      ? layers.map(l => ({ carrier: 'simplesigning' as const, source: `${source}[${l.index}]`, error }))
      : [];
    return { signatures: [], problems };
  }
  const signatures = layers.flatMap(l =>
    l.signature ? [foundInLayer(source, l, payload, l.signature)] : [],
  );
  return { signatures, problems: [] };
}

function foundInLayer(
  source: string,
  layer: SignatureLayer,
  payload: Uint8Array,
  signature: Uint8Array,
): FoundSignature {
  return {
    carrier: 'simplesigning',
    source: `${source}[${layer.index}]`,
    payload,
    signedBytes: payload,
    signature,
    payloadType: undefined,
    material: {
      keyHint: undefined,
      certificate: layer.certificate,
      transparencyLog: layer.transparencyLog,
      timestamp: layer.timestamp,
    },
  };
}

function referrerTasks(
  store: Store,
  image: Digest,
  referrers: Referrers,
  wants: (carrier: Carrier) => boolean,
  problems: Problem[],
): Task[] {
  const candidates = referrers.descriptors.filter(d => mayHoldSignatures(d, wants));
  if (candidates.length > LIMITS.referrers) {
    const message = `${candidates.length} artifacts refer to the image; only ${LIMITS.referrers} are looked at`;
    problems.push({
      carrier: 'bundle',
      source: 'referrers',
      error: new TouchmarkError('limit-exceeded', message),
    });
  }
  return candidates.slice(0, LIMITS.referrers).map(d => () => readReferrer(store, image, d, wants));
}

async function readReferrer(
  store: Store,
  image: Digest,
  descriptor: Descriptor,
  wants: (carrier: Carrier) => boolean,
): Promise<Evidence> {
  const problems: Problem[] = [];
  const found: FoundSignature[] = [];
  const source = descriptor.digest;
  try {
    const raw = await store.fetchManifest({ digest: descriptor.digest });
    if (!raw)
      throw new TouchmarkError(
        'layer-unavailable',
        `the referrer ${descriptor.digest} is listed but not there`,
      );
    const content = parseReferrer(raw, image);
    if (content?.kind === 'bundle' && wants('bundle')) {
      const bytes = content.bundle.data ?? (await store.fetchBlob(content.bundle, LIMITS.payloadSize));
      found.push(foundInBundle(source, bytes));
    }
    if (content?.kind === 'signatures' && wants('simplesigning')) {
      const pending: Task[] = [];
      readSignatureManifest(store, raw, source, { found, pending, problems });
      for (const task of pending) {
        const more = await task();
        found.push(...more.signatures);
        problems.push(...more.problems);
      }
    }
  } catch (error) {
    problems.push({ carrier: 'bundle', source, error: toTouchmarkError(error) });
  }
  return { signatures: found, problems };
}

function foundInBundle(source: string, bytes: Uint8Array): FoundSignature {
  const bundle = parseBundle(bytes);
  return {
    carrier: 'bundle',
    source,
    payload: bundle.payload,
    signedBytes: signedBytes(bundle),
    signature: bundle.signature,
    payloadType: bundle.payloadType,
    bundle: bytes,
    material: {
      keyHint: bundle.keyHint,
      certificate: bundle.material === 'certificate',
      transparencyLog: bundle.transparencyLogEntries > 0,
      timestamp: bundle.timestamps > 0,
    },
  };
}
