import { matchPath } from '../path-pattern.js';

const WILD = /[*?]/;

/** Is every path that `inner` matches surely matched by `outer`? False where that cannot be told easily. */
export function coversPattern(outer: string, inner: string): boolean {
  const [outside, inside] = [outer.split('/'), inner.split('/')];
  return (
    outside.length === inside.length &&
    outside.every((segment, i) => {
      const other = inside[i] as string;
      // As text, `*` is matched by nothing but `*`, and `?` by both: but one `?` does not stand for many characters.
      return !(segment.includes('?') && other.includes('*')) && matchPath(segment, other);
    })
  );
}

/** Could a path match both? True where that cannot be told easily. */
export function mayMeet(one: string, other: string): boolean {
  const [left, right] = [one.split('/'), other.split('/')];
  return (
    left.length === right.length && left.every((segment, i) => segmentsMayMeet(segment, right[i] as string))
  );
}

function segmentsMayMeet(a: string, b: string): boolean {
  if (!WILD.test(a)) return matchPath(b, a);
  if (!WILD.test(b)) return matchPath(a, b);
  const [headA = '', headB = ''] = [a, b].map(text => text.slice(0, text.search(WILD)));
  const [tailA = '', tailB = ''] = [a, b].map(text => /[^*?]*$/.exec(text)?.[0] ?? '');
  const together = (x: string, y: string, fits: (long: string, short: string) => boolean) =>
    x.length >= y.length ? fits(x, y) : fits(y, x);
  return (
    together(headA, headB, (long, short) => long.startsWith(short)) &&
    together(tailA, tailB, (long, short) => long.endsWith(short))
  );
}

/** Clients of other languages read these characters each in their own way. */
export function isPortablePattern(pattern: string): boolean {
  return !/[[\]{}!#()\\^+@]/.test(pattern);
}
