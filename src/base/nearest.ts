/** Edits (insert, delete, replace, swap of neighbours) that turn one word into the other; at most `limit` + 1. */
export function editDistance(from: string, to: string, limit = 3): number {
  if (Math.abs(from.length - to.length) > limit) return limit + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (last[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      let best = Math.min(replaced, (last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1);
      if (from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) {
        best = Math.min(best, (beforeLast[column - 2] ?? limit) + 1);
      }
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return Math.min(last[to.length] ?? limit + 1, limit + 1);
}

/** The word that was probably meant: undefined when none is near, or when two are equally near. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  // A third of the word may differ; more is a guess about something else.
  const limit = Math.min(3, Math.max(1, Math.floor((word.length + 1) / 3)));
  let found: string | undefined;
  let distance = limit + 1;
  let tied = false;
  for (const candidate of known) {
    const edits = editDistance(word.slice(0, 64), candidate, limit);
    if (edits < distance) [found, distance, tied] = [candidate, edits, false];
    else if (edits === distance) tied = true;
  }
  return tied ? undefined : found;
}
