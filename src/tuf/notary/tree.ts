import type { Digest } from '../../base/digest.js';
import type { RoleKeys } from '../metadata.js';
import type { NotaryFiles } from './collect.js';
import type { NotaryKey } from './keys.js';
import type { NotaryFile, NotaryMetadata, NotaryTargets } from './metadata.js';
import { parseNotaryRoot, parseNotaryTargets } from './parse.js';
import { countValid } from './rules.js';

/** `targets` or a role below it. */
export interface NotaryRole {
  readonly name: string;
  /** Keys of whoever delegates to it, and which of them speak for it. */
  readonly keys: ReadonlyMap<string, NotaryKey>;
  readonly by: RoleKeys;
  /** What it may list, cut down to what all above it may. */
  readonly prefixes: readonly string[];
  /** Undefined when nothing was ever published for it. */
  readonly metadata: NotaryMetadata<NotaryTargets> | undefined;
  /** Keyids with a signature that verifies. */
  readonly signedBy: readonly string[];
}

/** A tag as `docker trust inspect` shows it. */
export interface NotaryTag {
  readonly tag: string;
  readonly digest: Digest | undefined;
  readonly file: NotaryFile;
  /** The role whose word is taken when the tag is pulled; undefined when only signers list it. */
  readonly released: string | undefined;
  /** Delegated roles that list the same tag with the same digest, without `targets/`. */
  readonly signers: readonly string[];
}

/** Docker looks a tag up in these, in this order. */
export const RELEASING_ROLES = ['targets/releases', 'targets'] as const;

/**
 * The tags of these roles. Where releasing roles and signers disagree, a signer stands only at the digest that it lists; a
 * tag that nobody released has an entry for each digest that signers list.
 */
export function listTags(roles: readonly NotaryRole[]): readonly NotaryTag[] {
  const byName = new Map<string, { file: NotaryFile; role: string }[]>();
  for (const { name: role, metadata } of roles) {
    for (const [tag, file] of metadata?.payload.targets ?? []) {
      const list = byName.get(tag) ?? [];
      list.push({ file, role });
      byName.set(tag, list);
    }
  }
  const tags: NotaryTag[] = [];
  for (const tag of [...byName.keys()].sort()) {
    const entries = byName.get(tag) ?? [];
    const released = RELEASING_ROLES.flatMap(role => entries.filter(entry => entry.role === role))[0];
    const files = released === undefined ? distinct(entries.map(({ file }) => file)) : [released.file];
    for (const file of files) {
      const signers = entries
        .filter(entry => !RELEASING_ROLES.some(role => role === entry.role) && isSame(entry.file, file))
        .map(({ role }) => role.slice('targets/'.length));
      tags.push({ tag, digest: digestOf(file), file, released: released?.role, signers });
    }
  }
  return tags;
}

/** The digest of the manifest: of what is listed, the hash that registries know. */
export function digestOf({ hashes }: NotaryFile): Digest | undefined {
  const sha256 = hashes['sha256'];
  return sha256 !== undefined && /^[0-9a-f]{64}$/.test(sha256) ? (`sha256:${sha256}` as Digest) : undefined;
}

function isSame(a: NotaryFile, b: NotaryFile): boolean {
  return a.length === b.length && digestOf(a) !== undefined && digestOf(a) === digestOf(b);
}

function distinct(files: readonly NotaryFile[]): readonly NotaryFile[] {
  return files.filter((file, i) => !files.slice(0, i).some(earlier => isSame(earlier, file)));
}

/**
 * All roles that the files speak of, as they stand: nothing is checked. For showing what is there.
 * @throws TouchmarkError `tuf-format` when root or targets cannot be read
 */
export function readTree(files: NotaryFiles): readonly NotaryRole[] {
  const root = parseNotaryRoot(files.roots.at(-1) ?? new Uint8Array(), 'root.json').payload;
  const roles: NotaryRole[] = [];
  const visit = (
    name: string,
    keys: ReadonlyMap<string, NotaryKey>,
    by: RoleKeys,
    prefixes: readonly string[],
  ): void => {
    const bytes = files.metadata.get(name);
    const metadata = bytes && parseNotaryTargets(bytes, name, `${name}.json`);
    const signedBy = metadata ? countValid(metadata, keys, by).keyids : [];
    roles.push({ name, keys, by, prefixes, metadata, signedBy });
    for (const child of metadata?.payload.delegations ?? [])
      visit(child.name, metadata?.payload.keys ?? new Map(), child, child.prefixes);
  };
  const by = root.roles.get('targets') ?? { keyids: [], threshold: 1 };
  visit('targets', root.keys, by, ['']);
  return roles;
}
