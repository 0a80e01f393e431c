import type { Digest } from '../base/digest.js';
import type { PublicKey } from '../crypto/keys.js';
import type { CustodyPolicy, IndexMode, Team, TeamSigner } from './policy.js';

/**
 * What verified TUF metadata says that concerns a check of custody, as plain data. Each part is the newest that the
 * repository's owners signed; whoever collects it has refused what is expired, rolled back or not signed by enough.
 */
export interface TrustFacts {
  /** Teams that are delegated, by name; a team that is not here has no say any more. */
  readonly teams: ReadonlyMap<string, TeamTrust>;
  /** Releases of a channel, newest first: each by the digests of its index and images. */
  readonly channels: ReadonlyMap<string, readonly (readonly Digest[])[]>;
  /** The policy of the same name as the one in use; undefined when there is none. */
  readonly policy: { readonly version: number; readonly digest: Digest } | undefined;
}

export interface TeamTrust {
  /** Of the delegation. */
  readonly keys: readonly DelegatedKey[];
  /** Claims in the team's own metadata, by the manifest they are about. */
  readonly claims: ReadonlyMap<Digest, readonly ListedClaim[]>;
  /** Claims that the metadata lists at places which are not delegated to the team: they count for nothing. */
  readonly strays: ReadonlySet<Digest>;
}

export interface DelegatedKey {
  readonly key: PublicKey;
  /** What the delegation calls the owner. */
  readonly label: string | undefined;
}

export interface ListedClaim {
  readonly claim: Digest;
  readonly status: 'active' | 'withdrawn';
  readonly reason: string | undefined;
}

/** The mode a check goes by: where TUF is there, a policy that says nothing wants to see its marks listed. */
export function indexModeOf(policy: CustodyPolicy, trust: TrustFacts | undefined): IndexMode {
  return policy.index ?? (trust ? 'present' : 'off');
}

/**
 * The policy with the keys that its teams have today. The delegation decides which keys are current; the policy, and for
 * keys that it does not name the label in the delegation, say whose they are. A key of the policy that is no longer
 * delegated is retired. A delegated key that nobody names counts for nobody: thresholds count persons.
 */
export function applyTrust(policy: CustodyPolicy, trust: TrustFacts | undefined): CustodyPolicy {
  if (!trust) return policy;
  return { ...policy, teams: policy.teams.map(team => withDelegation(team, trust.teams.get(team.name))) };
}

function withDelegation(team: Team, trust: TeamTrust | undefined): Team {
  const delegated = new Set((trust?.keys ?? []).map(({ key }) => key.keyid));
  const named = new Set(team.signers.flatMap(keysOf).map(({ keyid }) => keyid));
  const labelled = new Map<string, PublicKey[]>();
  for (const { key, label } of trust?.keys ?? []) {
    if (label === undefined || label === '' || named.has(key.keyid)) continue;
    labelled.set(label, [...(labelled.get(label) ?? []), key]);
  }
  const signers = team.signers.map(signer => {
    const own = labelled.get(signer.name) ?? [];
    labelled.delete(signer.name);
    return {
      ...signer,
      keys: [...signer.keys.filter(({ keyid }) => delegated.has(keyid)), ...own],
      retired: [...(signer.retired ?? []), ...signer.keys.filter(({ keyid }) => !delegated.has(keyid))],
    };
  });
  return { ...team, signers: [...signers, ...[...labelled].map(([name, keys]) => ({ name, keys }))] };
}

function keysOf({ keys, retired = [], revoked = [] }: TeamSigner): readonly PublicKey[] {
  return [...keys, ...retired, ...revoked];
}

/** What the team's metadata says of a claim. Where it says both, taken back is what counts. */
export function findListed(
  trust: TrustFacts | undefined,
  { team, manifest, claim }: { readonly team: string; readonly manifest: Digest; readonly claim: Digest },
): ListedClaim | undefined {
  const listed = listedFor(trust, team, manifest).filter(entry => entry.claim === claim);
  return listed.find(({ status }) => status === 'withdrawn') ?? listed[0];
}

/** Everything that a team's metadata says of claims about this manifest. */
export function listedFor(
  trust: TrustFacts | undefined,
  team: string,
  manifest: Digest,
): readonly ListedClaim[] {
  return trust?.teams.get(team)?.claims.get(manifest) ?? [];
}
