import { fail, TouchmarkError } from '../base/errors.js';
import { compileGlob } from '../base/glob.js';
import {
  blamePath,
  blamePaths,
  deletedAt,
  deletedPaths,
  type EntryPath,
  findCollisions,
  parsePathText,
  pathText,
  type Tree,
} from '../layers/index.js';
import type { StoreAccess } from '../oci/open.js';
import {
  type BlamedLayer,
  type BlamedPath,
  type BlameReport,
  reportBlame,
  reportCollision,
  reportDeletion,
} from './blame-report.js';
import { summarizeTeams } from './blame-summary.js';
import { type OpenOptions, openContents } from './open-contents.js';

export interface BlameOptions extends OpenOptions {
  /** A path, or a pattern over paths. Default: every path. */
  readonly path?: string | undefined;
  /** What is gone, instead of what is there. */
  readonly deleted?: boolean | undefined;
  /** Numbers for each team, instead of paths. */
  readonly summary?: boolean | undefined;
  /** Only what is this team's: of what is gone, what it took away. */
  readonly team?: string | undefined;
}

/**
 * Finds whose each path of an image is. The teams' marks say which layers are whose and what they unpack to; the layers say
 * the rest.
 * @throws TouchmarkError what `openContents` throws; `usage-argument` for a path or team that is not there
 */
export async function blameImage(
  access: StoreAccess,
  reference: string,
  options: BlameOptions,
): Promise<BlameReport> {
  const chosen = choose(options.path);
  const { pinned, through, verdict, layers, tree } = await openContents(access, reference, options);
  refuseUnknownTeam(options.team, layers);
  return {
    ...{ reference, pinned, through, policy: verdict.policy, level: 'content' },
    layers,
    ...answer(tree, chosen, layers, options),
  };
}

/** One path, or whatever a pattern matches. */
export type Chosen = { readonly path: EntryPath } | { readonly matches: (path: EntryPath) => boolean };

/** @throws TouchmarkError `usage-argument` */
export function choose(text: string | undefined): Chosen {
  if (text === undefined) return { matches: () => true };
  const rooted = text.startsWith('/') ? text : `/${text}`;
  try {
    if (!/[*?]/.test(text)) return { path: parsePathText(rooted) };
    const glob = compileGlob(rooted);
    return { matches: path => glob(`/${pathText(path)}`) };
  } catch (error) {
    if (!(error instanceof TouchmarkError)) throw error;
    return fail('usage-argument', `${JSON.stringify(text.slice(0, 100))} is no path: ${error.message}`, {
      hint: 'a path such as /etc/passwd, or a pattern: * stays within one folder, ** goes through all',
    });
  }
}

type Answer = Pick<BlameReport, 'paths' | 'deleted' | 'summary' | 'collisions'>;

function answer(tree: Tree, chosen: Chosen, layers: readonly BlamedLayer[], options: BlameOptions): Answer {
  const { team, deleted, summary } = options;
  const none: Answer = { paths: [], deleted: [], summary: [], collisions: null };
  const matches = 'matches' in chosen ? chosen.matches : (path: EntryPath) => path === chosen.path;
  if (summary) {
    const teams = summarizeTeams(tree, layers, matches);
    return {
      ...none,
      summary: teams.filter(one => isOf(team, one.team)),
      collisions: collide(tree, matches),
    };
  }
  const isTeams = (...indexes: readonly number[]): boolean =>
    indexes.some(index => isOf(team, layers[index]?.team));
  if (deleted) {
    const gone = [...deletedPaths(tree, matches)].filter(({ layer }) => isTeams(layer));
    return { ...none, deleted: gone.map(reportDeletion) };
  }
  if ('matches' in chosen) {
    const paths: BlamedPath[] = [];
    for (const blame of blamePaths(tree, matches)) {
      const { content, meta, path } = blame.owners;
      if (isTeams(content, meta, path)) paths.push(reportBlame(blame));
    }
    return { ...none, paths, collisions: collide(tree, matches) };
  }
  const found = blamePath(tree, chosen.path);
  if (found) return { ...none, paths: [reportBlame(found)] };
  const all = deletedAt(tree, chosen.path).filter(({ layer }) => isTeams(layer));
  if (all.length > 0) return { ...none, deleted: all.map(reportDeletion) };
  return fail(
    'usage-argument',
    `the image has no ${JSON.stringify(`/${pathText(chosen.path)}`)}, and never had`,
    {
      hint: 'a pattern such as /usr/lib/** lists what there is',
    },
  );
}

function isOf(wanted: string | undefined, team: string | undefined): boolean {
  return wanted === undefined || wanted === team;
}

function collide(tree: Tree, matches: (path: EntryPath) => boolean): Answer['collisions'] {
  const { collisions } = findCollisions(tree);
  return collisions.filter(({ paths }) => paths.some(matches)).map(reportCollision);
}

/** @throws TouchmarkError `usage-argument` */
export function refuseUnknownTeam(
  team: string | undefined,
  layers: readonly { readonly team: string | null }[],
): void {
  const teams = [...new Set(layers.flatMap(layer => layer.team ?? []))];
  if (team === undefined || teams.includes(team)) return;
  fail('usage-argument', `no layer of the image is of a team ${JSON.stringify(team)}`, {
    hint: `its teams are: ${teams.join(', ')}`,
  });
}
