import { dirname } from 'node:path';
import { utf8 } from '../../base/bytes.js';
import { fail } from '../../base/errors.js';
import { Field } from '../../base/fields.js';
import { parseJson } from '../../base/json.js';
import { LIMITS } from '../../base/limits.js';
import type { RepositoryFolder } from './folder.js';

/**
 * A publication is decided when its journal is there: from then on it is finished, by this process or by the next one that
 * opens the repository. Before that, nothing that readers see has changed. No key is needed to finish it.
 */
export interface Move {
  readonly from: string;
  readonly to: string;
}

/** New files wait here until the journal is written. */
export const READY = 'staged/ready';
const JOURNAL = 'staged/journal.json';

/** What was decided: files to move into place, in this order, and what is done with once they are. */
interface Journal {
  readonly moves: readonly Move[];
  readonly settled: readonly string[];
}

/**
 * Moves files into place in this order, also when the process ends on the way.
 * @param settled what of `staged/` is published by then, or left over
 */
export async function publishFiles(
  folder: RepositoryFolder,
  moves: readonly Move[],
  settled: readonly string[],
): Promise<void> {
  await folder.sync('staged/metadata');
  await folder.sync(`${READY}/metadata`);
  await folder.write(JOURNAL, utf8(`${JSON.stringify({ journal: 1, moves, settled })}\n`));
  await folder.sync('staged');
  await finish(folder, { moves, settled });
}

/**
 * Ends what a process that is gone had begun: `completed` when its publication was decided, `rolled-back` when it was not,
 * undefined when there is nothing to do. To be called with the lock held.
 */
export async function recover(folder: RepositoryFolder): Promise<'completed' | 'rolled-back' | undefined> {
  const journal = await folder.read(JOURNAL);
  if (journal) {
    await finish(folder, parseJournal(journal));
    return 'completed';
  }
  if (!(await folder.has(READY))) return undefined;
  await folder.remove(READY);
  return 'rolled-back';
}

export async function needsRecovery(folder: RepositoryFolder): Promise<boolean> {
  return (await folder.has(JOURNAL)) || (await folder.has(READY));
}

async function finish(folder: RepositoryFolder, { moves, settled }: Journal): Promise<void> {
  let changed = new Set<string>();
  for (const { from, to } of moves) {
    if (isPointer(to)) {
      // What readers come upon through these two must have reached the disk before.
      for (const name of changed) await folder.sync(name);
      changed = new Set();
    }
    await folder.move(from, to);
    changed.add(dirname(to));
  }
  for (const name of changed) await folder.sync(name);
  // The journal last: it alone says that the rest is done with.
  for (const name of [...settled, READY, JOURNAL]) await folder.remove(name);
}

/** The files that readers find without being told their version. */
function isPointer(name: string): boolean {
  return name === 'metadata/timestamp.json' || name.endsWith('.root.json');
}

function parseJournal(bytes: Uint8Array): Journal {
  const what = 'the journal of an unfinished publication';
  const value = parseJson(bytes, what, { code: 'tuf-format', maxSize: LIMITS.tufTargetsSize });
  const journal = new Field(value, what, 'tuf-format');
  if (journal.get('journal').value !== 1)
    journal.get('journal').fail('is of a version that is not known here');
  return {
    moves: journal
      .get('moves')
      .array(LIMITS.tufValues)
      .map(move => ({ from: inside(move.get('from')), to: inside(move.get('to')) })),
    settled: journal
      .get('settled')
      .array(LIMITS.tufValues)
      .map(name => inside(name, /^staged\//)),
  };
}

/** Journals move files within the repository's own folders, and nowhere else. */
function inside(name: Field, folders = /^(?:staged|metadata|targets)\//): string {
  const text = name.string();
  const isInside = folders.test(text) && !text.split('/').includes('..');
  return isInside ? text : fail('tuf-format', `${name.path} leads out of the repository`);
}
