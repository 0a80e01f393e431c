import type { EntryPath } from '../../../src/layers/index.js';
import type { LayerWithDatabases } from '../../../src/packages/index.js';
import type { RawEntry } from '../layers/tars.js';
import { layerOf } from '../layers/tars.js';

/** A layer with the content of all its files. */
export function layer(...entries: readonly RawEntry[]): LayerWithDatabases {
  const files = entries.filter(({ path = '', type }) => !path.endsWith('/') && (type ?? '0') === '0');
  const captured = new Map<EntryPath, Uint8Array>(
    files.map(({ path = '', body = '' }) => [path, Buffer.from(body as Uint8Array)]),
  );
  return { entries: layerOf(...entries), captured };
}

/** A stanza of dpkg. */
export function deb(name: string, version: string, status = 'install ok installed', more = ''): string {
  return `Package: ${name}\nStatus: ${status}\nArchitecture: amd64\n${more}Version: ${version}\nDescription: a thing\n of two lines\n\n`;
}

export const STATUS = 'var/lib/dpkg/status';
