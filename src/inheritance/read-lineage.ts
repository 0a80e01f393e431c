import { failure } from '../custody/finding.js';
import type { TrustFacts } from '../custody/index.js';
import type { CustodyPolicy, EvidenceLevel } from '../custody/policy.js';
import type { StoreAccess } from '../oci/open.js';
import { parseReference } from '../oci/reference.js';
import { judgeImage } from '../verify/judge-custody.js';
import { checkRelease, lookUpRelease, type ReleaseLookup } from '../verify/release.js';
import { type ShowOptions, withShown } from '../verify/show-custody.js';
import type { CustodyOutcome } from '../verify/verify-custody.js';
import { type BaseReader, followBases } from './follow-bases.js';
import type { Lineage, Lookup } from './lineage.js';
import { askedStage, type OpenedImage, openedBy, rootOf, unprovenStage } from './opened-image.js';
import { provenStages } from './proven-stages.js';
import { parseImage, readImage } from './read-image.js';

export interface ReadLineageOptions extends ShowOptions {
  /** Without one nothing is verified. */
  readonly policy?: CustodyPolicy | undefined;
  /** What TUF says of the teams, marks and channels of the policy. */
  readonly facts?: TrustFacts | undefined;
  readonly releaseOf?: ReleaseLookup | undefined;
  readonly now: Date;
  readonly level?: EvidenceLevel | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ReadLineage {
  readonly lineage: Lineage;
  /** What the name it was opened by leads to. */
  readonly opened: readonly [name: string, lookup: Lookup] | null;
  /** With a policy: what its check came to. */
  readonly outcome: CustodyOutcome | null;
}

/**
 * One image with all that it went through.
 * @throws TouchmarkError what the store throws; `usage-argument` when an index holds several images and none is named;
 *   `manifest-unsupported`, `format-…` for what cannot be placed in a tree
 */
export async function readLineage(
  access: StoreAccess,
  reference: string,
  bases: BaseReader,
  options: ReadLineageOptions,
): Promise<ReadLineage> {
  const { policy } = options;
  return withShown(access, reference, options, async (store, target, shown) => {
    const opened: OpenedImage = { store, target, shown, parsed: parseReference(reference) };
    const { lineage, outcome } = policy
      ? await readProven(opened, policy, options)
      : { lineage: await readStated(opened, bases, options), outcome: null };
    const about = { reference, pinned: shown.pinned, through: shown.through };
    return {
      lineage: { ...about, ...lineage },
      opened: openedBy(opened, options.repository),
      outcome: outcome && { reference, ...outcome },
    };
  });
}

type LineageFacts = Omit<Lineage, 'reference' | 'pinned' | 'through'>;

/** By what the image says of itself. */
async function readStated(
  opened: OpenedImage,
  bases: BaseReader,
  options: ReadLineageOptions,
): Promise<LineageFacts> {
  const image = await readImage(opened.store, opened.target.raw);
  const { stages, namedBase } = await followBases(image, opened.parsed, bases);
  const { diffIDs, sizes } = image;
  const own = askedStage(opened, unprovenStage(image), options.repository);
  const nothing = { state: 'unverified', code: null, spans: [] } as const;
  return { ...nothing, diffIDs, sizes, stages: [...stages, own], namedBase };
}

/** By its chain of custody, or by its layers alone where that does not hold. */
async function readProven(
  opened: OpenedImage,
  policy: CustodyPolicy,
  options: ReadLineageOptions,
): Promise<{ readonly lineage: LineageFacts; readonly outcome: Omit<CustodyOutcome, 'reference'> }> {
  const { store, target, shown, parsed } = opened;
  const { repository, platform, level, facts, releaseOf, now, signal } = options;
  const release = releaseOf && (await lookUpRelease(releaseOf, parsed, repository));
  const moved = release && checkRelease(release, rootOf(shown));
  const { verdict, config, collected } = await judgeImage(
    store,
    target,
    parsed.digest === undefined && store.namesRepository,
    {
      policy,
      now,
      ...(facts && { trust: { facts, releaseOf: releaseOf ?? noReleases } }),
      ...(repository !== undefined && { repository }),
      ...(platform !== undefined && { platform }),
      ...(level !== undefined && { level }),
      ...(signal && { signal }),
    },
    moved ? [failure(moved.code, 'image', moved.message, moved.hint)] : [],
  );
  const { code, chain } = verdict;
  const holds = verdict.verdict === 'pass';
  const image = parseImage(target.raw, config);
  const proven = holds ? provenStages(verdict, collected, image, policy) : [];
  const own = askedStage(opened, proven.at(-1) ?? unprovenStage(image), repository);
  const { diffIDs, sizes } = image;
  const { digest, pinned, through, layers } = shown;
  const { mediaType } = target.raw.descriptor;
  return {
    lineage: {
      ...{ state: STATES[verdict.verdict], code, diffIDs, sizes, namedBase: null },
      spans: holds ? chain.map(({ span, team, step }) => ({ ...span, team, step })) : [],
      stages: [...proven.slice(0, -1), own],
    },
    outcome: {
      ...{ digest, pinned, through, layers, mediaType, code, index: null, error: null },
      ...{ custody: verdict, release: release ?? null },
    },
  };
}

const STATES = { pass: 'verified', fail: 'failed', indeterminate: 'indeterminate' } as const;

const noReleases: ReleaseLookup = () => Promise.resolve(undefined);
