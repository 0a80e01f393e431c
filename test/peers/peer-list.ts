import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE, CHECKOUT } from './checkout.js';
import { run } from './command.js';

export type PeerName =
  | 'docker-registry'
  | 'skopeo'
  | 'umoci'
  | 'debootstrap'
  | 'buildah'
  | 'igzip'
  | 'zstd'
  | 'notary'
  | 'notary-server'
  | 'notary-signer'
  | 'cosign2'
  | 'cosign3'
  | 'go-tuf'
  | 'python-tuf'
  | 'tuf-js';

export interface Peer {
  /** What to run. */
  readonly path: string;
  /** Arguments that print something with the version in it. */
  readonly probe: readonly string[];
  /** The exact version, where the suites' expectations depend on it. */
  readonly version?: string;
  readonly source:
    | { readonly kind: 'debian'; readonly package: string }
    | { readonly kind: 'go'; readonly module: string; readonly bin: string }
    | { readonly kind: 'go-source'; readonly folder: string }
    | { readonly kind: 'python'; readonly requirements: string; readonly environment: string }
    | { readonly kind: 'npm'; readonly package: string; readonly folder: string };
}

/** Where npm installs tuf-js. */
export const TUF_JS = join(CACHE, 'tuf-js');
export const PYTHON_TUF_PROGRAM = join(CHECKOUT, 'test/peers/python-tuf/peer.py');

/** What runs beside touchmark in the suites. The interop table states what exactly these versions of cosign do. */
export const PEERS: Readonly<Record<PeerName, Peer>> = {
  'docker-registry': debian('docker-registry', ['--version']),
  skopeo: debian('skopeo', ['--version']),
  umoci: debian('umoci', ['--version']),
  debootstrap: debian('debootstrap', ['--version'], '/usr/sbin/debootstrap'),
  buildah: debian('buildah', ['--version']),
  igzip: debian('isal', ['--version'], 'igzip'),
  zstd: debian('zstd', ['--version']),
  notary: debian('notary', ['version']),
  'notary-server': debian('notary', ['-version'], 'notary-server'),
  'notary-signer': debian('notary', ['-version'], 'notary-signer'),
  cosign2: cosign(2, 'v2.6.5'),
  cosign3: cosign(3, 'v3.1.3'),
  'go-tuf': goTuf('v2.4.2'),
  'python-tuf': pythonTuf('7.0.0'),
  'tuf-js': tufJs('5.0.1'),
};

function debian(name: string, probe: readonly string[], path = name): Peer {
  return { path, probe, source: { kind: 'debian', package: name } };
}

function cosign(major: 2 | 3, version: string): Peer {
  const bin = join(CACHE, `cosign${major}`, 'bin');
  return {
    path: join(bin, 'cosign'),
    probe: ['version', '--json'],
    version,
    source: { kind: 'go', module: `github.com/sigstore/cosign/v${major}/cmd/cosign@${version}`, bin },
  };
}

/** A library: a small program of ours around it. What is built is named after what it is built from. */
function goTuf(version: string): Peer {
  const folder = join(CHECKOUT, 'test/peers/go-tuf');
  const sources = ['go.mod', 'go.sum', 'main.go', 'write.go'].map(name => join(folder, name));
  return {
    path: join(CACHE, `go-tuf-${hashOf(sources)}`),
    probe: ['version'],
    version,
    source: { kind: 'go-source', folder },
  };
}

/** A library in an environment of its own; what runs is {@link PYTHON_TUF_PROGRAM}. */
function pythonTuf(version: string): Peer {
  const requirements = join(CHECKOUT, 'test/peers/python-tuf/requirements.txt');
  const environment = join(CACHE, `python-tuf-${hashOf([requirements])}`);
  return {
    path: join(environment, 'bin/python'),
    probe: [PYTHON_TUF_PROGRAM, 'version'],
    version,
    source: { kind: 'python', requirements, environment },
  };
}

/** The last version for Node 20. It is run in the process that measures it. */
function tufJs(version: string): Peer {
  return {
    path: process.execPath,
    probe: ['-p', `require(${JSON.stringify(join(TUF_JS, 'node_modules/tuf-js/package.json'))}).version`],
    version,
    source: { kind: 'npm', package: `tuf-js@${version}`, folder: TUF_JS },
  };
}

function hashOf(files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

/** Why a peer cannot be used as it stands; undefined when it can. */
export async function findFault(name: PeerName): Promise<string | undefined> {
  const { path, probe, version } = PEERS[name];
  try {
    const { code, stdout, stderr } = await run(path, probe, { timeout: 30_000 });
    if (code === 127) return `${path} is not there`;
    if (code !== 0) return `${path} exits with ${code}`;
    if (version && !`${stdout}${stderr}`.includes(version)) return `${path} is not version ${version}`;
    return undefined;
  } catch {
    return `${path} is not there`;
  }
}
