import { fail } from '../base/errors.js';
import { atLevel, type CustodyPolicy, type CustodyVerdict, sayFinding } from '../custody/index.js';
import {
  applyLayer,
  createTree,
  type LayerIndex,
  openIndexCache,
  openTreeCache,
  type Tree,
} from '../layers/index.js';
import type { StoreAccess } from '../oci/open.js';
import { parseReference } from '../oci/reference.js';
import type { Store } from '../oci/store.js';
import { isLikelyDatabase, type PackageHistory, traceDatabases } from '../packages/index.js';
import { type BlamedLayer, reportLayer } from './blame-report.js';
import { tryParse } from './custody-target.js';
import { ignoreFileFault, loadLayerIndexes, type SignedLayer } from './image-content.js';
import { loadPackages } from './image-packages.js';
import { judgeImage } from './judge-custody.js';
import { KeptLayers } from './kept-layers.js';
import { type ShownImage, type ShowOptions, withShown } from './show-custody.js';

export interface OpenOptions extends ShowOptions {
  readonly policy: CustodyPolicy;
  readonly now: Date;
  /** The image as this step handed it on. */
  readonly at?: string | undefined;
  /** Also an image that only lacks approvals: whose its layers are holds without them. */
  readonly unapproved?: boolean;
  /** Called before layers are read; what it throws ends the work. */
  readonly admit?: (image: AdmittedImage) => void;
  /** Also an image that other teams have yet to build on, or to approve: whose its layers are holds without them. */
  readonly unfinished?: boolean | undefined;
  /** Where indexes of layers are kept; it may be deleted at any time. */
  readonly cacheFolder: string;
  /** What was read before in the same command. */
  readonly kept?: KeptLayers;
  readonly signal?: AbortSignal;
  /** Bytes of layers that have been read, of those that will be. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What is known of an image before its layers are read. */
export type AdmittedImage = Omit<OpenedLayers, 'indexes'>;

/** An image whose chain of custody holds, with the entries of its layers. */
export interface OpenedLayers extends Pick<ShownImage, 'pinned' | 'through'> {
  /** It is `pass`, or, where that was asked for, lacks only approvals. */
  readonly verdict: CustodyVerdict;
  /** Whose each layer is, base first; with `at` only those that the step's image had. */
  readonly layers: readonly BlamedLayer[];
  /** One for each of `layers`. */
  readonly indexes: readonly LayerIndex[];
  /** As its manifest names it. */
  readonly config: Uint8Array;
}

/** {@link OpenedLayers}, and the files that the layers make when one is put on the other. */
export interface OpenedContents extends OpenedLayers {
  readonly tree: Tree;
}

/** {@link OpenedContents}, and its packages. */
export interface OpenedPackages extends OpenedContents {
  readonly packages: PackageHistory;
}

/** As {@link openContents}, with the packages that the databases of package managers list; throws as `loadPackages` does. */
export function openPackages(
  access: StoreAccess,
  reference: string,
  options: OpenOptions,
): Promise<OpenedPackages> {
  const kept = options.kept ?? new KeptLayers(openIndexCache(options.cacheFolder), isLikelyDatabase);
  return openWith(access, reference, { ...options, kept }, async (opened, store, layers) => {
    const traced = traceDatabases(opened.indexes);
    const packages = await loadPackages(store, layers, traced, kept, options.signal);
    return { ...opened, tree: traced.tree, packages };
  });
}

/**
 * Opens one image down to its files. The teams' marks say whose each layer is and what it unpacks to, and every layer that is
 * read is held to that. Without a chain that holds there is no answer.
 * @throws TouchmarkError the verdict's code when custody does not hold; `usage-argument` for a step that is not there; why a
 *   layer cannot be read or is refused; what the store throws
 */
export async function openContents(
  access: StoreAccess,
  reference: string,
  options: OpenOptions,
): Promise<OpenedContents> {
  const opened = await openLayers(access, reference, options);
  const cache = openTreeCache(options.cacheFolder);
  const diffIDs = opened.layers.map(({ diffID }) => diffID);
  const known = await cache.load(diffIDs, opened.indexes).catch(ignoreFileFault);
  if (known) return { ...opened, tree: known };
  const tree = stackLayers(opened.indexes);
  await cache.save(diffIDs, tree).catch(ignoreFileFault);
  return { ...opened, tree };
}

/** As {@link openContents}, without putting the layers on one another. */
export async function openLayers(
  access: StoreAccess,
  reference: string,
  options: OpenOptions,
): Promise<OpenedLayers> {
  return openWith(access, reference, options, async opened => opened);
}

/**
 * As {@link openContents}, for what more is to be read.
 * @param use called while the image is open
 */
export async function openWith<T>(
  access: StoreAccess,
  reference: string,
  options: OpenOptions,
  use: (opened: OpenedLayers, store: Store, layers: readonly SignedLayer[]) => Promise<T>,
): Promise<T> {
  const { policy, now, repository, signal, onProgress } = options;
  return withShown(access, reference, options, async (store, target, { pinned, through }) => {
    const tagGiven = parseReference(reference).digest === undefined && store.namesRepository;
    // Every layer is held to its diffID below: that is more than what the policy could ask of its bytes. What a finished image
    // must be says nothing about whose its files are.
    const { verdict, config } = await judgeImage(store, target, tagGiven, {
      policy: { ...atLevel(policy, 'manifest'), metadata: undefined, predicates: [] },
      unfinished: options.unfinished,
      level: 'manifest',
      now,
      ...(repository !== undefined && { repository }),
      ...(signal && { signal }),
    });
    const manifest = tryParse(target.raw);
    const holds = verdict.verdict === 'pass' || (options.unapproved === true && lacksOnlyApprovals(verdict));
    if (!holds || manifest?.kind !== 'image') refuse(verdict, pinned);
    const owned = verdict.layers.slice(0, countLayers(verdict, options.at));
    const signed = owned.flatMap(({ index, diffID }) => {
      const descriptor = manifest.layers[index];
      return descriptor ? [{ index, descriptor, diffID }] : [];
    });
    const layers = owned.map(layer => reportLayer(layer, verdict.chain));
    const image = { pinned, through, verdict, layers, config };
    options.admit?.(image);
    const indexes = await loadLayerIndexes(store, signed, {
      cache: options.kept ?? openIndexCache(options.cacheFolder),
      kept: options.kept,
      signal,
      onProgress,
    });
    return use({ ...image, indexes }, store, signed);
  });
}

/** @throws TouchmarkError why a layer cannot be put on those below it */
export function stackLayers(indexes: readonly LayerIndex[]): Tree {
  const tree = createTree();
  for (const index of indexes) applyLayer(tree, index);
  return tree;
}

function lacksOnlyApprovals({ findings, layers }: CustodyVerdict): boolean {
  const against = findings.filter(({ severity }) => severity !== 'warning');
  return (
    layers.length > 0 &&
    against.length > 0 &&
    against.every(({ severity, where }) => severity === 'fail' && where.startsWith('approval '))
  );
}

function refuse(verdict: CustodyVerdict, pinned: string): never {
  const [first] = verdict.findings;
  const why = first ? sayFinding(first) : 'it is no image';
  return fail(verdict.code ?? 'manifest-unsupported', `whose the files are cannot be said: ${why}`, {
    hint: 'touchmark custody verify says what is wrong with its chain of custody',
    details: { image: pinned },
  });
}

function countLayers({ chain, layers }: CustodyVerdict, step: string | undefined): number {
  if (step === undefined) return layers.length;
  const last = chain.findLast(entry => entry.step === step);
  if (last) return last.span.to;
  return fail('usage-argument', `the image has no step ${JSON.stringify(step)}`, {
    hint: `its steps are: ${[...new Set(chain.map(entry => entry.step))].join(', ')}`,
  });
}
