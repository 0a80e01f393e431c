/**
 * Does a path match a pattern of a delegation (TUF specification 4.5, `paths`)? Both are split at slashes and must have
 * as many segments; in one, `*` is any number of characters, `?` is one character, and everything else is itself. Nothing
 * more: brackets, braces and the like are where implementations differ, and a pattern that some read more widely than
 * others is one that nobody should rely on. Case counts; a leading dot is a character like any other.
 */
export function matchPath(pattern: string, path: string): boolean {
  if (!/[*?]/.test(pattern)) return pattern === path;
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  return (
    wanted.length === given.length && wanted.every((segment, i) => matchSegment(segment, given[i] as string))
  );
}

/** Over code points, going back to the last `*` only: at most length times length steps. */
function matchSegment(pattern: string, text: string): boolean {
  const [wanted, given] = [[...pattern], [...text]];
  let at = 0;
  /** Where the last `*` stands, and how far the text was when it was met or last stretched. */
  let star = -1;
  let from = 0;
  for (let i = 0; i < given.length; ) {
    if (wanted[at] === '*') {
      star = at++;
      from = i;
    } else if (at < wanted.length && (wanted[at] === '?' || wanted[at] === given[i])) {
      at++;
      i++;
    } else if (star >= 0) {
      at = star + 1;
      i = ++from;
    } else {
      return false;
    }
  }
  while (wanted[at] === '*') at++;
  return at === wanted.length;
}
