import type { DiffedLayer, DiffReport, DiffTally } from './diff-report.js';

type Lists = Pick<DiffReport, 'files' | 'config' | 'packages'>;

/** Numbers for each team that has any, in the order of its layers; nobody last. */
export function tallyDifferences(
  { files, config, packages }: Lists,
  layers: readonly DiffedLayer[],
): readonly DiffTally[] {
  const teams = [...new Set(layers.map(({ team }) => team).filter(team => team !== null)), null];
  const tallies = teams.map(team => {
    const mine = files.filter(file => file.team === team);
    const changed = mine.filter(({ change }) => change === 'changed');
    const inside = changed.filter(({ aspects }) => aspects.includes('type') || aspects.includes('content'));
    return {
      team,
      added: mine.filter(({ change }) => change === 'added').length,
      removed: mine.filter(({ change }) => change === 'removed').length,
      changed: inside.length,
      metadata: changed.length - inside.length,
      config: config.filter(key => key.team === team).length,
      packages: packages.filter(one => one.team === team).length,
    };
  });
  return tallies.filter(({ team: _, ...counts }) => Object.values(counts).some(count => count > 0));
}
