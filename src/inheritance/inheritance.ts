import type { ReasonCode } from '../base/codes.js';
import type { Digest } from '../base/digest.js';
import type { ChainPoint } from '../custody/index.js';
import type { Severity } from '../scans/index.js';
import type { LineageState, NamedBase, Stage, StageMark } from './lineage.js';

/**
 * The images that were asked about as one tree. Plain data; as JSON it is the document of `tree --inheritance`, so fields are
 * only ever added.
 */
export interface Inheritance {
  /** Null: nothing was verified. */
  readonly policy: { readonly name: string; readonly version: number; readonly digest: Digest } | null;
  /** Images that have a place in the tree, and those that have none, in the order in which they were asked for. */
  readonly images: readonly AskedImage[];
  /** Scratch. */
  readonly root: InheritanceNode;
}

export interface AskedImage {
  readonly reference: string;
  readonly pinned: string | null;
  readonly digest: Digest | null;
  readonly through: Digest | null;
  readonly state: LineageState;
  readonly code: ReasonCode | null;
  readonly message: string | null;
  /** Null: no report was given that is about it. */
  readonly scan: ImageScan | null;
}

/** What reports of scanners find in an image. */
export interface ImageScan {
  readonly reports: number;
  /** Each once, however many reports have it. */
  readonly findings: number;
  /** Those of them that belong to no layer, as far as is known. */
  readonly unattributed: number;
}

/** Findings in some layers, each once. */
export interface LayerFindings {
  readonly total: number;
  readonly bySeverity: Readonly<Record<Severity, number>>;
}

/** One stack of layers: where images meet, where one was handed on, or where one ends. */
export interface InheritanceNode {
  /** Number of layers from scratch up. */
  readonly depth: number;
  readonly chainID: ChainPoint;
  /** What lies between the node below and this one. */
  readonly adds: {
    readonly layers: number;
    /** As they are stored; null: not known. */
    readonly bytes: number | null;
  };
  /** Who stands for these layers by a chain that holds; none where nobody does. */
  readonly owners: readonly { readonly team: string; readonly step: string }[];
  /** In the layers that it adds; null: no image that was scanned goes through here. */
  readonly findings: LayerFindings | null;
  /** Images with exactly these layers; empty where images only part. */
  readonly images: readonly NodeImage[];
  readonly children: readonly InheritanceNode[];
}

export interface NodeImage {
  readonly manifest: Digest;
  readonly repository: string | null;
  readonly platform: string | null;
  readonly basis: Stage['basis'];
  /** References of the command line that are this image. */
  readonly asked: readonly string[];
  /** Of an image that was asked for; null for one on the way. */
  readonly state: LineageState | null;
  readonly code: ReasonCode | null;
  /** By chains that hold. Ages in whole seconds; null for a time that is none. */
  readonly marks: readonly (StageMark & { readonly age: number | null })[];
  /** As the config says it, and nobody else. */
  readonly created: { readonly time: string; readonly age: number | null } | null;
  readonly currency: Currency;
  /** A base that it names and that has no place in the tree. */
  readonly namedBase: (NamedBase & { readonly currency: Currency }) | null;
}

/** Whether the names under which an image was taken still lead to it. Anything but `current` is no yes. */
export interface Currency {
  readonly state: 'current' | 'behind' | 'unknown';
  readonly names: readonly NameCurrency[];
}

export interface NameCurrency {
  /** `registry/path:tag`, or the name of a channel. */
  readonly name: string;
  readonly kind: 'tag' | 'channel';
  /** Who calls the image so; a channel is called so by the policy. */
  readonly from: 'asked' | 'annotation' | 'claim' | 'policy';
  readonly state: Currency['state'];
  /** `tuf` or `store`; null when nobody could be asked. */
  readonly by: 'tuf' | 'store' | null;
  /** What it leads to today. */
  readonly now: Digest | null;
  /** Releases of a channel that are newer; null: not counted. */
  readonly behind: number | null;
  readonly code: ReasonCode | null;
  /** Why it is not known. */
  readonly why: string | null;
}
