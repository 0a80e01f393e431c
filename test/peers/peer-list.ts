import { join } from 'node:path';
import { CACHE } from './checkout.js';
import { run } from './command.js';

export type PeerName =
  | 'docker-registry'
  | 'skopeo'
  | 'umoci'
  | 'debootstrap'
  | 'zstd'
  | 'cosign2'
  | 'cosign3';

export interface Peer {
  /** What to run. */
  readonly path: string;
  /** Arguments that print something with the version in it. */
  readonly probe: readonly string[];
  /** The exact version, where the suites' expectations depend on it. */
  readonly version?: string;
  readonly source:
    | { readonly kind: 'debian'; readonly package: string }
    | { readonly kind: 'go'; readonly module: string; readonly bin: string };
}

/** What runs beside touchmark in the suites. The interop table states what exactly these versions of cosign do. */
export const PEERS: Readonly<Record<PeerName, Peer>> = {
  'docker-registry': debian('docker-registry', ['--version']),
  skopeo: debian('skopeo', ['--version']),
  umoci: debian('umoci', ['--version']),
  debootstrap: debian('debootstrap', ['--version'], '/usr/sbin/debootstrap'),
  zstd: debian('zstd', ['--version']),
  cosign2: cosign(2, 'v2.6.5'),
  cosign3: cosign(3, 'v3.1.3'),
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
