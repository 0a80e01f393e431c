import { TouchmarkError } from '../../base/errors.js';
import type { NotaryFiles } from './collect.js';
import { type NotaryKey, openNotaryKey } from './keys.js';
import { parseNotaryRoot, parseNotarySnapshot, parseNotaryTimestamp } from './parse.js';
import { countValid } from './rules.js';
import { listTags, type NotaryRole, readTree } from './tree.js';
import type { NotaryVerdict } from './verify.js';

/** Everything that a repository's trust data says, for people and for JSON. */
export interface NotaryDescription {
  readonly repository: string;
  readonly tags: readonly {
    readonly tag: string;
    /** Null when no hash is listed that registries know. */
    readonly digest: string | null;
    readonly size: number;
    /** The role whose word counts when the tag is pulled; null when only signers list it. */
    readonly released: string | null;
    readonly signers: readonly string[];
  }[];
  readonly roles: readonly RoleDescription[];
}

export interface RoleDescription {
  readonly name: string;
  /** Null, as `expires`, when nothing was published for it. */
  readonly version: number | null;
  readonly expires: string | null;
  readonly threshold: number;
  readonly keys: readonly KeyDescription[];
  /** Of {@link keys}, those with a signature that verifies. */
  readonly signedBy: readonly string[];
  /** Prefixes of the tags it may list; null for a role that lists none. */
  readonly prefixes: readonly string[] | null;
}

export interface KeyDescription {
  /** As the metadata names it. */
  readonly keyid: string;
  /** As `docker trust inspect` and files of private keys name it; null when the key cannot be used. */
  readonly id: string | null;
  readonly kind: string | null;
  readonly certificate: {
    readonly commonName: string;
    readonly fingerprint: string;
    readonly expires: string;
  } | null;
  /** Why it verifies nothing. */
  readonly problem: string | null;
}

/**
 * Shows what is there; judges nothing.
 * @throws TouchmarkError `tuf-format` when root or a role cannot be read
 */
export function describeNotary(files: NotaryFiles): NotaryDescription {
  return describeRoles(files, readTree(files));
}

/** The same of what was proven, and of nothing else. */
export function describeProven(files: NotaryFiles, verdict: NotaryVerdict): NotaryDescription {
  const { root, snapshot, timestamp, roles } = verdict;
  const metadata = new Map(files.metadata);
  if (snapshot === undefined) metadata.delete('snapshot');
  if (timestamp === undefined) metadata.delete('timestamp');
  return describeRoles({ ...files, roots: root ? [root.envelope.bytes] : [], metadata }, roles);
}

function describeRoles(files: NotaryFiles, roles: readonly NotaryRole[]): NotaryDescription {
  return {
    repository: files.gun,
    tags: listTags(roles).map(({ tag, digest, file, released, signers }) => ({
      tag,
      digest: digest ?? null,
      size: file.length,
      released: released ?? null,
      signers,
    })),
    roles: [...describeTop(files), ...roles.map(describeRole)],
  };
}

function describeTop(files: NotaryFiles): readonly RoleDescription[] {
  const newest = files.roots.at(-1);
  if (newest === undefined) return [];
  const root = parseNotaryRoot(newest, 'root.json');
  const { keys, roles } = root.payload;
  const [snapshot, timestamp] = [files.metadata.get('snapshot'), files.metadata.get('timestamp')];
  const read = {
    root,
    snapshot: snapshot && parseNotarySnapshot(snapshot, 'snapshot.json'),
    timestamp: timestamp && parseNotaryTimestamp(timestamp, 'timestamp.json'),
  };
  return (['root', 'snapshot', 'timestamp'] as const).flatMap(name => {
    const metadata = read[name];
    if (metadata === undefined) return [];
    const by = roles.get(name) ?? { keyids: [], threshold: 1 };
    return {
      name,
      version: metadata.payload.version,
      expires: metadata.payload.expires.toISOString(),
      threshold: by.threshold,
      keys: by.keyids.map(keyid => describeKey(keyid, keys)),
      signedBy: countValid(metadata, keys, by).keyids,
      prefixes: null,
    };
  });
}

function describeRole({ name, keys, by, prefixes, metadata, signedBy }: NotaryRole): RoleDescription {
  return {
    name,
    version: metadata?.payload.version ?? null,
    expires: metadata?.payload.expires.toISOString() ?? null,
    threshold: by.threshold,
    keys: by.keyids.map(keyid => describeKey(keyid, keys)),
    signedBy,
    prefixes,
  };
}

function describeKey(keyid: string, keys: ReadonlyMap<string, NotaryKey>): KeyDescription {
  const unusable = (problem: string) => ({ keyid, id: null, kind: null, certificate: null, problem });
  const key = keys.get(keyid);
  if (key === undefined) return unusable('no key is given for this keyid');
  try {
    const { canonicalKeyid, publicKey, certificate } = openNotaryKey(key);
    return {
      keyid,
      id: canonicalKeyid,
      kind: publicKey.kind,
      certificate: certificate
        ? {
            commonName: certificate.commonName,
            fingerprint: certificate.fingerprint,
            expires: certificate.notAfter.toISOString(),
          }
        : null,
      problem: null,
    };
  } catch (error) {
    if (!(error instanceof TouchmarkError)) throw error;
    return unusable(error.message);
  }
}
