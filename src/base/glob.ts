import { fail } from './errors.js';

/** Says whether a whole text matches. */
export type Glob = (text: string) => boolean;

const MAX_LENGTH = 255;

/**
 * What is wrong with a pattern, as the end of a sentence; undefined when it is sound.
 *
 * The language: `?` is one character and `*` any number of them, neither ever the separator; `**` as a whole segment is
 * any number of segments, at the end of a pattern at least one. Everything else stands for itself: there is no escape,
 * no class and no alternative. Without a separator (`''`) there are no segments, and `**` means nothing.
 */
export function globProblem(pattern: string, separator: '/' | '' = '/'): string | undefined {
  if (pattern === '') return 'is empty';
  if (pattern.length > MAX_LENGTH) return `has more than ${MAX_LENGTH} characters`;
  if (/[\p{Surrogate}\p{Cc}]/u.test(pattern)) return 'holds a control character or half of a surrogate pair';
  if (separator === '') return pattern.includes('**') ? 'has ** where a single * means the same' : undefined;
  for (const segment of pattern.split(separator)) {
    if (segment.includes('**') && segment !== '**')
      return 'has ** inside a segment; it stands alone between slashes';
  }
  return pattern.includes('**/**') ? 'has ** twice in a row' : undefined;
}

/** What one state of the matcher takes, and where that leads: `next` is the state behind it, `stay` the state itself. */
type State =
  | { readonly takes: 'literal'; readonly point: string }
  | { readonly takes: 'one' }
  | { readonly takes: 'run' }
  /** The beginning of a segment that `**` may swallow; it may also be left at once. */
  | { readonly takes: 'segments' }
  /** Inside such a segment: its separator leads back to its beginning. */
  | { readonly takes: 'segment-rest' }
  /** `**` at the end: its first character, then all others. */
  | { readonly takes: 'tail-start' }
  | { readonly takes: 'tail' };

/**
 * Compiles a pattern. Matching goes through the text once, over code points, with all states side by side: its time is
 * bounded by length of text times length of pattern, whatever the two are.
 *
 * @throws TouchmarkError `policy-invalid` where {@link globProblem} finds one
 */
export function compileGlob(pattern: string, separator: '/' | '' = '/'): Glob {
  const problem = globProblem(pattern, separator);
  if (problem !== undefined)
    fail('policy-invalid', `the pattern ${JSON.stringify(pattern.slice(0, 80))} ${problem}`);
  const states = statesOf(pattern, separator);
  return text => run(states, text, separator);
}

/** As {@link compileGlob}, for a pattern used once. */
export function matchGlob(pattern: string, text: string, separator: '/' | '' = '/'): boolean {
  return compileGlob(pattern, separator)(text);
}

function statesOf(pattern: string, separator: string): readonly State[] {
  const states: State[] = [];
  const points = [...pattern];
  for (let at = 0; at < points.length; at++) {
    const point = points[at] as string;
    if (point === '?') states.push({ takes: 'one' });
    else if (point !== '*') states.push({ takes: 'literal', point });
    else if (separator === '' || points[at + 1] !== '*') states.push({ takes: 'run' });
    else if (at + 2 === points.length) {
      states.push({ takes: 'tail-start' }, { takes: 'tail' });
      at++;
    } else {
      states.push({ takes: 'segments' }, { takes: 'segment-rest' });
      at += 2;
    }
  }
  return states;
}

function run(states: readonly State[], text: string, separator: string): boolean {
  const end = states.length;
  let active = new Uint8Array(end + 1);
  let next = new Uint8Array(end + 1);
  active[0] = 1;
  openForward(states, active);
  for (const point of text) {
    next.fill(0);
    const isSeparator = point === separator;
    for (let at = 0; at < end; at++) {
      if (active[at] === 0) continue;
      switch ((states[at] as State).takes) {
        case 'literal':
          if ((states[at] as { point: string }).point === point) next[at + 1] = 1;
          break;
        case 'one':
          if (!isSeparator) next[at + 1] = 1;
          break;
        case 'run':
          if (!isSeparator) next[at] = 1;
          break;
        case 'segments':
          if (!isSeparator) next[at + 1] = 1;
          break;
        case 'segment-rest':
          next[isSeparator ? at - 1 : at] = 1;
          break;
        case 'tail-start':
          if (!isSeparator) next[at + 1] = 1;
          break;
        case 'tail':
          next[at] = 1;
          break;
      }
    }
    openForward(states, next);
    [active, next] = [next, active];
  }
  return active[end] === 1;
}

/** States that are reached without taking a character: behind `*`, behind a `**` that swallows nothing more, behind a tail. */
function openForward(states: readonly State[], active: Uint8Array): void {
  for (let at = 0; at < states.length; at++) {
    if (active[at] === 0) continue;
    const { takes } = states[at] as State;
    if (takes === 'run' || takes === 'tail') active[at + 1] = 1;
    else if (takes === 'segments') active[at + 2] = 1;
  }
}
