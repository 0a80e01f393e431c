import { join } from 'node:path';
import { utf8 } from '../../base/bytes.js';
import type { RegistryCredentials } from '../context.js';
import {
  type CredentialFile,
  loadCredentialFile,
  parseAuthEntry,
  parseCredentialFile,
  type Secret,
} from './credential-file.js';
import type { Environment } from './proxy.js';

/** Which credentials a registry gets and where they come from; never the secret. */
export interface CredentialSource {
  readonly kind: 'anonymous' | 'password' | 'identity-token' | 'bearer-token';
  /** For people: `docker-credential-pass, named by /home/ada/.docker/config.json`. */
  readonly description: string;
  readonly file?: string;
  readonly helper?: string;
  /** The key of the matching entry. */
  readonly entry?: string;
}

export interface Credential {
  readonly source: CredentialSource;
  /** Absent for anonymous access. */
  readonly secret?: Secret;
}

export interface CredentialStore {
  /** @throws TouchmarkError `oci-credentials` */
  find(registry: string, path: string): Promise<Credential>;
  /** Docker's `HttpHeaders`. */
  httpHeaders(): Promise<ReadonlyMap<string, string>>;
}

export interface CredentialOptions {
  readonly explicit?: RegistryCredentials;
  readonly environment: Environment;
  readonly helperTime: number;
  readonly signal?: AbortSignal;
}

/**
 * Looks credentials up, once for each repository: those given explicitly; else the file that REGISTRY_AUTH_FILE names; else
 * Docker's configuration; else podman's file. No helper is asked, and no entry read, before a registry asks who is there.
 */
export function createCredentialStore(options: CredentialOptions): CredentialStore {
  const found = new Map<string, Promise<Credential>>();
  const helpers = new Map<string, Promise<Secret | undefined>>();
  let dockerFile: Promise<CredentialFile | undefined> | undefined;
  const docker = () => {
    const path = dockerPath(options.environment);
    dockerFile ??= path === undefined ? Promise.resolve(undefined) : loadCredentialFile(path);
    return dockerFile;
  };
  let loaded: Promise<Sources> | undefined;
  const sources = () => {
    loaded ??= loadSources(options.environment, docker);
    return loaded;
  };
  const ask = (name: string, namedBy: string, serverUrl: string) => {
    const key = `${name} ${serverUrl}`;
    const { environment, helperTime: time, signal } = options;
    const answer =
      helpers.get(key) ??
      import('./credential-helper.js').then(({ askCredentialHelper }) =>
        askCredentialHelper({ name, namedBy, serverUrl, environment, time, ...(signal && { signal }) }),
      );
    helpers.set(key, answer);
    return answer;
  };
  const search = async (registry: string, path: string): Promise<Credential> => {
    if (options.explicit) return explicitCredential(options.explicit);
    const { files, looked } = await sources();
    for (const file of files) {
      const credential = await findInFile(file, registry, path, ask);
      if (credential) return credential;
    }
    return {
      source: {
        kind: 'anonymous',
        description: `no credentials for ${registry} (looked in ${looked.join(', ')})`,
      },
    };
  };
  return {
    find(registry, path) {
      const key = `${registry}/${path}`;
      const credential = found.get(key) ?? search(registry, path);
      found.set(key, credential);
      return credential;
    },
    async httpHeaders() {
      return (await docker())?.httpHeaders ?? new Map();
    },
  };
}

function explicitCredential(given: RegistryCredentials): Credential {
  if (given.token !== undefined) {
    return {
      source: { kind: 'bearer-token', description: 'the token given for this run' },
      secret: { registryToken: given.token },
    };
  }
  return {
    source: { kind: 'password', description: `the user name and password given for this run` },
    secret: { username: given.username ?? '', password: given.password ?? '' },
  };
}

interface Sources {
  readonly files: readonly CredentialFile[];
  readonly looked: readonly string[];
}

function homeOf(environment: Environment): string | undefined {
  return environment['HOME'] || environment['USERPROFILE'];
}

function dockerPath(environment: Environment): string | undefined {
  const home = homeOf(environment);
  const folder = environment['DOCKER_CONFIG'] || (home && join(home, '.docker'));
  return folder ? join(folder, 'config.json') : undefined;
}

async function loadSources(
  environment: Environment,
  docker: () => Promise<CredentialFile | undefined>,
): Promise<Sources> {
  const files: CredentialFile[] = [];
  const looked: string[] = [];
  const add = (name: string, file: CredentialFile | undefined) => {
    looked.push(name);
    if (file) files.push(file);
  };
  const only = environment['REGISTRY_AUTH_FILE'];
  if (only) {
    add(only, await loadCredentialFile(only));
    return { files, looked };
  }
  const inline = environment['DOCKER_AUTH_CONFIG'];
  if (inline) add('DOCKER_AUTH_CONFIG', parseCredentialFile(utf8(inline), 'DOCKER_AUTH_CONFIG'));
  const path = dockerPath(environment);
  if (path) add(path, await docker());
  const home = homeOf(environment);
  for (const base of [
    environment['XDG_RUNTIME_DIR'],
    environment['XDG_CONFIG_HOME'] || (home && join(home, '.config')),
  ]) {
    if (!base) continue;
    const podman = join(base, 'containers', 'auth.json');
    add(podman, await loadCredentialFile(podman));
  }
  return { files, looked };
}

const HUB = ['docker.io', 'index.docker.io', 'registry-1.docker.io'];

async function findInFile(
  file: CredentialFile,
  registry: string,
  path: string,
  ask: (name: string, namedBy: string, serverUrl: string) => Promise<Secret | undefined>,
): Promise<Credential | undefined> {
  const hub = registry === 'docker.io';
  const hosts = hub ? HUB : [registry.toLowerCase()];
  const serverUrl = hub ? 'https://index.docker.io/v1/' : registry;
  const chosen = [...file.credHelpers].find(([key]) => hosts.includes(hostOfKey(key)));
  const helper = chosen?.[1] ?? file.credsStore;
  // As Docker has it: where a helper is set, the entries of the file are only markers.
  if (helper !== undefined) {
    const secret = await ask(helper, file.name, serverUrl);
    if (!secret) return undefined;
    const program = `docker-credential-${helper}`;
    return describe(secret, `${program}, named by ${file.name}`, {
      file: file.name,
      helper: program,
      entry: serverUrl,
    });
  }
  for (const key of orderedKeys(file, hosts, path)) {
    const entry = file.auths.get(key);
    const secret = entry && parseAuthEntry(entry);
    if (secret) return describe(secret, `the entry ${key} of ${file.name}`, { file: file.name, entry: key });
  }
  return undefined;
}

/** Matching keys, the most special first: `host/a/b`, `host/a`, `host`, then the host spelled as a URL. Never by suffix. */
function orderedKeys(file: CredentialFile, hosts: readonly string[], path: string): string[] {
  const components = path.split('/');
  const exact = components.map((_, i) => components.slice(0, components.length - i).join('/'));
  const wanted = [...exact.flatMap(name => hosts.map(host => `${host}/${name}`)), ...hosts];
  const keys = [...file.auths.keys()];
  const matches = wanted.flatMap(name => keys.filter(key => splitKey(key) === name));
  return [...matches, ...keys.filter(key => !matches.includes(key) && hosts.includes(hostOfKey(key)))];
}

/** The host part in lower case, the rest as it is. */
function splitKey(key: string): string {
  const slash = key.indexOf('/');
  return slash < 0 ? key.toLowerCase() : key.slice(0, slash).toLowerCase() + key.slice(slash);
}

/** The host of `https://host/v1/`, `host/v2/` and `host`; empty for a key that names a namespace. */
function hostOfKey(key: string): string {
  const match = /^(https?:\/\/)?([^/]+)(\/.*)?$/i.exec(key);
  const [, scheme, host = '', rest = ''] = match ?? [];
  return scheme || rest === '' || rest === '/' || /^\/v[12]\/?$/.test(rest) ? host.toLowerCase() : '';
}

function describe(
  secret: Secret,
  description: string,
  where: Pick<CredentialSource, 'file' | 'helper' | 'entry'>,
): Credential {
  const kind = secret.registryToken ? 'bearer-token' : secret.identityToken ? 'identity-token' : 'password';
  return { source: { kind, description, ...where }, secret };
}
