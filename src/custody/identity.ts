import { globProblem, matchGlob } from '../base/glob.js';
import { parseRepository, sameRepository } from '../oci/reference.js';
import type { Approval } from './approvals.js';
import { type Finding, failure } from './finding.js';
import type { CustodyPolicy, Relocation } from './policy.js';
import { type Link, whereOf } from './walk.js';

/**
 * Is the image presented under the name its head claim gives, or one that a relocation allows, and is this policy the one
 * for it? A layout or archive has no name: then the claim's must be one that the policy is for.
 * @param partial on its way to another team, an image has its own repository, which the final policy need not list
 */
export function checkIdentity(
  head: Link,
  repository: string | undefined,
  policy: CustodyPolicy,
  counted: ReadonlyMap<string, Approval>,
  partial: boolean,
): readonly Finding[] {
  const { repo } = head.claim;
  const findings: Finding[] = [];
  const inScope = isInScope(policy, repository ?? repo);
  if (!inScope && !partial) {
    const message = `the policy ${policy.name} is not for ${repository ?? repo}`;
    findings.push(
      failure(
        'identity-mismatch',
        'image',
        message,
        `use a policy whose scope it lies in: this one is for ${policy.repositories.join(', ') || 'nothing'}`,
      ),
    );
  }
  if (repository === undefined || sameRepository(repo, repository)) return findings;
  const via = policy.relocations.filter(relocation => allows(relocation, repo, repository));
  const holds = via.some(relocation => {
    const approval = relocation.via === undefined ? undefined : counted.get(relocation.via);
    return relocation.via === undefined || (approval && sameRepository(approval.claim.repo, repository));
  });
  if (holds) return findings;
  const message = `was made for ${repo} and is presented as ${repository}`;
  const hint = via[0]
    ? `moving it needs the approval ${via[0].via} with ${repository} as its repository`
    : 'use it under the name it was made for, or have the policy allow the move: scope.relocations';
  return [...findings, failure('identity-mismatch', whereOf(head), message, hint)];
}

/** Is the policy for images under this name? */
export function isInScope(
  { repositories }: Pick<CustodyPolicy, 'repositories'>,
  repository: string,
): boolean {
  return matchesAny(repositories, repository);
}

/**
 * With wildcards on both sides what they stand for must be the same, or one image of the source could be presented as
 * another at the destination. That is checked for patterns that are alike from their first wildcard on; others are refused.
 */
export function allows(relocation: Relocation, repo: string, repository: string): boolean {
  const [source, destination] = [normalize(repo), normalize(repository)];
  if (source === undefined || destination === undefined) return false;
  if (!matchesAny([relocation.from], source) || !matchesAny([relocation.to], destination)) return false;
  const [from, to] = [splitPattern(relocation.from), splitPattern(relocation.to)];
  if (from.tail === '' || to.tail === '') return true;
  return from.tail === to.tail && source.slice(from.literal.length) === destination.slice(to.literal.length);
}

function splitPattern(pattern: string): { literal: string; tail: string } {
  const at = pattern.search(/[*?]/);
  return at < 0 ? { literal: pattern, tail: '' } : { literal: pattern.slice(0, at), tail: pattern.slice(at) };
}

function matchesAny(patterns: readonly string[], repository: string): boolean {
  const name = normalize(repository);
  return (
    name !== undefined &&
    patterns.some(pattern => globProblem(pattern) === undefined && matchGlob(pattern, name))
  );
}

/** As patterns are written: Docker Hub is `docker.io`, hosts are lower case. */
function normalize(repository: string): string | undefined {
  try {
    const { registry, path } = parseRepository(repository);
    return `${registry.toLowerCase()}/${path}`;
  } catch {
    return undefined;
  }
}
