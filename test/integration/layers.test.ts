import { createHash } from 'node:crypto';
import {
  chmodSync,
  constants,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toHex } from '../../src/base/bytes.js';
import { TouchmarkError } from '../../src/base/errors.js';
import { applyLayer } from '../../src/layers/apply-layer.js';
import { createTree, ENTRY, type LayerIndex, readLayer, type Tree } from '../../src/layers/index.js';
import { contentOf, inodeOf, metaOf, pathOf, walk } from '../../src/layers/tree.js';
import { tarChecksum } from '../../src/oci/archive/tar-header.js';
import { describe as describeBytes } from '../../src/oci/descriptor.js';
import { openLayoutStore } from '../../src/oci/layout/index.js';
import { parseManifest, serializeManifest } from '../../src/oci/manifest.js';
import { MEDIA_TYPES } from '../../src/oci/media-types.js';
import { run, runOk } from '../peers/command.js';
import { prepareDebianImages } from '../peers/debian-image.js';
import { PEERS } from '../peers/peer-list.js';
import { requirePeers } from '../peers/require-peers.js';
import { createScratch, type Scratch } from '../peers/scratch.js';
import { AMBIGUOUS, f, type Layer, link, soft, wh } from '../unit/layers/constructs.js';
import { readTar, tar } from '../unit/layers/tars.js';

const absent = await requirePeers(['umoci', 'skopeo', 'debootstrap', 'zstd', 'buildah']);
/** Only the administrator can give files away: without, owners are not compared. */
const mayChown = process.getuid?.() === 0;

/** What a path is, so that two trees can be compared: the first name of its inode stands for all of them. */
type Listing = ReadonlyMap<string, string>;

function say(
  kind: number,
  mode: number,
  owner: readonly [number, number],
  content: string,
  inode: string,
): string {
  // The mode of a symbolic link means nothing.
  const shown = kind === ENTRY.symlink ? '' : mode.toString(8);
  return [kind, shown, mayChown ? owner.join(':') : '', content, inode].join(' ');
}

/** The first path that was seen of each inode. */
function firstNames(): (inode: string, path: string) => string {
  const first = new Map<string, string>();
  return (inode, path) => {
    const name = first.get(inode) ?? path;
    first.set(inode, name);
    return name;
  };
}

function listOurs(tree: Tree): Listing {
  const firstName = firstNames();
  const nodes = [...walk(tree)].slice(1).map(node => [pathOf(tree, node), inodeOf(tree, node)] as const);
  return new Map(
    nodes.sort(byPath).map(([path, node]) => {
      const content = contentOf(tree, node);
      const meta = metaOf(tree, node);
      const what =
        node.kind === ENTRY.file ? toHex(content?.digest ?? new Uint8Array()) : (content?.link ?? '');
      const inode = node.contentAt < 0 ? path : firstName(`${node.contentLayer} ${node.contentAt}`, path);
      return [path, say(node.kind, meta.mode, [meta.uid, meta.gid], what, inode)];
    }),
  );
}

const KINDS: Readonly<Record<number, number>> = {
  [constants.S_IFREG]: ENTRY.file,
  [constants.S_IFDIR]: ENTRY.dir,
  [constants.S_IFLNK]: ENTRY.symlink,
  [constants.S_IFIFO]: ENTRY.fifo,
  [constants.S_IFCHR]: ENTRY.char,
  [constants.S_IFBLK]: ENTRY.block,
};

function listFolder(root: string): Listing {
  const inodeOf = firstNames();
  return new Map(
    [...pathsBelow(root, '')].sort().map(path => {
      const file = Buffer.from(join(root, path), 'latin1');
      const stat = lstatSync(file);
      const kind = KINDS[stat.mode & constants.S_IFMT] ?? -1;
      const what =
        kind === ENTRY.file
          ? createHash('sha256').update(readFileSync(file)).digest('hex')
          : kind === ENTRY.symlink
            ? readlinkSync(file, 'latin1')
            : kind === ENTRY.char || kind === ENTRY.block
              ? `${stat.rdev >> 8}:${stat.rdev & 255}`
              : '';
      const inode = kind === ENTRY.dir ? path : inodeOf(String(stat.ino), path);
      return [path, say(kind, stat.mode & 0o7777, [stat.uid, stat.gid], what, inode)];
    }),
  );
}

/** What is not the same on both sides. */
function differences(ours: Listing, theirs: Listing): readonly string[] {
  const paths = new Set([...ours.keys(), ...theirs.keys()]);
  return [...paths].flatMap(path => {
    const [mine, other] = [ours.get(path), theirs.get(path)];
    return mine === other ? [] : [`${path}: here ${mine}, umoci ${other}`];
  });
}

/** Node's own walk follows links to folders. */
function* pathsBelow(root: string, folder: string): Generator<string> {
  const bytes = Buffer.from(join(root, folder), 'latin1');
  for (const entry of readdirSync(bytes, { withFileTypes: true, encoding: 'buffer' })) {
    const name = entry.name.toString('latin1');
    const path = folder === '' ? name : `${folder}/${name}`;
    yield path;
    if (entry.isDirectory()) yield* pathsBelow(root, path);
  }
}

const byPath = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

describe.skipIf(absent)('the tree of layers and what umoci unpacks', () => {
  let scratch: Scratch;
  let layout: string;
  let images = 0;
  beforeAll(() => {
    scratch = createScratch('layers');
    layout = scratch.file('layout');
  });
  afterAll(() => scratch?.remove());

  /** What umoci makes of these layers; undefined when it refuses them. */
  async function unpack(tars: readonly Uint8Array[]): Promise<Listing | undefined> {
    const tag = `t${images++}`;
    const store = await openLayoutStore({ location: layout });
    const diffIds = tars.map(bytes => describeBytes('', bytes).digest);
    const config = Buffer.from(
      JSON.stringify({
        architecture: 'amd64',
        os: 'linux',
        config: {},
        rootfs: { type: 'layers', diff_ids: diffIds },
      }),
    );
    const layers = tars.map(bytes => describeBytes(MEDIA_TYPES.ociLayer, bytes));
    const configDescriptor = describeBytes(MEDIA_TYPES.ociConfig, config);
    await store.writeBlob(configDescriptor, config);
    for (const [i, descriptor] of layers.entries()) await store.writeBlob(descriptor, tars[i] as Uint8Array);
    await store.writeManifest(serializeManifest({ config: configDescriptor, layers }), tag);
    await store.commit();
    await store.close();
    return unpackImage(layout, tag);
  }

  async function unpackImage(from: string, tag: string): Promise<Listing | undefined> {
    const bundle = scratch.file(`bundle-${tag}`);
    const rootless = mayChown ? [] : ['--rootless'];
    const { code } = await run(
      PEERS.umoci.path,
      ['unpack', ...rootless, '--image', `${from}:${tag}`, bundle],
      { env: scratch.env },
    );
    const listing = code === 0 ? listFolder(join(bundle, 'rootfs')) : undefined;
    await runOk('chmod', ['-R', 'u+rwx', bundle]).catch(() => {});
    rmSync(bundle, { recursive: true, force: true });
    return listing;
  }

  /** Our tree; or the code by which it is refused. */
  function apply(indexes: readonly (() => LayerIndex)[]): Listing | string {
    try {
      const tree = createTree();
      for (const index of indexes) applyLayer(tree, index());
      return listOurs(tree);
    } catch (error) {
      if (error instanceof TouchmarkError && error.code.startsWith('layer-')) return error.code;
      throw error;
    }
  }

  /** Equal, or refused here. */
  async function compare(layers: readonly Layer[]): Promise<Listing | string> {
    return compareTars(
      layers.map(layer => tar(...layer)),
      JSON.stringify(layers),
    );
  }

  async function compareTars(tars: readonly Uint8Array[], about: string): Promise<Listing | string> {
    const ours = apply(tars.map(bytes => () => readTar(bytes)));
    if (typeof ours === 'string') return ours;
    const theirs = await unpack(tars);
    expect(theirs && differences(ours, theirs), about).toEqual([]);
    return ours;
  }

  it.each(AMBIGUOUS)(
    '%s: refused, and without its defect the same to both',
    async (_what, code, lower, bad, good) => {
      expect(await compare([lower, bad])).toBe(code);
      expect(await compare([lower, good])).toBeInstanceOf(Map);
    },
  );

  const base: Layer = [
    { path: 'etc/' },
    f('etc/a', 'a'),
    f('etc/b', 'b'),
    { path: 'usr/', mode: 0o755 },
    { path: 'usr/lib/', mode: 0o750, uid: 3, gid: 4 },
    f('usr/lib/x', 'x', { mode: 0o4755, uid: 1 }),
    soft('lib', 'usr/lib'),
    link('usr/lib/y', 'usr/lib/x'),
  ].map(raw => (raw.type === '1' ? { ...raw, mode: 0o4755, uid: 1 } : raw));

  it.each<[string, Layer]>([
    ['a whiteout and the file again', [wh('etc/.wh.a'), f('etc/a', 'new')]],
    ['an opaque folder, its mark first', [wh('etc/.wh..wh..opq'), f('etc/c')]],
    ['an opaque folder, its mark last', [f('etc/c'), f('etc/a', '2'), wh('etc/.wh..wh..opq')]],
    ['a whiteout of a folder', [wh('.wh.usr')]],
    ['a whiteout of nothing', [wh('etc/.wh.none')]],
    ['a folder in the place of a file', [{ path: 'etc/a/' }, f('etc/a/x')]],
    ['a file in the place of a folder', [f('etc', 'x')]],
    ['a folder in the place of a link', [{ path: 'lib/' }, f('lib/z')]],
    ['an opaque folder in the place of a link', [{ path: 'lib/' }, wh('lib/.wh..wh..opq'), f('lib/z')]],
    ['an entry through a link', [f('lib/z', 'z')]],
    ['a whiteout through a link', [wh('lib/.wh.x')]],
    ['one name of two replaced', [f('usr/lib/y', 'other')]],
    ['a link to a layer below', [{ ...link('etc/z', 'usr/lib/x'), mode: 0o4755, uid: 1 }]],
    ['metadata of a folder', [{ path: 'usr/lib/', mode: 0o1777, uid: 7 }]],
    [
      'long names',
      [
        f('n', 'x', { pax: { path: `${'d'.repeat(120)}/${'e'.repeat(200)}` } }),
        f('m', 'y', { gnuName: 'g'.repeat(150) }),
      ],
    ],
    ['names that are no UTF-8', [f('etc/caf\xe9', 'x')]],
    ['names that differ by case only', [f('etc/A', 'x')]],
    ['a pipe', [{ path: 'etc/p', type: '6' }]],
    ['a root folder', [{ path: './', mode: 0o755 }, f('./etc/c')]],
  ])('%s: the same to both', async (_what, layer) => {
    expect(await compare([base, layer])).toBeInstanceOf(Map);
  });

  it('random layers are the same to both, or refused', async () => {
    const name = fc.constantFrom('a', 'b', 'c');
    const path = fc.array(name, { minLength: 1, maxLength: 3 }).map(parts => parts.join('/'));
    const inFolder = (last: (name: string) => string) =>
      fc.tuple(fc.array(name, { maxLength: 2 }), name).map(([folder, at]) => [...folder, last(at)].join('/'));
    const entry = fc.oneof(
      fc.record({ path, body: fc.constantFrom('1', '2') }).map(({ path, body }) => f(path, body)),
      path.map(path => ({ path: `${path}/` })),
      path.map(path => ({ path: `${path}/`, mode: 0o700 })),
      fc.record({ path, to: path }).map(({ path, to }) => soft(path, to)),
      fc.record({ path, to: path }).map(({ path, to }) => soft(path, `/${to}`)),
      fc.record({ path, to: path }).map(({ path, to }) => link(path, to)),
      inFolder(at => `.wh.${at}`).map(wh),
      inFolder(() => '.wh..wh..opq').map(wh),
    );
    const layer = fc.array(entry, { minLength: 1, maxLength: 5 });
    let equal = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(layer, { minLength: 1, maxLength: 3 }), async layers => {
        if (typeof (await compare(layers)) !== 'string') equal++;
      }),
      { numRuns: 400, seed: 7 },
    );
    // Else the generator makes nothing but nonsense.
    expect(equal).toBeGreaterThan(80);
  });

  it('headers with bytes changed are the same to both, or refused', async () => {
    const whole = tar(
      { path: 'd/', mode: 0o750 },
      f('d/a', 'some content'),
      f('n', 'x', { pax: { path: 'd/long', uid: '7', size: '1' } }),
      f('m', 'y', { gnuName: 'd/gnu', magic: 'ustar  \0' }),
      { path: 'name', prefix: 'd', body: 'z' },
      link('d/hard', 'd/a'),
      soft('d/soft', 'a'),
    );
    const headers = Array.from({ length: whole.length / 512 }, (_, i) => i * 512).filter(
      at => whole.toString('latin1', at + 257, at + 262) === 'ustar',
    );
    // Letters, digits, signs and ends of fields: other bytes break numbers and types at once.
    const byte = fc.oneof(
      fc.constantFrom(...Buffer.from('/.0127aLKxg \0\x80\xff', 'latin1')),
      fc.integer({ min: 0, max: 255 }),
    );
    const change = fc.record({
      header: fc.constantFrom(...headers),
      at: fc.integer({ min: 0, max: 511 }),
      byte,
    });
    let equal = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 2 }), async changes => {
        const bytes = Buffer.from(whole);
        for (const { header, at, byte } of changes) {
          bytes[header + at] = byte;
          const sum = tarChecksum(bytes.subarray(header, header + 512));
          bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, header + 148, 'latin1');
        }
        if (typeof (await compareTars([bytes], JSON.stringify(changes))) !== 'string') equal++;
      }),
      { numRuns: 300, seed: 11, endOnFailure: true },
    );
    expect(equal).toBeGreaterThan(80);
  });

  it.each(['base', 'v1', 'team-app'])('the Debian image %s is the same to both, file by file', async tag => {
    const { layout: debian } = await prepareDebianImages(console.warn);
    expect((await compareImage(debian, tag)).size).toBeGreaterThan(3000);
  });

  // It unpacks layers as the kernel keeps them, owners and all.
  // buildah changes owners while it builds; for other users it would need a user namespace, which containers often refuse.
  it.skipIf(!mayChown)('an image that buildah built in two steps is the same to both', async () => {
    const home = scratch.file('buildah');
    const place = ['--root', join(home, 'root'), '--runroot', join(home, 'run'), '--storage-driver', 'vfs'];
    // It takes a file of credentials that is named and not there for a fault.
    const { DOCKER_CONFIG: _, REGISTRY_AUTH_FILE: __, ...env } = scratch.env;
    const buildah = async (...args: string[]): Promise<string> => {
      const { stdout } = await runOk(PEERS.buildah.path, [...place, ...args], { env });
      return stdout.trim();
    };
    const files = join(home, 'files');
    mkdirSync(join(files, 'etc'), { recursive: true });
    mkdirSync(join(files, 'opt/old'), { recursive: true });
    for (const name of ['etc/a', 'etc/b', 'opt/old/x']) writeFileSync(join(files, name), name);
    const first = await buildah('from', 'scratch');
    await buildah('copy', '--quiet', first, files, '/');
    await buildah('commit', '--quiet', first, 'one');
    const second = await buildah('from', 'one');
    const root = await buildah('mount', second);
    writeFileSync(join(root, 'etc/a'), 'changed');
    chmodSync(join(root, 'etc/b'), 0o4711);
    rmSync(join(root, 'opt/old'), { recursive: true });
    writeFileSync(join(root, 'opt/old'), 'a file now');
    mkdirSync(join(root, 'srv'));
    symlinkSync('/etc', join(root, 'srv/l'));
    linkSync(join(root, 'etc/a'), join(root, 'srv/a'));
    await buildah('umount', second);
    await buildah('commit', '--quiet', second, 'two');
    const out = scratch.file('buildah-layout');
    await buildah('push', '--quiet', 'two', `oci:${out}:two`);
    const files2 = await compareImage(out, 'two');
    expect([...files2.keys()]).toEqual(['etc', 'etc/a', 'etc/b', 'opt', 'opt/old', 'srv', 'srv/a', 'srv/l']);
  });

  /** Every path of an image that another tool built. */
  async function compareImage(from: string, tag: string): Promise<Listing> {
    const store = await openLayoutStore({ location: from });
    const raw = await store.fetchManifest({ tag });
    const manifest = raw && parseManifest(raw);
    if (manifest?.kind !== 'image') throw new Error(`no image ${tag}`);
    const contents = await Promise.all(
      manifest.layers.map(layer => readLayer(blob => store.openBlob(blob), layer)),
    );
    await store.close();
    const ours = apply(
      contents.map(({ entries }) => () => {
        if (entries instanceof TouchmarkError) throw entries;
        return entries;
      }),
    );
    const theirs = await unpackImage(from, tag);
    if (typeof ours === 'string' || theirs === undefined) throw new Error(`${tag} is refused: ${ours}`);
    expect(differences(ours, theirs)).toEqual([]);
    return ours;
  }
});
