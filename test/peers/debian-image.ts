import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { computeDigest } from '../../src/base/digest.js';
import { serializeManifest } from '../../src/oci/manifest.js';
import { CACHE } from './checkout.js';
import { runOk } from './command.js';
import { withLock } from './lock.js';
import { PEERS } from './peer-list.js';
import { skopeoCopy } from './skopeo.js';
import { addTeamImages } from './team-images.js';

/** Real images, made once a machine from Debian packages. */
export interface DebianImages {
  /**
   * An OCI layout with the tags
   * - `base`: one layer, a Debian root file system; `runtime`: one more layer;
   * - `v1`: three layers, the last one with whiteouts (linux/amd64, whatever the machine is);
   * - `arm`: the same layers for another platform; `multi`: an index over both;
   * - `team-runtime` and `team-app`: what two teams built on `base`, a layer each; `base-arm`, `team-runtime-arm` and
   *   `team-app-arm`: the same for another platform; `base-multi` and so on: an index over both.
   */
  readonly layout: string;
  /** A layout of its own with one image, `v1`, its layers compressed by zstd. */
  readonly zstdLayout: string;
  /** `v1` as skopeo archives it. */
  readonly ociArchive: string;
  /** `v1` as `docker save` would write it. */
  readonly dockerArchive: string;
}

/** The repository and tag in the docker-archive. */
export const ARCHIVED_NAME = 'registry.example/team/app:v1';

/** Comes with the base system and is taken out again: what one team installs on top of another's image. */
const PACKAGE = 'netbase';

/** Counts up whenever the recipe below changes, so that no cache holds what another recipe made. */
const RECIPE = 4;

/** Builds the images, or finds those built before. Takes about a minute the first time. */
export async function prepareDebianImages(tell: (line: string) => void = () => {}): Promise<DebianImages> {
  const suite = readSuite();
  const home = join(CACHE, 'images');
  const done = join(home, `debian-${suite}-${RECIPE}`);
  await withLock(`${done}.lock`, async () => {
    if (existsSync(done)) return;
    tell(`building the Debian images in ${done}`);
    mkdirSync(home, { recursive: true });
    const work = mkdtempSync(join(home, 'building-'));
    try {
      mkdirSync(join(work, 'out'));
      await build(work, join(work, 'out'), suite);
      renameSync(join(work, 'out'), done);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  });
  return {
    layout: join(done, 'layout'),
    zstdLayout: join(done, 'zstd'),
    ociArchive: join(done, 'app.oci.tar'),
    dockerArchive: join(done, 'app.docker.tar'),
  };
}

function readSuite(): string {
  const suite = /^VERSION_CODENAME=(\S+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  if (!suite) throw new Error('/etc/os-release has no VERSION_CODENAME: not a Debian system');
  return suite;
}

async function build(work: string, out: string, suite: string): Promise<void> {
  const root = join(work, 'root');
  const mirror = await readMirror(suite);
  const options = ['--variant=minbase', `--include=${PACKAGE}`];
  await runOk('/usr/sbin/debootstrap', [...options, suite, root, ...mirror], { timeout: 600_000 });
  const archive = takePackage(root, work);
  await runOk('dpkg', [`--root=${root}`, '--purge', PACKAGE]);
  for (const spare of [
    'var/cache/apt',
    'var/lib/apt/lists',
    'usr/share/doc',
    'usr/share/man',
    'usr/share/locale',
  ])
    rmSync(join(root, spare), { recursive: true, force: true });

  const layout = join(out, 'layout');
  const umoci = (...args: string[]) => runOk(PEERS.umoci.path, args);
  await umoci('init', '--layout', layout);
  await umoci('new', '--image', `${layout}:base`);
  await umoci('insert', '--image', `${layout}:base`, root, '/');

  const runtime = join(work, 'runtime');
  mkdirSync(join(runtime, 'lib'), { recursive: true });
  writeFileSync(join(runtime, 'lib/interpreter'), 'a'.repeat(1 << 20));
  writeFileSync(join(runtime, 'VERSION'), '20\n');
  await umoci('insert', '--image', `${layout}:base`, '--tag', 'runtime', runtime, '/opt/runtime');

  const bundle = join(work, 'bundle');
  await umoci('unpack', '--image', `${layout}:runtime`, bundle);
  mkdirSync(join(bundle, 'rootfs/srv/app'), { recursive: true });
  writeFileSync(join(bundle, 'rootfs/srv/app/main'), '#!/opt/runtime/lib/interpreter\n', { mode: 0o755 });
  rmSync(join(bundle, 'rootfs/opt/runtime/VERSION'));
  rmSync(join(bundle, 'rootfs/usr/share/common-licenses'), { recursive: true });
  await umoci('repack', '--image', `${layout}:v1`, bundle);
  await umoci(
    'config',
    '--image',
    `${layout}:v1`,
    '--architecture',
    'amd64',
    '--config.entrypoint',
    '/srv/app/main',
  );

  await umoci('config', '--image', `${layout}:v1`, '--tag', 'arm', '--architecture', 'arm64');
  addIndex(layout, 'multi', ['v1', 'arm']);
  await addTeamImages(work, layout, archive);
  for (const tag of ['base', 'team-runtime', 'team-app'])
    addIndex(layout, `${tag}-multi`, [tag, `${tag}-arm`]);
  const env = { env: process.env };
  // Into a layout of its own: skopeo takes a blob that is there already, however it is compressed.
  const zstd = ['--dest-compress', '--dest-compress-format', 'zstd'];
  await skopeoCopy(env, `oci:${layout}:v1`, `oci:${join(out, 'zstd')}:v1`, zstd);
  await skopeoCopy(env, `oci:${layout}:v1`, `oci-archive:${join(out, 'app.oci.tar')}:v1`);
  await skopeoCopy(env, `oci:${layout}:v1`, `docker-archive:${join(out, 'app.docker.tar')}:${ARCHIVED_NAME}`);
  await umoci('gc', '--layout', layout);
}

/** Moves the package that debootstrap has fetched out of its cache. @returns where it lies now */
function takePackage(root: string, work: string): string {
  const cache = join(root, 'var/cache/apt/archives');
  const name = readdirSync(cache).find(file => file.startsWith(`${PACKAGE}_`));
  if (!name) throw new Error(`debootstrap left no ${PACKAGE} in ${cache}`);
  renameSync(join(cache, name), join(work, name));
  return join(work, name);
}

/** The mirror this machine's own package manager uses; debootstrap's default when it does not say. */
async function readMirror(suite: string): Promise<string[]> {
  const { stdout } = await runOk('apt-get', [
    'indextargets',
    '--format',
    '$(REPO_URI)',
    'Created-By: Packages',
    `Codename: ${suite}`,
    'Component: main',
  ]);
  return stdout.split('\n').filter(Boolean).slice(0, 1);
}

interface LayoutIndex {
  manifests: { mediaType: string; digest: string; size: number; annotations?: Record<string, string> }[];
}

/** Writes an index over tagged images of a layout; neither umoci nor skopeo makes one. */
function addIndex(layout: string, tag: string, children: readonly string[]): void {
  const file = join(layout, 'index.json');
  const index = JSON.parse(readFileSync(file, 'utf8')) as LayoutIndex;
  const blob = (digest: string): string => join(layout, 'blobs/sha256', digest.slice('sha256:'.length));
  const manifests = children.map(child => {
    const entry = index.manifests.find(
      ({ annotations }) => annotations?.['org.opencontainers.image.ref.name'] === child,
    );
    if (!entry) throw new Error(`${layout} has no ${child}`);
    const manifest = JSON.parse(readFileSync(blob(entry.digest), 'utf8'));
    const { architecture, os } = JSON.parse(readFileSync(blob(manifest.config.digest), 'utf8'));
    const { mediaType, size } = entry;
    return {
      mediaType,
      digest: computeDigest(readFileSync(blob(entry.digest))),
      size,
      platform: { architecture, os },
    };
  });
  const { bytes, descriptor } = serializeManifest({ manifests });
  writeFileSync(blob(descriptor.digest), bytes);
  index.manifests.push({ ...descriptor, annotations: { 'org.opencontainers.image.ref.name': tag } });
  writeFileSync(file, JSON.stringify(index));
}
