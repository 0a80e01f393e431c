import type { Snapshot } from '../metadata.js';
import { type Findings, someOf } from './finding.js';
import { parseVersionedName, type VersionedFile } from './history.js';

/**
 * Sorts what lies in a repository: earlier versions, and what does not belong there. `names` are those of metadata files, and
 * of targets with `targets/` in front.
 */
export function sortFiles(
  names: readonly string[],
  { snapshot, root }: { readonly snapshot: Snapshot; readonly root: number },
  targets: ReadonlySet<string>,
  findings: Findings,
): readonly VersionedFile[] {
  const current = new Map(
    [...snapshot.meta].map(([name, { version }]) => [name.replace(/\.json$/, ''), version]),
  );
  current.set('snapshot', snapshot.version);
  current.set('root', root);
  const history: VersionedFile[] = [];
  const [unlisted, strays, orphans]: [string[], string[], string[]] = [[], [], []];
  for (const name of names) {
    if (name.startsWith('targets/')) {
      if (!targets.has(name.slice('targets/'.length))) orphans.push(name);
      continue;
    }
    const file = parseVersionedName(name);
    if (!file) {
      if (name !== 'timestamp.json' && !current.has(name.replace(/\.json$/, ''))) strays.push(name);
      continue;
    }
    const now = current.get(file.role);
    if (file.version > (now ?? Number.POSITIVE_INFINITY)) unlisted.push(name);
    else if (file.version !== now && file.role !== 'root') history.push(file);
  }
  if (unlisted.length > 0) {
    findings.add(
      'warning',
      'file-unlisted',
      `newer than what is published: ${someOf(unlisted)}`,
      'a publication that did not come to its end, or somebody else’s: publish again, or find out whose it is',
      { file: unlisted[0] },
    );
  }
  if (strays.length > 0)
    findings.add('note', 'file-stray', `no files of a repository: ${someOf(strays)}`, 'take them away', {
      file: strays[0],
    });
  if (orphans.length > 0)
    findings.add(
      'note',
      'target-orphan',
      `${orphans.length} target files are listed by no role: ${someOf(orphans)}`,
      'they may stay for clients that have not refreshed yet',
      { file: orphans[0] },
    );
  return history;
}
