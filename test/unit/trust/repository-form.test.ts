import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Digest } from '../../../src/base/digest.js';
import type { Descriptor } from '../../../src/oci/descriptor.js';
import { parseManifest, type RawManifest, serializeManifest } from '../../../src/oci/manifest.js';
import {
  composeRepository,
  describeTimestamp,
  nameFile,
  parseRepository,
} from '../../../src/trust/repository-form.js';
import { codeOf, codeOfAsync } from '../support.js';

const contentOf = (name: string, salt = ''): Descriptor =>
  nameFile(name, {
    digest: `sha256:${createHash('sha256')
      .update(name + salt)
      .digest('hex')}` as Digest,
    size: name.length,
  });

function filesOf(names: readonly string[]): Map<string, Descriptor> {
  return new Map<string, Descriptor>([
    ...names.map(name => [name, contentOf(name)] as const),
    ['timestamp.json', describeTimestamp(Buffer.from('{}'))],
  ]);
}

const LARGE = [
  ...Array.from({ length: 40 }, (_, i) => `${i + 1}.root.json`),
  ...['8.snapshot.json', '9.snapshot.json', '10.snapshot.json', '2.targets.json', '3.targets.json'],
  ...Array.from({ length: 3000 }, (_, i) => `1.bin-${i}.json`),
  ...Array.from({ length: 3000 }, (_, i) => `targets/${i % 7}/${i}.file`),
];

/** Reads it back, counting. */
function reader(manifests: readonly RawManifest[]) {
  const read: Digest[] = [];
  const parsed = parseRepository(manifests[0]!, async digest => {
    read.push(digest);
    return manifests.find(({ descriptor }) => descriptor.digest === digest);
  });
  return { parsed, read };
}

describe('a large repository', () => {
  const files = filesOf(LARGE);
  const manifests = composeRepository(files);

  it('is an index, of which one refresh reads nothing else', async () => {
    const { parsed, read } = reader(manifests);
    for (const name of ['40.root.json', 'timestamp.json', '10.snapshot.json', '3.targets.json'])
      expect(await parsed.find(name)).toMatchObject({ digest: files.get(name)?.digest });
    expect(await parsed.find('41.root.json')).toBeUndefined();
    expect(read).toEqual([]);
    expect((await parsed.find('timestamp.json'))?.data).toEqual(Buffer.from('{}'));
  });

  it('any other file is one manifest away', async () => {
    for (const name of ['9.snapshot.json', '2.targets.json', '1.bin-17.json', 'targets/3/10.file']) {
      const { parsed, read } = reader(manifests);
      expect(await parsed.find(name)).toMatchObject({ digest: files.get(name)?.digest });
      expect(read).toHaveLength(1);
    }
    expect(await reader(manifests).parsed.find('1.bin-3000.json')).toBeUndefined();
  });

  it('lists all of its files, and the index reaches all of its manifests', async () => {
    expect([...(await reader(manifests).parsed.list()).keys()].sort()).toEqual([...files.keys()].sort());
    const index = parseManifest(manifests[0]);
    const reached = index.kind === 'index' ? index.manifests.map(({ digest }) => digest) : [];
    expect(new Set(manifests.slice(1).map(({ descriptor }) => descriptor.digest))).toEqual(new Set(reached));
  });

  it('one file more rewrites one manifest, and what every refresh reads', () => {
    const more = new Map(files).set('targets/new.file', contentOf('targets/new.file'));
    const old = new Set(manifests.map(({ descriptor }) => descriptor.digest));
    const fresh = composeRepository(more).filter(({ descriptor }) => !old.has(descriptor.digest));
    expect(fresh).toHaveLength(2);
  });

  it('is the same in whichever order the files come', () => {
    const other = composeRepository(new Map([...files].reverse()));
    expect(other[0].descriptor.digest).toBe(manifests[0].descriptor.digest);
  });

  it('with a part gone is an error, never a file that is not there', async () => {
    const gone = reader(manifests.slice(0, 2));
    expect(await codeOfAsync(gone.parsed.find('1.bin-17.json'))).toBe('layer-unavailable');
    expect(await gone.parsed.find('timestamp.json')).toBeDefined();
  });
});

it('a hundred thousand files are spread over manifests, each far from the limit of registries', () => {
  const names = Array.from({ length: 100_000 }, (_, i) => `targets/${i}.file`);
  const manifests = composeRepository(filesOf(names));
  expect(manifests.length).toBeLessThan(300);
  expect(Math.max(...manifests.map(({ bytes }) => bytes.length))).toBeLessThan(512 * 1024);
});

it('a small repository is one manifest', async () => {
  const names = ['1.root.json', '1.snapshot.json', '1.targets.json'];
  const manifests = composeRepository(filesOf(names));
  expect(manifests).toHaveLength(1);
  const { parsed, read } = reader(manifests);
  expect([...(await parsed.list()).keys()].sort()).toEqual([...names, 'timestamp.json'].sort());
  expect(read).toEqual([]);
});

it('an index of something else is no repository', () => {
  const index = serializeManifest({ manifests: [] });
  expect(codeOf(() => parseRepository(index, async () => undefined))).toBe('format-manifest');
});
