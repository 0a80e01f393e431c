import type { EntryPath } from './entry-path.js';
import type { LayerEntry } from './layer-index.js';
import type { NodeKind } from './tree.js';

/** How a path was hidden: by a whiteout of its own or of a folder above, by an opaque folder, by something else in a folder's place. */
export type DeletedHow = 'explicit' | 'opaque' | 'replaced';

/** Whose something is: the layers that its name, its bytes and its metadata come from. */
export interface Owners {
  /** The layer that last made the name. */
  readonly path: number;
  /** The layer whose bytes, link target or device numbers are seen. */
  readonly content: number;
  /** The layer that last set mode, owner or extended attributes. */
  readonly meta: number;
}

interface Operated {
  /** Index of the layer that does it. */
  readonly layer: number;
  /** Where it happens, symbolic links on the way followed. */
  readonly path: EntryPath;
  /** As the layer has it; the same as `path` unless a link was followed. For what is hidden with a folder: as `path`. */
  readonly literal: EntryPath;
  /** The first symbolic link that was followed on the way. */
  readonly through: EntryPath | undefined;
}

/** What a layer does to one path (CUSTODY.md 7.3). */
export type Operation = Operated &
  (
    | {
        /** `noop`: all as it was; `metadata`: the bytes are as they were. */
        readonly kind: 'add' | 'modify' | 'metadata' | 'noop';
        readonly entry: LayerEntry;
        /** Of what was there; undefined for `add`. */
        readonly previous: Owners | undefined;
      }
    | {
        /** Another name for a file of a layer below. */
        readonly kind: 'link';
        readonly entry: LayerEntry;
        readonly target: EntryPath;
        /** Links followed on the way to the target. */
        readonly targetThrough: EntryPath | undefined;
        readonly targetOwners: Owners;
        readonly previous: Owners | undefined;
      }
    | { readonly kind: 'delete'; readonly how: DeletedHow; readonly previous: Owners }
    /** A folder that no entry names. */
    | { readonly kind: 'implied-dir' }
    /** A whiteout, or an opaque mark, of what is not there. It would hide something after a rebase. */
    | { readonly kind: 'dangling'; readonly how: 'explicit' | 'opaque' }
  );

export type OperationKind = Operation['kind'];

/** A name that is gone, and who took it away. */
export interface Tombstone {
  readonly path: EntryPath;
  /** The layer that hid it. */
  readonly layer: number;
  readonly how: DeletedHow;
  readonly was: Version;
}

/** What a path was before something else came in its place. */
export interface Version extends Owners {
  readonly kind: NodeKind;
  /** Where in the index of `content` and of `meta` it is described; -1 for a folder that no entry named. */
  readonly contentAt: number;
  readonly metaAt: number;
  /** What it had been before that, oldest first. */
  readonly history: readonly Version[];
}
