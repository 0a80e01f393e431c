import { fail } from '../../base/errors.js';
import { TOP_LEVEL_ROLES } from '../metadata.js';
import { targetName } from '../names.js';

/** Names that some client trips over are not written, though they are read: those of prototypes, and what looks like a number. */
const ODD = new Set(['__proto__', 'constructor', 'prototype', 'tostring', 'valueof', 'hasownproperty']);

/** @throws TouchmarkError `usage-argument` */
export function requireRoleName(name: string): void {
  const problem = TOP_LEVEL_ROLES.some(taken => taken === name)
    ? 'is that of a top-level role'
    : !/^[a-z0-9][a-z0-9._-]{0,127}$/.test(name)
      ? 'must be 1 to 128 of a-z, 0-9, dot, dash and underscore, a letter or digit first'
      : /^[0-9]+$/.test(name)
        ? 'must not be a number: some clients sort those first'
        : ODD.has(name)
          ? 'is one that some clients cannot have'
          : undefined;
  if (problem !== undefined)
    fail('usage-argument', `the role name ${JSON.stringify(name.slice(0, 140))} ${problem}`);
}

/** @throws TouchmarkError `usage-argument` for a path that no client could fetch, or that clients read differently */
export function requireTargetPath(path: string): void {
  try {
    targetName(path, { length: 0, hashes: {} }, false);
  } catch (cause) {
    fail('usage-argument', `${JSON.stringify(path.slice(0, 140))} cannot be a target path`, {
      hint: 'segments between slashes, none of them empty, . or .., without backslashes and control characters',
      cause,
    });
  }
  if (/\p{Surrogate}/u.test(path))
    fail('usage-argument', `the target path ${JSON.stringify(path.slice(0, 140))} is not well-formed text`);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: no target path has them
const NOT_TEXT = /[\u0000-\u001f\u007f]|\p{Surrogate}/u;

/** @throws TouchmarkError `usage-argument` for a pattern that clients read differently, or that matches nothing */
export function requirePattern(pattern: string): void {
  const problem =
    pattern === ''
      ? 'is empty'
      : pattern.startsWith('/')
        ? 'begins with a slash, and no target path does'
        : /[[\]{}()\\!]|^#/.test(pattern)
          ? 'holds [ ] { } ( ) ! \\ or begins with #, which clients read differently'
          : pattern.includes('**')
            ? 'holds **, which means no more than * here: it does not cross a slash'
            : pattern.split('/').some(segment => segment === '' || segment === '.' || segment === '..')
              ? 'has a segment that is empty, . or .., and no target path has'
              : NOT_TEXT.test(pattern)
                ? 'holds control characters or is not well-formed text'
                : pattern.length > 1024
                  ? 'is longer than 1024 characters'
                  : undefined;
  if (problem !== undefined)
    fail('usage-argument', `the pattern ${JSON.stringify(pattern.slice(0, 140))} ${problem}`, {
      hint: 'one * for each segment, as many segments as the paths have: custody/base/*/*',
    });
}
