import { fail, TouchmarkError, withDetails } from '../base/errors.js';
import type { CustodyPolicy } from '../custody/index.js';
import {
  type BlameState,
  compareTrees,
  deletedPaths,
  openIndexCache,
  type PathDifference,
  type PathFilter,
  pathText,
} from '../layers/index.js';
import type { StoreAccess } from '../oci/open.js';
import { comparePackages, identityOf, isLikelyDatabase, type OwnedPackage } from '../packages/index.js';
import { choose, refuseUnknownTeam } from './blame-image.js';
import { reportState } from './blame-report.js';
import { diffConfigs } from './diff-config.js';
import type { DiffedKey, DiffedPackage, DiffedPath, DiffReport, PackageVersion } from './diff-report.js';
import { type DiffSide, openProven, openUnproven, type SideOptions } from './diff-sides.js';
import { tallyDifferences } from './diff-summary.js';
import { KeptLayers } from './kept-layers.js';
import { setterOf } from './step-configs.js';

export const DIFF_PARTS = ['files', 'config', 'packages'] as const;
export type DiffPart = (typeof DIFF_PARTS)[number];

export interface DiffOptions extends Omit<SideOptions, 'kept' | 'packages'> {
  /** Without it nothing is proven, and no team is named. */
  readonly policy?: CustodyPolicy | undefined;
  /** Default: all of them. */
  readonly parts?: readonly DiffPart[] | undefined;
  /** Only files with these paths: a path, or a pattern over paths. */
  readonly path?: string | undefined;
  /** Only what this team added, changed or took away. */
  readonly team?: string | undefined;
  /** Numbers by team alone. */
  readonly summary?: boolean | undefined;
}

/**
 * Finds what differs between two images, or two versions of one: files as a container sees them, keys of the config, packages.
 * Each belongs to the layer of the second image that added, changed or removed it, and with a policy to that layer's team.
 * @throws TouchmarkError why either image cannot be opened (with a policy: also when its chain of custody does not hold);
 *   `usage-argument` for a pattern or a team that is none; `format-packages`, `limit-exceeded`
 */
export async function diffImages(
  access: StoreAccess,
  [first, second]: readonly [before: string, after: string],
  { policy, parts = DIFF_PARTS, path, team, summary, ...options }: DiffOptions,
): Promise<DiffReport> {
  if (team !== undefined && !policy) {
    fail('usage-argument', 'whose a layer is, is known under a policy alone', {
      hint: 'give --policy with --team',
    });
  }
  if (path !== undefined && !parts.includes('files')) {
    fail('usage-argument', 'a path chooses among files, and files are left out', {
      hint: 'leave --only out, or add --only files',
    });
  }
  const chosen = path === undefined ? undefined : choosePaths(path);
  const packages = parts.includes('packages');
  const kept = new KeptLayers(openIndexCache(options.cacheFolder), packages ? isLikelyDatabase : undefined);
  const side = { ...options, kept, packages };
  const open = async (reference: string): Promise<DiffSide> => {
    try {
      return await (policy
        ? openProven(access, reference, { ...side, policy })
        : openUnproven(access, reference, side));
    } catch (error) {
      // Of two images, which one.
      throw error instanceof TouchmarkError ? withDetails(error, { image: reference }) : error;
    }
  };
  const before = await open(first);
  const after = await open(second);
  refuseUnknownTeam(team, [...before.layers, ...after.layers]);
  const isWanted = (one: { readonly team: string | null }): boolean =>
    team === undefined || one.team === team;
  const files = parts.includes('files') ? [...diffFiles(before, after, chosen)].filter(isWanted) : [];
  const config = parts.includes('config') ? diffKeys(before, after).filter(isWanted) : [];
  const versions = diffPackages(before, after).filter(isWanted);
  const lists = { files, config, packages: versions };
  return {
    before: describe(before),
    after: describe(after),
    proven: policy !== undefined,
    policy: after.policy,
    sharedLayers: countShared(before, after),
    differs: Object.values(lists).some(list => list.length > 0),
    summary: tallyDifferences(lists, after.layers),
    ...(summary ? { files: [], config: [], packages: [] } : lists),
  };
}

function describe({ reference, pinned, through, layers }: DiffSide): DiffReport['before'] {
  return { reference, pinned, through, layers };
}

function countShared(before: DiffSide, after: DiffSide): number {
  const split = before.layers.findIndex(({ diffID }, at) => after.layers[at]?.diffID !== diffID);
  return split < 0 ? before.layers.length : split;
}

/** Of an index into the layers; negative is none. */
function attribute({ layers }: DiffSide, layer: number | undefined) {
  const found = layer === undefined ? undefined : layers[layer];
  return { layer: found?.index ?? null, team: found?.team ?? null };
}

/** What a pattern matches; of a path without one, it and all that is below. */
function choosePaths(text: string): PathFilter {
  const chosen = choose(text);
  if ('matches' in chosen) return chosen.matches;
  const { path } = chosen;
  return other => path === '' || other === path || other.startsWith(`${path}/`);
}

function* diffFiles(
  before: DiffSide,
  after: DiffSide,
  chosen: PathFilter | undefined,
): Generator<DiffedPath> {
  // Of a name that went twice, the last time counts.
  const deletions = new Map([...deletedPaths(after.tree, chosen)].map(deletion => [deletion.path, deletion]));
  for (const difference of compareTrees(before.tree, after.tree, deletions, chosen)) {
    const { before: was, after: is, deletion, aspects, path } = difference;
    yield {
      path: `/${pathText(path)}`,
      change: is ? (was ? 'changed' : 'added') : 'removed',
      aspects,
      ...attribute(after, culprit(difference)),
      formerTeam: was ? attribute(before, ownerOf(was)).team : null,
      how: deletion?.how ?? null,
      before: was ? reportState(was) : null,
      after: is ? reportState(is) : null,
    };
  }
}

/** Folders have no bytes: theirs is who made them. */
function ownerOf({ owners: { content, path } }: BlameState): number {
  return content < 0 ? path : content;
}

/** The layer of the second image that made the difference. */
function culprit({ before, after, aspects, deletion }: PathDifference): number | undefined {
  if (!after) return deletion?.layer;
  // A new name for bytes of another layer is the work of who made the name.
  if (!before || aspects.includes('type')) return after.owners.path;
  return aspects.includes('content') ? after.owners.content : after.owners.meta;
}

function diffKeys(before: DiffSide, after: DiffSide): readonly DiffedKey[] {
  return diffConfigs(before.config, after.config).map(({ key, member, before: was, after: is }) => {
    const setter = setterOf(after.steps, key, member);
    return {
      ...{ key, member: member ?? null, before: was ?? null, after: is ?? null },
      change: was === undefined ? 'added' : is === undefined ? 'removed' : 'changed',
      ...{ step: setter?.step ?? null, team: setter?.team ?? null },
    };
  });
}

function diffPackages(before: DiffSide, after: DiffSide): readonly DiffedPackage[] {
  if (!before.packages || !after.packages) return [];
  const { packages, changes } = after.packages;
  // The last time that a version went, whatever came in its place.
  const gone = new Map(
    changes.flatMap(change =>
      change.kind === 'added' ? [] : [[identityOf(change.before), change.layer] as const],
    ),
  );
  return comparePackages(before.packages.packages, packages).map(difference => {
    const was = difference.kind === 'added' ? undefined : difference.before;
    const is = difference.kind === 'removed' ? undefined : difference.after;
    const { ecosystem, name } = difference.kind === 'added' ? difference.after : difference.before;
    return {
      ...{ ecosystem, name, change: difference.kind },
      ...attribute(after, is ? is.layer : was && gone.get(identityOf(was))),
      formerTeam: was ? attribute(before, was.layer).team : null,
      before: was ? reportVersion(was) : null,
      after: is ? reportVersion(is) : null,
    };
  });
}

function reportVersion({ version, architecture, source, layer }: OwnedPackage): PackageVersion {
  return { version, architecture, source: source ?? null, layer };
}
