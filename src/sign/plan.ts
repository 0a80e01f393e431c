import { toBase64 } from '../base/bytes.js';
import { fail } from '../base/errors.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { RawManifest } from '../oci/manifest.js';
import { selectPlatform } from '../oci/platform.js';
import { formatDockerReference, parseRepository } from '../oci/reference.js';
import type { Store } from '../oci/store.js';
import { walkManifests } from '../oci/walk.js';
import { serializePayload } from '../signature/payload.js';
import { serializeSignStatement } from '../signature/statement.js';
import { collectSignatures } from '../verify/collect.js';
import { CARRIERS, type Carrier } from '../verify/evidence.js';
import { judgeSignature, type TrustedKey } from '../verify/judge.js';

export interface SignOptions {
  /** The repository the image is signed for. Default: the one it lies in. */
  readonly repository?: string;
  /** Default: both. */
  readonly carriers?: readonly Carrier[];
  readonly annotations?: Readonly<Record<string, string>>;
  /** Sign every manifest of an index as well as the index. */
  readonly recursive?: boolean;
  /** Of an index, sign only the child for this platform. */
  readonly platform?: string;
  /** Sign the very bytes that this key signed, instead of new ones. */
  readonly coSign?: TrustedKey;
}

/** One document that each key will sign: known before any key is opened. */
export interface PlannedSignature {
  /** The manifest that is signed. */
  readonly subject: Descriptor;
  readonly carrier: Carrier;
  /** The payload or statement, byte for byte. */
  readonly document: Uint8Array;
}

/**
 * Works out what would be signed: for each manifest and each carrier one document.
 * @throws TouchmarkError `usage-argument`, `usage-reference`; `sig-no-match` when there is nothing to co-sign
 */
export async function planSignatures(
  store: Store,
  root: RawManifest,
  options: SignOptions,
): Promise<readonly PlannedSignature[]> {
  if (options.recursive && options.platform !== undefined) {
    fail('usage-argument', 'an index is signed recursively or for one platform, not both');
  }
  const repository = options.repository ?? store.repository;
  parseRepository(repository);
  const carriers = options.carriers ?? CARRIERS;
  const planned: PlannedSignature[] = [];
  for await (const subject of subjects(store, root, options)) {
    if (options.coSign) {
      planned.push(...(await documentsSignedBy(store, subject, options.coSign, carriers, repository)));
    } else {
      const annotations = options.annotations ?? {};
      planned.push(
        ...carriers.map(carrier => ({
          subject,
          carrier,
          document: newDocument(carrier, subject, repository, annotations),
        })),
      );
    }
  }
  return planned;
}

async function* subjects(store: Store, root: RawManifest, options: SignOptions): AsyncGenerator<Descriptor> {
  if (options.recursive) {
    for await (const { raw } of walkManifests(store, root)) yield raw.descriptor;
  } else {
    const target =
      options.platform === undefined ? root : await selectPlatform(store, root, options.platform);
    yield target.descriptor;
  }
}

function newDocument(
  carrier: Carrier,
  subject: Descriptor,
  repository: string,
  annotations: Readonly<Record<string, string>>,
): Uint8Array {
  const dockerReference = formatDockerReference(repository);
  return carrier === 'simplesigning'
    ? serializePayload({ dockerReference, manifestDigest: subject.digest, annotations })
    : serializeSignStatement({ repository: dockerReference, manifestDigest: subject.digest, annotations });
}

/** The distinct documents about `subject` that `key` has signed, in the carriers asked for. */
async function documentsSignedBy(
  store: Store,
  subject: Descriptor,
  key: TrustedKey,
  carriers: readonly Carrier[],
  repository: string,
): Promise<readonly PlannedSignature[]> {
  const policy = { image: subject.digest, keys: [key], annotations: {}, repository };
  const documents = new Map<string, PlannedSignature>();
  for await (const { signatures, problems } of collectSignatures(store, subject.digest, carriers)) {
    const [problem] = problems;
    if (problem) throw problem.error;
    for (const found of signatures) {
      const { code } = await judgeSignature(found, policy);
      if (code !== null) continue;
      documents.set(`${found.carrier} ${toBase64(found.payload)}`, {
        subject,
        carrier: found.carrier,
        document: found.payload,
      });
    }
  }
  if (documents.size === 0)
    fail('sig-no-match', `${key.name} has not signed ${subject.digest}: there is nothing to co-sign`);
  return [...documents.values()];
}
