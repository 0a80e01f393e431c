import { computeDigest, type Digest } from '../base/digest.js';
import {
  type ContentClaim,
  type CustodyPolicy,
  type CustodyVerdict,
  isContentClaim,
  readMark,
} from '../custody/index.js';
import { rawManifest } from '../oci/manifest.js';
import { formatPlatform } from '../oci/platform.js';
import { sameRepository } from '../oci/reference.js';
import type { CollectedMarks } from '../verify/mark-pile.js';
import { type StatedBase, tagNameOf } from './base-names.js';
import type { Stage, StageName } from './lineage.js';
import { parseImage, type ReadImage } from './read-image.js';

/**
 * The images that a chain of custody went through, out of a verdict that is a yes. What the claims do not say comes from the
 * manifests and configs that travel with them, which the claims name by digest; nothing is fetched.
 */
export function provenStages(
  { chain }: CustodyVerdict,
  collected: CollectedMarks,
  image: ReadImage,
  { flow }: Pick<CustodyPolicy, 'flow'>,
): readonly Stage[] {
  const claims = readClaims(collected, new Set(chain.map(({ claim }) => claim)));
  const documents = new Map(collected.carried.map(bytes => [computeDigest(bytes), bytes]));
  const images = chain.map((entry, at) =>
    at === chain.length - 1 ? image : readCarried(claims.get(entry.claim), documents),
  );
  return chain.map((entry, at): Stage => {
    const claim = claims.get(entry.claim);
    const own = images[at];
    const next = claims.get(chain[at + 1]?.claim as Digest);
    const index = next?.base?.index ?? null;
    return {
      manifest: at === chain.length - 1 ? image.manifest : entry.manifest,
      index,
      repository: claim?.repo ?? null,
      platform: claim ? formatPlatform(claim.platform) : null,
      depth: entry.span.to,
      basis: 'proven',
      mark: {
        claim: entry.claim,
        kind: entry.kind,
        team: entry.team,
        step: entry.step,
        signers: entry.signers,
        time: entry.time,
      },
      created: own?.created ?? null,
      names: [
        ...(claim ? upstreamNames(claim) : []),
        ...annotatedName(images[at + 1]?.base ?? null, entry.manifest, index, claim),
      ],
      channel: flow.find(({ step }) => step === entry.step)?.currency?.channel ?? null,
    };
  });
}

/** Claims that were verified: by their digests they are those of the verdict. */
function readClaims(
  { marks }: CollectedMarks,
  wanted: ReadonlySet<Digest>,
): ReadonlyMap<Digest, ContentClaim> {
  const claims = new Map<Digest, ContentClaim>();
  for (const mark of marks) {
    if (claims.size === wanted.size) break;
    try {
      const read = readMark(mark);
      if (read && wanted.has(read.digest) && isContentClaim(read.claim)) claims.set(read.digest, read.claim);
    } catch {
      // It is none of those that the verdict rests on.
    }
  }
  return claims;
}

function readCarried(
  claim: ContentClaim | undefined,
  documents: ReadonlyMap<Digest, Uint8Array>,
): ReadImage | undefined {
  const manifest = claim && documents.get(claim.subject.manifest.digest);
  const config = claim && documents.get(claim.subject.config.digest);
  if (!claim || !manifest || !config) return undefined;
  try {
    return parseImage(rawManifest(claim.subject.manifest.mediaType, manifest), config);
  } catch {
    return undefined;
  }
}

/** The name by which an upstream image was adopted; its owner is not the team, and the team signed it. */
function upstreamNames({ inputs = [] }: ContentClaim): readonly StageName[] {
  return inputs
    .filter(({ purpose }) => purpose === 'upstream')
    .flatMap(({ ref }) => (ref === undefined ? undefined : tagNameOf(ref)) ?? [])
    .map(name => ({ name, from: 'claim' as const }));
}

/** A tag out of an annotation counts when it is one of the repository that the claim names, and is said of this very image. */
function annotatedName(
  base: StatedBase | null,
  manifest: Digest,
  index: Digest | null,
  claim: ContentClaim | undefined,
): readonly StageName[] {
  if (!base?.name || !claim || !sameRepository(base.name, claim.repo)) return [];
  if (base.digest !== manifest && base.digest !== index) return [];
  const name = tagNameOf(base.name);
  return name === undefined ? [] : [{ name, from: 'annotation' }];
}
