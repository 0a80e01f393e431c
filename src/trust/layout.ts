import type { Digest } from '../base/digest.js';
import { normalizeRepository } from '../oci/reference.js';

/*
 * Where things that concern images stand among the targets of a repository (CUSTODY.md 4.1). Depths are fixed, for a star in
 * the pattern of a delegation does not cross a slash:
 *
 * - `policy/NAME.yaml` or `.json`, in `targets` itself;
 * - `custody/TEAM/MANIFEST/CLAIM`, in the role `team-TEAM`: the file is the claim in its canonical form, so that its SHA-256
 *   is the claim's digest;
 * - `release/REPOSITORY/TAG`, in `targets` or a role below it: the file is the manifest that the tag means, so that its
 *   SHA-256 is the image's digest. The slashes of the repository are percent-encoded;
 * - `release/channels/NAME`, there as well: a list of releases.
 */

export const POLICY_TARGET = /^policy\/([^/]+)\.(yaml|yml|json)$/;

/** The delegated role that holds what a team lists. */
export function teamRole(team: string): string {
  return `team-${team}`;
}

export function markTarget(team: string, manifest: Digest, claim: Digest): string {
  return `custody/${team}/${hexOf(manifest)}/${hexOf(claim)}`;
}

export interface MarkPlace {
  readonly team: string;
  readonly manifest: Digest;
  readonly claim: Digest;
}

/** The place of a mark; undefined for a path that is none. */
export function parseMarkTarget(path: string): MarkPlace | undefined {
  const [, team, manifest, claim] = /^custody\/([^/]+)\/([0-9a-f]{64})\/([0-9a-f]{64})$/.exec(path) ?? [];
  if (team === undefined) return undefined;
  return { team, manifest: `sha256:${manifest}` as Digest, claim: `sha256:${claim}` as Digest };
}

/** @param repository `registry/path`, in any of its spellings */
export function releaseTarget(repository: string, tag: string): string {
  return `release/${encodeURIComponent(normalizeRepository(repository) ?? repository)}/${tag}`;
}

export function channelTarget(name: string): string {
  return `release/channels/${name}`;
}

function hexOf(digest: Digest): string {
  if (!digest.startsWith('sha256:')) throw new TypeError(`no SHA-256: ${digest.slice(0, 20)}`);
  return digest.slice('sha256:'.length);
}
