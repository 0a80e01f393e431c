import type { Digest } from '../../base/digest.js';
import { fail } from '../../base/errors.js';
import { isTag, parseRepository } from '../reference.js';
import type { Client, RegistryRequest } from './client.js';
import type { Endpoint } from './endpoint.js';
import { repositoryScope } from './scopes.js';
import type { SessionParts } from './session.js';
import type { Tuning } from './tuning.js';

/** One repository of one registry: what the operations of this folder work on. */
export interface Repository {
  /** `registry/path`. */
  readonly name: string;
  readonly path: string;
  readonly endpoint: Endpoint;
  readonly session: SessionParts;
  readonly client: Client;
  readonly tuning: Tuning;
}

export function openRepository(location: string, session: SessionParts): Repository {
  const { registry, path } = parseRepository(location);
  const endpoint = session.endpointOf(registry);
  return {
    name: `${registry}/${path}`,
    path,
    endpoint,
    session,
    client: session.client,
    tuning: session.tuning,
  };
}

/** A manifest by name: both kinds are checked here, so that nothing else gets into a URL. */
export type ManifestSelector = { readonly tag: string } | { readonly digest: Digest };

export function selectorText(selector: ManifestSelector): string {
  if ('digest' in selector) return selector.digest;
  if (isTag(selector.tag)) return selector.tag;
  return fail('usage-reference', `${JSON.stringify(selector.tag.slice(0, 140))} is not a tag`, {
    hint: 'a tag has at most 128 letters, digits, dots, dashes and underscores, and begins with a letter, digit or underscore',
  });
}

type Facts = Pick<RegistryRequest, 'method' | 'target' | 'what'> & Partial<RegistryRequest>;

export function readRequest(repository: Repository, facts: Facts): RegistryRequest {
  return { endpoint: repository.endpoint, scopes: [repositoryScope(repository.path, 'pull')], ...facts };
}

/** Asks for push as well from the first request on, so that one token serves the whole write. */
export function writeRequest(repository: Repository, facts: Facts): RegistryRequest {
  return {
    endpoint: repository.endpoint,
    scopes: [repositoryScope(repository.path, 'pull', 'push')],
    ...facts,
  };
}
