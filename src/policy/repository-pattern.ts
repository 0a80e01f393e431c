import { globProblem } from '../base/glob.js';

const HOST = /^[a-z0-9.*?-]+(?::[0-9*?]+)?$|^\[[a-f0-9:]+\](?::[0-9]+)?$/;
/** A part of a path, begun and ended as parts of repository names are. */
const SEGMENT = /^(?![._-])[a-z0-9._*?-]+(?<![._-])$/;
/** A part without wildcards is a name itself: separators stand alone, but for __ and rows of hyphens. */
const PLAIN_SEGMENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
/** Names of Docker Hub that references are never written with, once read. */
const OTHER_HUB_NAMES = ['index.docker.io', 'registry-1.docker.io'];

/**
 * What is wrong with a pattern over repositories, as the end of a sentence; undefined when it is sound. Repositories are
 * compared in the form in which references are kept, `registry/path`: a pattern that no such name can match is a
 * mistake, and is refused rather than never applied.
 */
export function repositoryPatternProblem(pattern: string): string | undefined {
  const problem = globProblem(pattern);
  if (problem !== undefined) return problem;
  if (pattern.includes('://')) return 'is a URL: leave out what stands in front of the host';
  if (pattern.includes('@') || /:[^/]*$/.test(pattern.slice(pattern.indexOf('/') + 1)))
    return 'names a tag or digest: it is about repositories';
  if (/[A-Z]/.test(pattern)) return 'has upper-case letters, which no repository has';
  const [registry = '', ...path] = pattern.split('/');
  if (registry === '**') return path.every(canMatch) ? undefined : NOT_A_NAME;
  if (path.length === 0) return 'has no path behind the registry: nothing matches it';
  if (!HOST.test(registry) || !path.every(canMatch)) return NOT_A_NAME;
  // As references are read: the first part is a registry only when it looks like a host.
  if (!/[.:*?]/.test(registry) && registry !== 'localhost')
    return `begins with ${JSON.stringify(registry)}, which is no registry: nothing matches it (Docker Hub's begin with docker.io/)`;
  if (OTHER_HUB_NAMES.includes(registry)) return 'matches nothing: Docker Hub is docker.io';
  if (registry === 'docker.io' && path.length === 1 && path[0] !== '**')
    return 'matches nothing: official images are docker.io/library/…';
  return undefined;
}

function canMatch(segment: string): boolean {
  return SEGMENT.test(segment) && (/[*?]/.test(segment) || PLAIN_SEGMENT.test(segment));
}

const NOT_A_NAME = 'matches nothing: no repository name has such characters or parts';
