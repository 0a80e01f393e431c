import { type PathFilter, pathText, summarize, type Tally, type Tree } from '../layers/index.js';
import type { BlamedLayer } from './blame-report.js';

export interface TeamSummary extends Readonly<Tally> {
  readonly team: string;
  /** Indexes of its layers. */
  readonly layers: readonly number[];
  /** What lies directly in each folder where it has or did something: most changes to what others made first, then most files. */
  readonly folders: readonly FolderSummary[];
}

export interface FolderSummary extends Readonly<Tally> {
  /** Absolute. */
  readonly path: string;
}

/** What each team has in an image, and did to what others made; in the order of its layers. */
export function summarizeTeams(
  tree: Tree,
  layers: readonly BlamedLayer[],
  chosen: PathFilter,
): readonly TeamSummary[] {
  const tallies = summarize(tree, layer => layers[layer]?.team, chosen);
  const teams = [...new Set(layers.map(({ team }) => team))];
  return teams.map(team => {
    const { all = NOTHING, folders = [] } = tallies.get(team) ?? {};
    return {
      team,
      layers: layers.filter(layer => layer.team === team).map(({ index }) => index),
      ...all,
      folders: [...folders]
        .map(([path, tally]) => ({ path: `/${pathText(path)}`, ...tally }))
        .sort(worstFirst),
    };
  });
}

const NOTHING: Tally = {
  ...{ files: 0, bytes: 0, others: 0, replaced: 0, metadata: 0, deleted: 0, deletedOfOthers: 0 },
};

function worstFirst(a: FolderSummary, b: FolderSummary): number {
  const changes = ({ replaced, metadata, deletedOfOthers }: Tally): number =>
    replaced + metadata + deletedOfOthers;
  return changes(b) - changes(a) || b.files - a.files || b.bytes - a.bytes || (a.path < b.path ? -1 : 1);
}
