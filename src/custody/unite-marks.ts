import { identifyMark } from './artifact.js';
import type { FoundMark } from './authenticate.js';

/**
 * The same signature over the same document lies in several places: `.sig`, referrers, custody artifacts. It is one mark,
 * verified and counted once, and on the image itself where any copy of it is.
 */
export function uniteMarks(marks: readonly FoundMark[]): readonly FoundMark[] {
  const united = new Map<string, FoundMark>();
  for (const mark of marks) {
    const id = `${mark.carrier} ${identifyMark(mark)}`;
    const known = united.get(id);
    const kept = known && (known.place === 'attached' || mark.place === 'artifact') ? known : mark;
    const keyHint = kept.keyHint ?? known?.keyHint ?? mark.keyHint;
    united.set(id, kept.keyHint === keyHint ? kept : { ...kept, keyHint });
  }
  return [...united.values()];
}
