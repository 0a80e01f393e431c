import type { ReasonCode } from '../base/codes.js';
import { failure } from '../custody/finding.js';
import type { TrustFacts } from '../custody/index.js';
import type { CustodyPolicy, EvidenceLevel } from '../custody/policy.js';
import type { StoreAccess } from '../oci/open.js';
import { formatReference, parseReference } from '../oci/reference.js';
import { judgeImage } from '../verify/judge-custody.js';
import { checkRelease, lookUpRelease, type ReleaseLookup } from '../verify/release.js';
import { type ShownImage, type ShowOptions, withShown } from '../verify/show-custody.js';
import type { CustodyOutcome } from '../verify/verify-custody.js';
import { type BaseReader, followBases } from './follow-bases.js';
import type { Lineage, Lookup, Stage } from './lineage.js';
import { childrenOf } from './look-up.js';
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
  const parsed = parseReference(reference);
  return withShown(access, reference, options, async (store, target, shown) => {
    const root = shown.through ?? shown.digest;
    const children = target.raw.descriptor.digest === root ? childrenOf(target.raw) : [shown.digest];
    const opened = nameOf(reference, options.repository);
    const about = { reference, pinned: shown.pinned, through: shown.through };
    const asked = (stage: Omit<Stage, 'index' | 'names' | 'repository'> & Partial<Stage>): Stage => ({
      ...stage,
      index: shown.through,
      repository: shown.repository,
      names: [
        ...(opened === undefined ? [] : [{ name: opened, from: 'asked' as const }]),
        ...(stage.names ?? []),
      ],
    });
    const found: Lookup = { kind: 'found', by: 'store', digest: root, children };
    const seen = opened === undefined ? null : ([opened, found] as const);

    const { policy } = options;
    if (!policy) {
      const image = await readImage(store, target.raw);
      const { manifest, platform, created, diffIDs, sizes } = image;
      const own = asked({
        manifest,
        platform,
        created,
        depth: diffIDs.length,
        basis: 'asked',
        mark: null,
        channel: null,
      });
      const { stages, namedBase } = await followBases(image, parsed, bases);
      const lineage: Lineage = {
        ...{ ...about, state: 'unverified', code: null, diffIDs, sizes, spans: [] },
        ...{ stages: [...stages, own], namedBase },
      };
      return { lineage, opened: seen, outcome: null };
    }

    const { repository, platform, level, facts, releaseOf, now, signal } = options;
    const release = releaseOf && (await lookUpRelease(releaseOf, parsed, repository));
    const moved = release && checkRelease(release, root);
    const tagGiven = parsed.digest === undefined && store.namesRepository;
    const { verdict, config, collected } = await judgeImage(
      store,
      target,
      tagGiven,
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
    const image = parseImage(target.raw, config);
    const { diffIDs, sizes } = image;
    const proven = verdict.verdict === 'pass' ? provenStages(verdict, collected, image, policy) : [];
    const head = proven.at(-1);
    const { manifest, created } = image;
    const own = asked(
      head ?? {
        manifest,
        platform: image.platform,
        created,
        depth: diffIDs.length,
        basis: 'asked',
        mark: null,
        channel: null,
      },
    );
    const lineage: Lineage = {
      ...{ ...about, state: STATES[verdict.verdict], code: verdict.code, diffIDs, sizes },
      spans:
        verdict.verdict === 'pass'
          ? verdict.chain.map(({ span, team, step }) => ({ ...span, team, step }))
          : [],
      stages: [...proven.slice(0, -1), own],
      namedBase: null,
    };
    const outcome = outcomeOf(reference, shown, target.raw.descriptor.mediaType, verdict.code);
    return { lineage, opened: seen, outcome: { ...outcome, custody: verdict, release: release ?? null } };
  });
}

const STATES = { pass: 'verified', fail: 'failed', indeterminate: 'indeterminate' } as const;
const noReleases: ReleaseLookup = () => Promise.resolve(undefined);

/** The name that a reference by tag is: what was named by digest has none. */
function nameOf(reference: string, repository: string | undefined): string | undefined {
  const { transport, location, tag, digest } = parseReference(reference);
  if (digest !== undefined || tag === undefined) return undefined;
  return repository === undefined ? formatReference({ transport, location, tag }) : `${repository}:${tag}`;
}

function outcomeOf(
  reference: string,
  { digest, pinned, through, layers }: ShownImage,
  mediaType: string,
  code: ReasonCode | null,
): Omit<CustodyOutcome, 'custody' | 'release'> {
  return { reference, digest, mediaType, pinned, through, code, index: null, layers, error: null };
}
