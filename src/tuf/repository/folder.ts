import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LIMITS } from '../../base/limits.js';
import { asFileError, isMissing, syncFolder, writeFileDurably } from '../../files/safe-files.js';
import { metadataName } from '../names.js';
import { readFileUpTo } from '../source.js';

/**
 * Where the files of an authored repository lie: `metadata/` and `targets/` as published, `staged/` for what is on its way.
 * Whatever is written is there whole or not at all.
 */
export class RepositoryFolder {
  /** Folders that are known to be there. */
  readonly #made = new Set<string>();

  constructor(readonly path: string) {}

  get lock(): string {
    return this.at('.lock');
  }

  at(...parts: readonly string[]): string {
    return join(this.path, ...parts);
  }

  published(role: string, version?: number): string {
    return `metadata/${metadataName(role, version)}`;
  }

  staged(role: string): string {
    return `staged/metadata/${metadataName(role)}`;
  }

  /** The roles that have a staged file. */
  async stagedRoles(): Promise<readonly string[]> {
    const names = await this.list('staged/metadata');
    return names
      .filter(name => name.endsWith('.json') && !name.startsWith('.'))
      .map(name => decodeURIComponent(name.slice(0, -'.json'.length)))
      .sort();
  }

  async list(folder: string): Promise<readonly string[]> {
    try {
      return await readdir(this.at(folder));
    } catch (error) {
      if (isMissing(error)) return [];
      throw asFileError(error, 'read', this.at(folder));
    }
  }

  /** What stands in a folder; links and devices are neither file nor folder, and left out. */
  async entries(folder: string): Promise<readonly { readonly name: string; readonly isFolder: boolean }[]> {
    try {
      const entries = await readdir(this.at(folder), { withFileTypes: true });
      return entries
        .filter(entry => entry.isFile() || entry.isDirectory())
        .map(entry => ({ name: entry.name, isFolder: entry.isDirectory() }));
    } catch (error) {
      if (isMissing(error)) return [];
      throw asFileError(error, 'read', this.at(folder));
    }
  }

  read(name: string): Promise<Uint8Array | undefined> {
    return readFileUpTo(this.at(name), LIMITS.tufTargetsSize + 1);
  }

  async has(name: string): Promise<boolean> {
    try {
      await stat(this.at(name));
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw asFileError(error, 'read', this.at(name));
    }
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    await this.makeFolder(dirname(name));
    await writeFileDurably(this.at(name), [bytes]);
  }

  /** Moves a file into place; one that has been moved already is as well. */
  async move(from: string, to: string): Promise<void> {
    await this.makeFolder(dirname(to));
    try {
      await rename(this.at(from), this.at(to));
    } catch (error) {
      if (isMissing(error) && (await this.has(to))) return;
      throw asFileError(error, 'move', this.at(from));
    }
  }

  async remove(name: string): Promise<void> {
    this.#made.clear();
    try {
      await rm(this.at(name), { recursive: true, force: true });
    } catch (error) {
      throw asFileError(error, 'remove', this.at(name));
    }
  }

  /** Takes away what killed processes left half written; to be called with the lock held. */
  async removeTemporaries(folder: string): Promise<void> {
    for (const name of await this.list(folder)) {
      if (name.startsWith('.') && name.endsWith('.tmp')) await this.remove(`${folder}/${name}`);
    }
  }

  sync(folder: string): Promise<void> {
    return syncFolder(this.at(folder));
  }

  async makeFolder(folder: string): Promise<void> {
    if (this.#made.has(folder)) return;
    try {
      await mkdir(this.at(folder), { recursive: true });
    } catch (error) {
      throw asFileError(error, 'make the folder', this.at(folder));
    }
    this.#made.add(folder);
  }
}
