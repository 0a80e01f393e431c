import type { ReasonCode } from '../base/codes.js';
import { computeDigest, type Digest } from '../base/digest.js';
import type { ClaimLayer } from './claim.js';
import { doubt, type Finding, failure, warning } from './finding.js';
import type { Image } from './image.js';
import { EVIDENCE_LEVELS, type EvidenceLevel } from './policy.js';
import type { Link } from './walk.js';

/** What the caller found out about one layer's bytes. No fact about a layer: its blob was not looked at. */
export type LayerFact =
  | {
      readonly index: number;
      /** Of the blob that was read; it was compared with the bytes. */
      readonly digest: Digest;
      readonly outcome: 'read';
      /** Of the uncompressed bytes. */
      readonly diffID: Digest;
      /** Whether every tool would find the same files in it; undefined: nobody looked. */
      readonly tar?: 'sound' | TarFault;
    }
  | {
      readonly index: number;
      readonly digest: Digest;
      readonly outcome: LayerFault;
      readonly reason?: string;
    };

/** Why tools would not agree on what is in a layer: reading it again changes nothing. */
export interface TarFault {
  readonly code: ReasonCode;
  readonly message: string;
}

/** Why nothing is known of what a layer unpacks to, and the reason code for it. */
export const LAYER_FAULTS = {
  /** Not there, foreign or refused. */
  unavailable: 'layer-unavailable',
  /** Wrong bytes under this digest. */
  'digest-mismatch': 'blob-digest-mismatch',
  /** The right bytes, which do not unpack. */
  corrupt: 'blob-corrupt',
  /** The right bytes, with more behind the layer than a layer has. */
  'trailing-data': 'blob-trailing-data',
  'compression-unsupported': 'layer-compression-unsupported',
  /** It unpacks to more than is read. */
  'limit-exceeded': 'limit-exceeded',
} as const satisfies Record<string, ReasonCode>;

export type LayerFault = keyof typeof LAYER_FAULTS;

/** Faults of the image itself: reading it again changes nothing. */
const DEFINITE: readonly LayerFault[] = ['digest-mismatch', 'corrupt', 'trailing-data', 'limit-exceeded'];

/** How a layer is known to be its owner's: by nothing yet, by the signed digest, by its bytes, or by its files. */
export type LayerEvidence = EvidenceLevel;

export interface LayerVerdict {
  readonly index: number;
  readonly team: string;
  readonly step: string;
  /** The team vouches for it and did not build it. */
  readonly adopted: boolean;
  /** As the manifest has it. */
  readonly digest: Digest;
  /** As its owner signed it. */
  readonly diffID: Digest;
  readonly evidence: LayerEvidence;
}

export interface CheckedLayers {
  readonly layers: readonly LayerVerdict[];
  readonly findings: readonly Finding[];
}

/**
 * Finds for each layer what ties the blob that the manifest names to the diffID that its owner signed (CUSTODY.md 5.4).
 * The config's own list of diffIDs is no evidence: the last team writes both it and the manifest.
 * @param links a chain whose coverage holds
 */
export function checkLayers(
  links: readonly Link[],
  image: Image,
  facts: readonly LayerFact[],
  required: EvidenceLevel,
): CheckedLayers {
  const findings: Finding[] = [];
  const byIndex = new Map(facts.map(fact => [fact.index, fact]));
  const layers = links.flatMap(({ claim }) =>
    claim.layers.map((owned): LayerVerdict => {
      const digest = image.manifest.layers[owned.i]?.digest ?? owned.digest;
      const known = byIndex.get(owned.i);
      const judged = judgeLayer(owned, digest, known?.digest === digest ? known : undefined, required);
      if (judged.finding) findings.push(judged.finding);
      return {
        index: owned.i,
        team: claim.team,
        step: claim.step,
        adopted: claim.kind === 'adopt',
        digest,
        diffID: owned.diffID,
        evidence: judged.evidence,
      };
    }),
  );
  findings.push(...checkRepeats(layers));
  return { layers, findings };
}

function judgeLayer(
  owned: ClaimLayer,
  digest: Digest,
  fact: LayerFact | undefined,
  required: EvidenceLevel,
): { readonly evidence: LayerEvidence; readonly finding?: Finding } {
  const where = `layer ${owned.i}`;
  if (fact?.outcome === 'read') {
    if (fact.diffID === owned.diffID) return judgeTar(fact.tar, where);
    const message = `unpacks to ${fact.diffID}, its team signed ${owned.diffID}`;
    return { evidence: 'marks', finding: failure('layer-diffid-mismatch', where, message) };
  }
  const fault = fact && { code: LAYER_FAULTS[fact.outcome], message: fact.reason ?? describeFault(fact) };
  if (fact && fault && DEFINITE.includes(fact.outcome)) {
    return { evidence: 'marks', finding: failure(fault.code, where, fault.message) };
  }
  // A blob whose own digest is the diffID is the uncompressed layer that was signed.
  const evidence = digest === owned.digest || digest === owned.diffID ? 'manifest' : 'marks';
  if (reaches(evidence, required)) return { evidence };
  const severe = reaches('marks', required) ? warning : doubt;
  if (fault) return { evidence, finding: severe(fault.code, where, fault.message) };
  if (evidence === 'manifest') return { evidence };
  const message = `is stored as ${digest}, its team signed ${owned.digest}; the blob was not read`;
  return {
    evidence,
    finding: severe('layer-unproven', where, message, 'recompressed? check it at level blobs'),
  };
}

function judgeTar(
  tar: 'sound' | TarFault | undefined,
  where: string,
): { readonly evidence: LayerEvidence; readonly finding?: Finding } {
  if (tar === undefined) return { evidence: 'blobs' };
  if (tar === 'sound') return { evidence: 'content' };
  return { evidence: 'blobs', finding: failure(tar.code, where, tar.message) };
}

function describeFault({ outcome, digest }: LayerFact): string {
  if (outcome === 'digest-mismatch') return `the bytes served as ${digest} are others`;
  return DEFINITE.includes(outcome as LayerFault)
    ? `the blob ${digest} cannot be unpacked`
    : `the blob ${digest} could not be read`;
}

/** Two spellings of nothing: a tar of two zero blocks, and the same filled up to ten KiB. Builders repeat them freely. */
const EMPTY_LAYERS: readonly Digest[] = [1024, 10_240].map(size => computeDigest(new Uint8Array(size)));

/** A layer of a team below that comes again on top brings back files that were deleted or replaced since. */
function checkRepeats(layers: readonly LayerVerdict[]): readonly Finding[] {
  const first = new Map<Digest, LayerVerdict>();
  const findings: Finding[] = [];
  for (const layer of layers) {
    const lower = first.get(layer.diffID);
    if (!lower) first.set(layer.diffID, layer);
    else if (!EMPTY_LAYERS.includes(layer.diffID)) {
      const severe = lower.team === layer.team ? warning : failure;
      const message = `of step ${layer.step} is layer ${lower.index} of team ${lower.team} once more`;
      findings.push(severe('layer-repeats-lower', `layer ${layer.index}`, message));
    }
  }
  return findings;
}

/** The least that is known of any layer; with no layers there is nothing more to know. */
export function levelReached(layers: readonly LayerVerdict[]): EvidenceLevel {
  const least = layers.reduce(
    (level, layer) => Math.min(level, EVIDENCE_LEVELS.indexOf(layer.evidence)),
    EVIDENCE_LEVELS.length - 1,
  );
  return EVIDENCE_LEVELS[least] ?? 'marks';
}

/** The least of several verdicts' levels; null when one has none, or when there is no verdict. */
export function leastLevel(
  verdicts: readonly { readonly level: EvidenceLevel | null }[],
): EvidenceLevel | null {
  const ranks = verdicts.map(({ level }) => (level === null ? -1 : EVIDENCE_LEVELS.indexOf(level)));
  return EVIDENCE_LEVELS[Math.min(...ranks)] ?? null;
}

export function reaches(level: EvidenceLevel, required: EvidenceLevel): boolean {
  return EVIDENCE_LEVELS.indexOf(level) >= EVIDENCE_LEVELS.indexOf(required);
}
