import { fail } from '../base/errors.js';
import type { JsonObject } from '../base/json.js';
import { LIMITS } from '../base/limits.js';
import { type CustodyVerdict, readConfigDocument } from '../custody/index.js';
import type { LayerIndex, Tree } from '../layers/index.js';
import { parseConfig } from '../oci/config.js';
import { parseManifest } from '../oci/manifest.js';
import type { StoreAccess } from '../oci/open.js';
import type { Store } from '../oci/store.js';
import { type PackageHistory, traceDatabases } from '../packages/index.js';
import type { DiffedImage } from './diff-report.js';
import { loadLayerIndexes, type SignedLayer } from './image-content.js';
import { loadPackages } from './image-packages.js';
import type { KeptLayers } from './kept-layers.js';
import { type OpenOptions, openWith, stackLayers } from './open-contents.js';
import { withShown } from './show-custody.js';
import { loadStepConfigs, type StepConfig } from './step-configs.js';

/** One of two images that are compared. */
export interface DiffSide extends DiffedImage {
  readonly tree: Tree;
  /** Undefined: not asked for. */
  readonly packages: PackageHistory | undefined;
  readonly config: JsonObject;
  /** The configs of the steps, base first; empty where nothing is proven. */
  readonly steps: readonly StepConfig[];
  /** Null where nothing is proven. */
  readonly policy: CustodyVerdict['policy'] | null;
}

export interface SideOptions extends Omit<OpenOptions, 'policy' | 'kept'> {
  readonly kept: KeptLayers;
  readonly packages: boolean;
}

/** An image whose chain of custody holds, finished or not; throws as `openContents` and `loadPackages` do. */
export function openProven(
  access: StoreAccess,
  reference: string,
  options: SideOptions & Pick<OpenOptions, 'policy'>,
): Promise<DiffSide> {
  return openWith(access, reference, { ...options, unfinished: true }, async (opened, store, signed) => {
    const { pinned, through, verdict, layers, indexes, config } = opened;
    return {
      ...{ reference, pinned, through, policy: verdict.policy },
      layers: layers.map(({ index, team, step, digest, diffID }) => ({ index, team, step, digest, diffID })),
      ...(await readContents(store, signed, indexes, options)),
      config: readConfigDocument(config),
      steps: await loadStepConfigs(store, verdict, config),
    };
  });
}

/**
 * Any image, signed or not: what its own config says that its layers unpack to is all that they are held to.
 * @throws TouchmarkError `format-config`, `format-manifest`; why a layer cannot be read or is refused; what the store throws
 */
export function openUnproven(
  access: StoreAccess,
  reference: string,
  options: SideOptions,
): Promise<DiffSide> {
  const { kept, signal, onProgress } = options;
  return withShown(access, reference, options, async (store, { raw }, { pinned, through }) => {
    const manifest = parseManifest(raw);
    if (manifest.kind !== 'image') return fail('manifest-unsupported', `${pinned} is no image`);
    const bytes = await store.fetchBlob(manifest.config, LIMITS.configSize);
    const { diffIDs } = parseConfig(bytes);
    if (diffIDs.length !== manifest.layers.length) {
      const message = `the config of ${pinned} lists ${diffIDs.length} layers, the manifest ${manifest.layers.length}`;
      fail('format-config', message);
    }
    const layers = manifest.layers.flatMap((descriptor, index) => {
      const diffID = diffIDs[index];
      return diffID ? [{ index, descriptor, diffID }] : [];
    });
    const indexes = await loadLayerIndexes(store, layers, { cache: kept, kept, signal, onProgress });
    return {
      ...{ reference, pinned, through, policy: null, steps: [], config: readConfigDocument(bytes) },
      layers: layers.map(({ index, descriptor: { digest }, diffID }) => ({
        ...{ index, team: null, step: null, digest, diffID },
      })),
      ...(await readContents(store, layers, indexes, options)),
    };
  });
}

async function readContents(
  store: Store,
  layers: readonly SignedLayer[],
  indexes: readonly LayerIndex[],
  { packages, kept, signal }: SideOptions,
): Promise<Pick<DiffSide, 'tree' | 'packages'>> {
  if (!packages) return { tree: stackLayers(indexes), packages: undefined };
  const traced = traceDatabases(indexes);
  return { tree: traced.tree, packages: await loadPackages(store, layers, traced, kept, signal) };
}
