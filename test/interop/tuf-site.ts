import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { createMemoryCache, type TufCache } from '../../src/tuf/index.js';
import { createScratch, type Scratch } from '../peers/scratch.js';
import {
  type Answer,
  type Place,
  type Reading,
  readWith,
  TUF_PEERS,
  type TufPeer,
  writeWith,
} from '../peers/tuf-peer.js';
import type { Simulator } from '../unit/tuf/simulator.js';
import type { Recipe } from './tuf-recipe.js';
import { readOurs, writeOurs } from './tuf-touchmark.js';

export const TUF_TOOLS = ['touchmark', ...TUF_PEERS] as const;
export type TufTool = 'touchmark' | TufPeer;

/** A folder of repositories, each served as a static web server would. */
export interface TufSite {
  readonly scratch: Scratch;
  write(tool: TufTool, recipe: Recipe): Promise<string>;
  /** Writes what a simulator has published into a folder; the same folder again for what it published later. */
  publish(repository: Simulator, folder?: string): string;
  /** @param visitor who comes again with what they stored before; default somebody who comes for the first time */
  read(tool: TufTool, folder: string, paths: readonly string[], visitor?: string): Promise<Reading>;
  close(): Promise<void>;
}

export async function openTufSite(): Promise<TufSite> {
  const scratch = createScratch('tuf');
  const server = createServer((request, response) => {
    const [, name = '', kind = '', ...rest] = (request.url ?? '').split('/');
    // Names of roles are encoded on the disk as well; paths of targets are not.
    const path = rest.map(segment => (kind === 'targets' ? decodeURIComponent(segment) : segment));
    try {
      response.end(readFileSync(join(scratch.path, name, kind, ...path)));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const caches = new Map<string, TufCache>();
  let count = 0;
  const newName = (): string => `repository-${++count}`;

  return {
    scratch,
    async write(tool, recipe) {
      const name = newName();
      if (tool === 'touchmark') await writeOurs(recipe, scratch.file(name));
      else {
        const file = scratch.file(`${name}.recipe.json`);
        writeFileSync(file, serializeRecipe(recipe));
        await writeWith(tool, scratch, file, scratch.file(name));
      }
      return name;
    },
    publish(repository, name = newName()) {
      for (const [kind, files] of [
        ['metadata', repository.files],
        ['targets', repository.targetFiles],
      ] as const)
        for (const [path, bytes] of files) {
          const file = join(scratch.path, name, kind, path);
          mkdirSync(dirname(file), { recursive: true });
          writeFileSync(file, bytes);
        }
      return name;
    },
    read(tool, name, paths, visitor = `visitor-${++count}`) {
      const folder = scratch.file(name);
      if (tool === 'touchmark') {
        const cache = caches.get(visitor) ?? createMemoryCache();
        caches.set(visitor, cache);
        return readOurs(folder, paths, cache);
      }
      const place: Place = {
        root: join(folder, 'metadata/1.root.json'),
        metadata: `${address}/${name}/metadata`,
        targets: `${address}/${name}/targets`,
      };
      return readWith(tool, scratch, place, scratch.file(`${visitor}-${tool}`), paths);
    },
    async close() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
      scratch.remove();
    },
  };
}

/** Whole numbers that JavaScript has only as bigints are numbers in JSON. */
function serializeRecipe(recipe: Recipe): string {
  const text = JSON.stringify(recipe, (_, value) => (typeof value === 'bigint' ? `bigint:${value}` : value));
  return text.replaceAll(/"bigint:([0-9]+)"/g, '$1');
}

/** What a reader of a recipe is to find. */
export function expectedAnswers(
  recipe: Recipe,
  absent: readonly string[] = [],
  hidden: readonly string[] = [],
): readonly Answer[] {
  const listed = recipe.list
    .filter(({ path }) => !hidden.includes(path))
    .map(({ path, content, custom }) => ({
      path,
      found: true,
      sha256: createHash('sha256').update(content).digest('hex'),
      ...(custom && {
        custom: JSON.parse(JSON.stringify(custom, (_, v) => (typeof v === 'bigint' ? Number(v) : v))),
      }),
    }));
  return [...listed, ...[...absent, ...hidden].map(path => ({ path, found: false }))];
}
