import type { Digest } from '../base/digest.js';
import type { ChainEntry, CustodyVerdict } from '../custody/index.js';
import {
  type Blame,
  type BlameState,
  type Collision,
  type DeletedPath,
  ENTRY,
  pathText,
} from '../layers/index.js';
import type { TeamSummary } from './blame-summary.js';

/** Who put which file into an image, as machines read it. Fields are only ever added; lists of words may grow. */
export interface BlameReport {
  readonly reference: string;
  /** The reference by digest: what the answer is about. */
  readonly pinned: string;
  readonly through: Digest | null;
  readonly policy: CustodyVerdict['policy'];
  /** Always `content`: the layers' own entries, tied by the teams' marks to the image. Below that nothing is said. */
  readonly level: 'content';
  /** Base first; those that the step asked about had. */
  readonly layers: readonly BlamedLayer[];
  /** Empty when what is gone was asked for. */
  readonly paths: readonly BlamedPath[];
  readonly deleted: readonly GonePath[];
  /** By team; empty unless it was asked for. */
  readonly summary: readonly TeamSummary[];
  /** Names that file systems which ignore case, or how Unicode composes letters, take for one. Null: not looked for. */
  readonly collisions: readonly CollidingNames[] | null;
}

export interface CollidingNames {
  /** Absolute; of one folder. */
  readonly paths: readonly string[];
  /** Of each, the layer that made the name. */
  readonly layers: readonly number[];
}

export interface BlamedLayer {
  readonly index: number;
  readonly team: string;
  readonly step: string;
  /** The team vouches for the layer and did not build it. */
  readonly adopted: boolean;
  readonly signers: readonly string[];
  /** As the claim says it. */
  readonly time: string;
  readonly claim: Digest;
  readonly digest: Digest;
  readonly diffID: Digest;
}

/** Layers are given by index; null: none, a folder that stands in no layer. */
export interface PathState {
  readonly kind: string;
  /** Whose bytes, link target or device numbers they are. */
  readonly content: number | null;
  /** Who last set mode, owner or attributes. */
  readonly metadata: number | null;
  /** Who last made the name. */
  readonly name: number | null;
  /** Four octal digits. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly digest: string | null;
  /** Of a link or device. */
  readonly target: string | null;
}

export interface BlamedPath extends PathState {
  /** Absolute. A byte that is not UTF-8 is half of a surrogate pair, U+DC80 to U+DCFF. */
  readonly path: string;
  /** The layer that last wrote it again as it was. */
  readonly touched: number | null;
  /** What it was before, oldest first. */
  readonly history: readonly PathState[];
  /** The times that it was gone in between. */
  readonly deletions: readonly GonePath[];
}

export interface GonePath {
  readonly path: string;
  /** The layer that took it away. */
  readonly deletedBy: number;
  /** `explicit`, `opaque` or `replaced`. */
  readonly how: string;
  readonly was: PathState;
  readonly history: readonly PathState[];
}

const KINDS: Readonly<Record<BlameState['kind'], string>> = {
  [ENTRY.file]: 'file',
  [ENTRY.symlink]: 'symlink',
  [ENTRY.char]: 'char-device',
  [ENTRY.block]: 'block-device',
  [ENTRY.dir]: 'folder',
  [ENTRY.fifo]: 'pipe',
};

export function reportBlame({ path, touched, history, deletions, ...state }: Blame): BlamedPath {
  return {
    path: `/${pathText(path)}`,
    ...reportState(state),
    touched: touched ?? null,
    history: history.map(reportState),
    deletions: deletions.map(reportDeletion),
  };
}

export function reportDeletion({ path, layer, how, was, history }: DeletedPath): GonePath {
  const before = { was: reportState(was), history: history.map(reportState) };
  return { path: `/${pathText(path)}`, deletedBy: layer, how, ...before };
}

export function reportCollision({ paths, layers }: Collision): CollidingNames {
  return { paths: paths.map(path => `/${pathText(path)}`), layers };
}

export function reportState({ kind, owners, mode, uid, gid, size, digest, link }: BlameState): PathState {
  const layer = (index: number): number | null => (index < 0 ? null : index);
  return {
    kind: KINDS[kind],
    content: layer(owners.content),
    metadata: layer(owners.meta),
    name: layer(owners.path),
    mode: mode.toString(8).padStart(4, '0'),
    ...{ uid, gid, size },
    digest: digest === undefined ? null : `sha256:${digest}`,
    target: link === '' ? null : pathText(link),
  };
}

/** @param chain of the verdict; the layer lies in the span of one of its entries */
export function reportLayer(
  { index, team, step, adopted, digest, diffID }: CustodyVerdict['layers'][number],
  chain: readonly ChainEntry[],
): BlamedLayer {
  const owner = chain.find(({ span }) => index >= span.from && index < span.to);
  const { signers = [], time = '', claim = digest } = owner ?? {};
  return { index, team, step, adopted, signers, time, claim, digest, diffID };
}
