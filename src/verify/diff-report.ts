import type { Digest } from '../base/digest.js';
import type { CustodyVerdict } from '../custody/index.js';
import type { Package } from '../packages/index.js';
import type { PathState } from './blame-report.js';

/** What differs between two images, and who answers for it, as machines read it. Fields are only ever added. */
export interface DiffReport {
  readonly before: DiffedImage;
  readonly after: DiffedImage;
  /**
   * Both chains of custody hold under the policy as far as they go: teams are known. Steps to come, approvals and what a finished
   * image must be are not asked for. False: there are layers and no teams, and nothing is proven.
   */
  readonly proven: boolean;
  readonly policy: CustodyVerdict['policy'] | null;
  /** Layers, from the base up, that both have. */
  readonly sharedLayers: number;
  /** Whether anything differs that was looked for. */
  readonly differs: boolean;
  /** By team. Null is nobody: what no layer of the second image did, or whose teams are not known. */
  readonly summary: readonly DiffTally[];
  /** These three are empty where they were not looked for, or where numbers alone were asked for. */
  readonly files: readonly DiffedPath[];
  readonly config: readonly DiffedKey[];
  readonly packages: readonly DiffedPackage[];
}

export interface DiffedImage {
  readonly reference: string;
  /** The reference by digest: what the answer is about. */
  readonly pinned: string;
  readonly through: Digest | null;
  /** Base first. */
  readonly layers: readonly DiffedLayer[];
}

/** Team and step are null where nothing is proven. */
export interface DiffedLayer {
  readonly index: number;
  readonly team: string | null;
  readonly step: string | null;
  readonly digest: Digest;
  readonly diffID: Digest;
}

interface Attributed {
  readonly change: 'added' | 'removed' | 'changed';
  /** Of the second image: the layer that added, changed or removed it; null when none did. */
  readonly layer: number | null;
  /** Whose that layer is. */
  readonly team: string | null;
  /** Whose it was in the first image; null for what was not there. */
  readonly formerTeam: string | null;
}

export interface DiffedPath extends Attributed {
  readonly path: string;
  /** `type`, `content`, `mode`, `owner`, `attributes`; empty for what is in one image only. */
  readonly aspects: readonly string[];
  /** `explicit`, `opaque` or `replaced`; null when it is there, or never was in any layer of the second image. */
  readonly how: string | null;
  readonly before: PathState | null;
  readonly after: PathState | null;
}

/** A key of the image config: `Env`, `Entrypoint`; `/author` for members outside `config`. */
export interface DiffedKey {
  readonly key: string;
  /** The variable, label, port or volume; null for keys that hold one value. */
  readonly member: string | null;
  readonly change: 'added' | 'removed' | 'changed';
  readonly before: string | null;
  readonly after: string | null;
  /** The step of the second image that set it last, and its team; null where that is not known. */
  readonly step: string | null;
  readonly team: string | null;
}

export interface DiffedPackage extends Attributed {
  readonly ecosystem: Package['ecosystem'];
  readonly name: string;
  readonly before: PackageVersion | null;
  readonly after: PackageVersion | null;
}

export interface PackageVersion {
  readonly version: string;
  readonly architecture: string;
  readonly source: { readonly name: string; readonly version: string } | null;
  /** Of its image: the layer that this version came in with. */
  readonly layer: number;
}

export interface DiffTally {
  readonly team: string | null;
  /** Paths: added, removed, with another type or other bytes, with other metadata alone. */
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  readonly metadata: number;
  readonly config: number;
  readonly packages: number;
}
