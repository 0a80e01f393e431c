import { fromBase64, toBase64, utf8 } from '../base/bytes.js';
import { computeDigest, type Digest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import { Field } from '../base/fields.js';
import { parseJson } from '../base/json.js';
import { LIMITS } from '../base/limits.js';
import { type Descriptor, describe } from '../oci/descriptor.js';
import { parseManifest, type RawManifest, serializeManifest } from '../oci/manifest.js';
import { MEDIA_TYPES } from '../oci/media-types.js';
import { EMPTY_CONFIG } from '../signature/referrer.js';
import { parseStatement } from '../signature/statement.js';
import type { FoundMark } from './authenticate.js';
import { CLAIM_PREDICATE_TYPE } from './carriers.js';

/**
 * The custody artifact: everything that proves an image's chain and does not lie on the image itself, in one document of one
 * blob. One blob, so that a reader asks for as much for eight teams as for three. Nothing in it is trusted: marks prove
 * themselves by their signatures, documents are known by their digests.
 */

/** `artifactType` of the manifest, and media type of its only layer. */
export const CUSTODY_ARTIFACT_TYPE = 'application/vnd.touchmark.custody.chain.v1+json';
/** Digests of manifests whose marks are all in the document, separated by spaces: a reader may leave them for later. */
const INCLUDES_ANNOTATION = 'dev.touchmark.custody.includes';
/** Says that there are claims in the document that take something back: a reader must not leave it for later. */
const WITHDRAWS_ANNOTATION = 'dev.touchmark.custody.withdraws';
/** A manifest's annotations should stay small; what is not listed is read, that is all. */
const MOST_INCLUDES = 128;

/** A signed document as it travels: a DSSE envelope, or, without a payload type, a simple-signing payload. */
export interface CarriedMark {
  readonly payload: Uint8Array;
  readonly payloadType: string | undefined;
  readonly signature: Uint8Array;
  /** Keyid of the key to try first. */
  readonly keyHint: string | undefined;
}

export interface CustodyChain {
  /** One entry a signature. */
  readonly marks: readonly CarriedMark[];
  /** Manifests and configs of this image's ancestors. */
  readonly documents: readonly Uint8Array[];
}

/** What a custody artifact's manifest says. */
export interface ChainManifest {
  /** Of the document. */
  readonly document: Descriptor;
  readonly includes: readonly Digest[];
}

/**
 * Parses the document of a custody artifact.
 * @throws TouchmarkError `format-payload`, `limit-exceeded`
 */
export function parseChain(bytes: Uint8Array): CustodyChain {
  const value = parseJson(bytes, 'the custody artifact', {
    code: 'format-payload',
    maxSize: LIMITS.custodyChainSize,
  });
  const chain = new Field(value, 'chain', 'format-payload').onlyKeys(['v', 'marks', 'documents'], true);
  if (chain.get('v').value !== 1) chain.get('v').fail('is a version that is not read here');
  const marks = chain
    .get('marks')
    .array(LIMITS.marks)
    .flatMap(mark => {
      mark.onlyKeys(['payload', 'payloadType', 'signatures'], true);
      const payload = base64Of(mark.get('payload'));
      const payloadType = mark.get('payloadType').optionalString();
      return mark
        .get('signatures')
        .array(LIMITS.marks)
        .map((signature): CarriedMark => {
          signature.onlyKeys(['sig', 'keyid'], true);
          const keyHint = signature.get('keyid').optionalString();
          return { payload, payloadType, signature: base64Of(signature.get('sig')), keyHint };
        });
    });
  if (marks.length > LIMITS.marks) {
    fail('limit-exceeded', `the custody artifact holds ${marks.length} signatures; at most ${LIMITS.marks}`);
  }
  return { marks, documents: chain.get('documents').array(LIMITS.carriedBlobs).map(base64Of) };
}

function base64Of(field: Field): Uint8Array {
  return fromBase64(field.string(LIMITS.custodyChainSize)) ?? field.fail('is not base64');
}

/**
 * Everything that is in any of the chains, each signature and document once, in an order that depends on nothing but them:
 * two writers that know the same write the same bytes.
 */
export function mergeChains(chains: readonly CustodyChain[]): CustodyChain {
  const marks = new Map<string, CarriedMark>();
  for (const mark of chains.flatMap(chain => chain.marks)) {
    const key = identifyMark(mark);
    if (!marks.get(key)?.keyHint) marks.set(key, mark);
  }
  const documents = new Map(
    chains.flatMap(chain => chain.documents).map(bytes => [computeDigest(bytes), bytes]),
  );
  return { marks: inOrder(marks), documents: inOrder(documents) };
}

function inOrder<T>(values: ReadonlyMap<string, T>): readonly T[] {
  return [...values].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
}

/** The same for every copy of one signature over one document. */
export function identifyMark({
  payload,
  payloadType,
  signature,
}: Pick<CarriedMark, 'payload' | 'payloadType' | 'signature'>): string {
  return `${computeDigest(payload)} ${payloadType ?? ''} ${toBase64(signature)}`;
}

/** Does `chain` hold all that is in `part`? */
export function holdsChain(chain: CustodyChain, part: CustodyChain): boolean {
  const marks = new Set(chain.marks.map(identifyMark));
  const documents = new Set(chain.documents.map(bytes => computeDigest(bytes)));
  return (
    part.marks.every(mark => marks.has(identifyMark(mark))) &&
    part.documents.every(bytes => documents.has(computeDigest(bytes)))
  );
}

/**
 * Serializes a merged chain; signatures over one payload share it.
 * @throws TouchmarkError `limit-exceeded` when no reader would take it
 */
export function serializeChain(chain: CustodyChain): Uint8Array {
  const { marks, documents } = mergeChains([chain]);
  if (marks.length > LIMITS.marks || documents.length > LIMITS.carriedBlobs) {
    const counts = `${marks.length} signatures and ${documents.length} documents`;
    fail('limit-exceeded', `the custody artifact would hold ${counts}; readers refuse that many`);
  }
  const byPayload = new Map<string, CarriedMark[]>();
  for (const mark of marks) {
    const key = `${computeDigest(mark.payload)} ${mark.payloadType ?? ''}`;
    byPayload.set(key, [...(byPayload.get(key) ?? []), mark]);
  }
  const bytes = utf8(
    JSON.stringify({
      v: 1,
      marks: [...byPayload.values()].map(group => ({
        payload: toBase64((group[0] as CarriedMark).payload),
        payloadType: group[0]?.payloadType,
        signatures: group.map(({ signature, keyHint }) => ({ sig: toBase64(signature), keyid: keyHint })),
      })),
      documents: documents.map(toBase64),
    }),
  );
  if (bytes.length > LIMITS.custodyChainSize) {
    fail('limit-exceeded', `the custody artifact would have ${bytes.length} bytes; readers refuse that`);
  }
  return bytes;
}

/**
 * The manifest of a custody artifact, whose subject is the image it belongs to. A small document is inlined as well.
 * @param document of a serialized chain
 * @param includes manifests (bundles, older custody artifacts) whose marks are all in the document
 */
export function chainManifest(
  document: Uint8Array,
  subject: Descriptor,
  includes: Iterable<Digest>,
): RawManifest {
  const listed = [...new Set(includes)].sort().slice(0, MOST_INCLUDES);
  const inlined = document.length <= LIMITS.inlineData ? { data: document } : {};
  const annotations = {
    ...(listed.length > 0 && { [INCLUDES_ANNOTATION]: listed.join(' ') }),
    ...(parseChain(document).marks.some(isAboutClaims) && { [WITHDRAWS_ANNOTATION]: 'true' }),
  };
  return serializeManifest({
    config: describe(MEDIA_TYPES.ociEmpty, EMPTY_CONFIG),
    layers: [describe(CUSTODY_ARTIFACT_TYPE, document, inlined)],
    ...(Object.keys(annotations).length > 0 && { annotations }),
    subject: { mediaType: subject.mediaType, size: subject.size, digest: subject.digest },
    artifactType: CUSTODY_ARTIFACT_TYPE,
  });
}

/** No signature of an image: it withdraws a claim, or is about an index. Whose it is nobody has asked yet. */
function isAboutClaims({ payload, payloadType }: CarriedMark): boolean {
  if (payloadType === undefined) return false;
  try {
    return parseStatement(payload).predicateType === CLAIM_PREDICATE_TYPE;
  } catch {
    return false;
  }
}

/** Does a listed custody artifact say that there is something in it that could take a yes away? */
export function mayWithdraw({ annotations }: Descriptor): boolean {
  return annotations?.[WITHDRAWS_ANNOTATION] !== undefined;
}

/**
 * Parses the manifest of a custody artifact; undefined when it is another artifact.
 * @throws TouchmarkError `format-manifest`; `sig-wrong-subject` when it belongs to another image
 */
export function parseChainManifest(raw: RawManifest, subject: Digest): ChainManifest | undefined {
  const manifest = parseManifest(raw);
  if (manifest.kind !== 'image' || manifest.artifactType !== CUSTODY_ARTIFACT_TYPE) return undefined;
  if (manifest.subject?.digest !== subject) {
    const actual = manifest.subject?.digest ?? 'nothing';
    return fail('sig-wrong-subject', `the custody artifact belongs to ${actual}, not to this image`);
  }
  const [document, ...more] = manifest.layers;
  if (document?.mediaType !== CUSTODY_ARTIFACT_TYPE || more.length > 0) {
    return fail('format-manifest', 'the custody artifact does not hold exactly one document');
  }
  const listed = (manifest.annotations[INCLUDES_ANNOTATION] ?? '').split(' ');
  return { document, includes: listed.filter(digest => /^sha256:[a-f0-9]{64}$/.test(digest)) as Digest[] };
}

/** Marks as the check takes them. */
export function marksOfChain({ marks }: CustodyChain, source: string): readonly FoundMark[] {
  return marks.map(
    ({ payload, payloadType, signature, keyHint }, i): FoundMark => ({
      carrier: payloadType === undefined ? 'simplesigning' : 'bundle',
      place: 'artifact',
      source: `${source}[${i}]`,
      payload,
      payloadType,
      signature,
      keyHint,
    }),
  );
}

export function carriedMark({ payload, payloadType, signature, keyHint }: FoundMark): CarriedMark {
  return { payload, payloadType, signature, keyHint };
}
