import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE } from './checkout.js';
import { runOk } from './command.js';
import { withLock } from './lock.js';
import { findFault, PEERS, type PeerName } from './peer-list.js';

/**
 * Installs the peers that are missing: Debian packages (as root), cosign and
 * go-tuf through the Go toolchain and python-tuf through pip into the cache folder.
 * @throws Error when one cannot be had, with the output of the installer
 */
export async function installPeers(names: readonly PeerName[], tell: (line: string) => void): Promise<void> {
  await withLock(join(CACHE, 'install.lock'), async () => {
    const missing: PeerName[] = [];
    for (const name of names) if (await findFault(name)) missing.push(name);
    const needed = missing.flatMap(name => {
      const { source } = PEERS[name];
      return source.kind === 'debian' ? [source.package] : [];
    });
    const packages = [...new Set(needed)];
    if (packages.length > 0) await installPackages(packages, tell);
    // One after the other: a build of cosign alone fills two cores and several gigabytes of memory.
    for (const name of missing) {
      const { source } = PEERS[name];
      if (source.kind === 'go') await installGo(source.module, source.bin, tell);
      if (source.kind === 'go-source') await buildGo(source.folder, PEERS[name].path, tell);
      if (source.kind === 'npm') await installNpm(source, tell);
      if (source.kind === 'python') await installPython(source, tell);
    }
    for (const name of missing) {
      const fault = await findFault(name);
      if (fault) throw new Error(`${name} was installed, but ${fault}`);
    }
  });
}

async function installPackages(packages: readonly string[], tell: (line: string) => void): Promise<void> {
  tell(`apt-get install ${packages.join(' ')}`);
  // RUNLEVEL keeps a package from starting its service: docker-registry would take port 5000.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const options = { env, timeout: 10 * 60_000 };
  await runOk('apt-get', ['-qq', 'update'], options);
  await runOk('apt-get', ['-qq', '-y', '--no-install-recommends', 'install', ...packages], options);
}

async function installGo(module: string, bin: string, tell: (line: string) => void): Promise<void> {
  tell(`go install ${module}   (some minutes)`);
  mkdirSync(bin, { recursive: true });
  const env = { ...process.env, GOBIN: bin };
  await runOk('go', ['install', module], { env, timeout: 20 * 60_000 });
}

async function buildGo(folder: string, output: string, tell: (line: string) => void): Promise<void> {
  tell(`go build ${folder}`);
  await runOk('go', ['build', '-o', output, '.'], { cwd: folder, timeout: 10 * 60_000 });
}

async function installNpm(
  { package: name, folder }: { readonly package: string; readonly folder: string },
  tell: (line: string) => void,
): Promise<void> {
  tell(`npm install ${name}`);
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder];
  await runOk('npm', ['install', ...flags, name], { timeout: 5 * 60_000 });
}

async function installPython(
  { requirements, environment }: { readonly requirements: string; readonly environment: string },
  tell: (line: string) => void,
): Promise<void> {
  tell(`pip install -r ${requirements}`);
  await runOk('python3', ['-m', 'venv', environment], { timeout: 5 * 60_000 });
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements];
  await runOk(join(environment, 'bin/python'), pip, { timeout: 10 * 60_000 });
}
