import type { ReasonCode } from '../base/codes.js';
import type { Digest } from '../base/digest.js';

/** Only `verified` is a yes. `indeterminate`: it could not be decided. `unverified`: no policy was given. */
export type LineageState = 'verified' | 'failed' | 'indeterminate' | 'unverified';

/** One image that was asked about, as it was found: the images that it went through, scratch first. */
export interface Lineage {
  /** As given. */
  readonly reference: string;
  /** The reference by digest. */
  readonly pinned: string;
  /** The index that the image was reached through. */
  readonly through: Digest | null;
  readonly state: LineageState;
  /** Why it is not verified; null without a policy. */
  readonly code: ReasonCode | null;
  /** Digests of the uncompressed layers, as the config lists them. */
  readonly diffIDs: readonly Digest[];
  /** In bytes, as they are stored; null when the manifest lists another number of layers than the config. */
  readonly sizes: readonly number[] | null;
  /** Layers that a team stands for, where the chain holds. */
  readonly spans: readonly OwnedSpan[];
  /** Fewest layers first; the last one is the image itself. */
  readonly stages: readonly Stage[];
  /** A base that the image names and that has no place in the tree. */
  readonly namedBase: NamedBase | null;
}

export interface OwnedSpan {
  readonly from: number;
  readonly to: number;
  readonly team: string;
  readonly step: string;
}

/** An image on the way: the layers up to `depth` as somebody handed them on. */
export interface Stage {
  readonly manifest: Digest;
  /** The index that the next one took it through. */
  readonly index: Digest | null;
  /** `registry/path`; null where none is known. */
  readonly repository: string | null;
  readonly platform: string | null;
  /** Number of layers. */
  readonly depth: number;
  /** `proven` by a chain that holds; `asked` for by the user; `self-asserted`: an annotation says so, and the layers agree. */
  readonly basis: 'proven' | 'asked' | 'self-asserted';
  readonly mark: StageMark | null;
  /** As the config says it, and nobody else. */
  readonly created: string | null;
  /** Names under which it was taken. */
  readonly names: readonly StageName[];
  /** The TUF channel that the policy holds this step to. */
  readonly channel: string | null;
}

export interface StageMark {
  readonly claim: Digest;
  readonly kind: string;
  readonly team: string;
  readonly step: string;
  readonly signers: readonly string[];
  /** RFC 3339, as the claim says it. */
  readonly time: string;
}

export interface StageName {
  /** `registry/path:tag`, or `oci:DIR:TAG`. */
  readonly name: string;
  /** Who calls it so: the command line, the annotation of the next image, the claim that adopted it. */
  readonly from: 'asked' | 'annotation' | 'claim';
}

export interface NamedBase {
  readonly name: string | null;
  readonly digest: Digest | null;
  /** Why it has no place: it could not be read, or the layers are not its. */
  readonly why: string;
  readonly code: ReasonCode;
}

/** What a name means today. */
export type Lookup =
  | {
      readonly kind: 'found';
      /** `tuf`: by the newest signed metadata; `store`: as the registry or folder answers. */
      readonly by: 'tuf' | 'store';
      readonly digest: Digest;
      /** The images of the index, when it is one; null: it could not be read. */
      readonly children: readonly Digest[] | null;
    }
  | { readonly kind: 'unknown'; readonly code: ReasonCode | null; readonly why: string };

/** What was found out about names and channels, asked once each. */
export interface Lookups {
  readonly names: ReadonlyMap<string, Lookup>;
  /** Releases of a channel, newest first, each by its digests; absent: TUF has no such channel, or was not asked. */
  readonly channels: ReadonlyMap<string, readonly (readonly Digest[])[]>;
}
