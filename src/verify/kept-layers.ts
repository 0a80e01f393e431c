import type { Digest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import type { EntryPath, IndexCache, LayerIndex } from '../layers/index.js';

export type LayerFiles = ReadonlyMap<EntryPath, Uint8Array>;

/**
 * What was read of layers, for the time of one command: images that are compared share most of their layers, and each is read
 * once. Everything is known by diffID, and only what unpacks to that is put in.
 */
export class KeptLayers implements IndexCache {
  readonly #cache: IndexCache;
  readonly #indexes = new Map<Digest, LayerIndex>();
  readonly #files = new Map<Digest, LayerFiles>();
  #size = 0;

  /**
   * @param cache where indexes lie between two commands
   * @param likely files that will be asked for, by the path of their entry: they are kept when a layer is read anyway
   */
  constructor(
    cache: IndexCache,
    readonly likely?: (path: EntryPath) => boolean,
  ) {
    this.#cache = cache;
  }

  async load(diffID: Digest): Promise<LayerIndex | undefined> {
    const index = this.#indexes.get(diffID) ?? (await this.#cache.load(diffID));
    if (index) this.#indexes.set(diffID, index);
    return index;
  }

  async save(diffID: Digest, index: LayerIndex): Promise<void> {
    this.#indexes.set(diffID, index);
    await this.#cache.save(diffID, index);
  }

  filesOf(diffID: Digest): LayerFiles | undefined {
    return this.#files.get(diffID);
  }

  /** @throws TouchmarkError `limit-exceeded` when all that is kept is too much */
  keepFiles(diffID: Digest, files: LayerFiles): void {
    const known = this.#files.get(diffID);
    for (const [path, { length }] of files) if (!known?.has(path)) this.#size += length;
    if (this.#size > LIMITS.capturedImage) {
      const limit = LIMITS.capturedImage;
      fail('limit-exceeded', `the package databases of the image have more than ${limit} bytes`, {
        details: { limit },
      });
    }
    this.#files.set(diffID, new Map([...(known ?? []), ...files]));
  }
}
