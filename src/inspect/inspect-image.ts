import { computeDigest, type Digest } from '../base/digest.js';
import type { TouchmarkError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { type ImageConfig, parseConfig } from '../oci/config.js';
import type { Descriptor, Platform } from '../oci/descriptor.js';
import { type ImageManifest, type Manifest, parseManifest, type RawManifest } from '../oci/manifest.js';
import type { Store } from '../oci/store.js';
import { parsePayload } from '../signature/payload.js';
import { parseStatement } from '../signature/statement.js';
import { collectSignatures } from '../verify/collect.js';
import { CARRIERS, type FoundSignature, type Problem } from '../verify/evidence.js';
import type { Claim } from '../verify/judge.js';
import { type Attachment, findAttachments } from './attachments.js';

/** Everything found about one image, decoded and not judged: a signature listed here has not been verified. */
export interface Inspection {
  readonly digest: Digest;
  readonly mediaType: string;
  /** Of the manifest, in bytes. */
  readonly size: number;
  readonly kind: Manifest['kind'];
  readonly artifactType: string | null;
  readonly annotations: Readonly<Record<string, string>>;
  readonly subject: Digest | null;
  /** Of an image: null for an index, and for an artifact whose config is none. */
  readonly config: InspectedConfig | null;
  /** Base layer first; empty for an index. */
  readonly layers: readonly InspectedLayer[];
  /** Of an index. */
  readonly manifests: readonly InspectedChild[];
  readonly signatures: readonly InspectedSignature[];
  /** `.sig`, `.att` and `.sbom` tags. */
  readonly attachments: readonly Attachment[];
  readonly referrers: readonly InspectedReferrer[];
  readonly problems: readonly { readonly source: string; readonly error: TouchmarkError }[];
}

export interface InspectedConfig extends ImageConfig {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly size: number;
}

export interface InspectedLayer {
  readonly index: number;
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  /** As the config states it. */
  readonly diffID: Digest | null;
}

export interface InspectedChild {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly size: number;
  readonly platform: Platform | null;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface InspectedSignature {
  readonly carrier: string;
  readonly source: string;
  readonly payloadDigest: Digest;
  readonly keyHint: string | null;
  readonly certificate: boolean;
  readonly transparencyLog: boolean;
  readonly timestamp: boolean;
  /** What it says, unverified; null when it cannot be read. */
  readonly claim: (Claim & { readonly digest: string | null }) | null;
}

export interface InspectedReferrer {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly size: number;
  readonly artifactType: string | null;
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * Looks at an image and at what refers to it. Never fails because trust is missing, and lists what could not be read.
 * @throws TouchmarkError `format-manifest`, `format-config`, and what the store throws for the image itself
 */
export async function inspectImage(store: Store, root: RawManifest): Promise<Inspection> {
  const manifest = parseManifest(root);
  const problems: { source: string; error: TouchmarkError }[] = [];
  const config = manifest.kind === 'image' ? await inspectConfig(store, manifest) : null;
  const { digest } = root.descriptor;
  const signatures: InspectedSignature[] = [];
  const note = ({ source, error }: Problem) => problems.push({ source, error });
  for await (const evidence of collectSignatures(store, digest, CARRIERS)) {
    evidence.problems.forEach(note);
    signatures.push(...evidence.signatures.map(inspectSignature));
  }
  const attachments = await findAttachments(store, digest, (source, error) =>
    problems.push({ source, error }),
  );
  const referrers = await listReferrers(store, digest);
  return {
    digest,
    mediaType: root.descriptor.mediaType,
    size: root.descriptor.size,
    kind: manifest.kind,
    artifactType: manifest.artifactType ?? null,
    annotations: manifest.annotations,
    subject: manifest.subject?.digest ?? null,
    config,
    layers: manifest.kind === 'image' ? inspectLayers(manifest, config) : [],
    manifests: manifest.kind === 'index' ? manifest.manifests.map(inspectChild) : [],
    signatures,
    attachments,
    referrers,
    problems,
  };
}

async function inspectConfig(store: Store, manifest: ImageManifest): Promise<InspectedConfig | null> {
  const { config } = manifest;
  if (!/image\.config|container\.image/.test(config.mediaType)) return null;
  const bytes = await store.fetchBlob(config, LIMITS.configSize);
  return { digest: config.digest, mediaType: config.mediaType, size: config.size, ...parseConfig(bytes) };
}

function inspectLayers(manifest: ImageManifest, config: InspectedConfig | null): InspectedLayer[] {
  return manifest.layers.map(({ mediaType, digest, size }, index) => ({
    index,
    mediaType,
    digest,
    size,
    diffID: config?.diffIDs[index] ?? null,
  }));
}

function inspectChild({ digest, mediaType, size, platform, annotations }: Descriptor): InspectedChild {
  return { digest, mediaType, size, platform: platform ?? null, annotations: annotations ?? {} };
}

function inspectSignature(found: FoundSignature): InspectedSignature {
  const { certificate, transparencyLog, timestamp, keyHint } = found.material;
  return {
    carrier: found.carrier,
    source: found.source,
    payloadDigest: computeDigest(found.payload),
    keyHint: keyHint ?? null,
    certificate,
    transparencyLog,
    timestamp,
    claim: readClaim(found),
  };
}

function readClaim(found: FoundSignature): InspectedSignature['claim'] {
  try {
    if (found.carrier === 'simplesigning') {
      const { type, dockerReference, annotations, manifestDigest } = parsePayload(found.payload);
      return { type, repository: dockerReference, annotations, digest: manifestDigest };
    }
    const { predicateType, subjects } = parseStatement(found.payload);
    const [subject] = subjects;
    const [digest] = Object.entries(subject?.digest ?? {});
    return {
      type: predicateType,
      repository: subject?.name ?? null,
      annotations: subject?.annotations ?? {},
      digest: digest ? digest.join(':') : null,
    };
  } catch {
    return null;
  }
}

async function listReferrers(store: Store, digest: Digest): Promise<readonly InspectedReferrer[]> {
  // What could not be listed is among the problems of the signatures already.
  const listed = await store.listReferrers(digest).catch(() => undefined);
  return (listed?.descriptors ?? []).map(d => ({
    digest: d.digest,
    mediaType: d.mediaType,
    size: d.size,
    artifactType: d.artifactType ?? null,
    annotations: d.annotations ?? {},
  }));
}
