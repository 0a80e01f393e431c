import { discardBody, readBeginning, refuseWebPage } from './body.js';
import type { RegistryRequest } from './client.js';
import { repositoryScope } from './scopes.js';
import { partsOf, type RegistrySession } from './session.js';

/** A repository on a notary server: the server of Docker Content Trust that stands beside a registry. */
export interface NotaryRepository {
  /** The server's address, with a slash at its end. */
  readonly server: URL;
  /** `docker.io/library/alpine`: what the server calls the repository, and tokens are asked for. */
  readonly gun: string;
  /** Whose credentials are used: those of the registry, as Docker does it. */
  readonly registry: string;
}

/**
 * Fetches a metadata file from a notary server; `name` is as in addresses: `targets/releases.<sha256>.json`. Credentials,
 * tokens, redirects and retries are as with a registry. No more than the first byte behind `maxLength` is read.
 * @returns undefined when the server says that there is none (404)
 * @throws TouchmarkError `oci-unauthorized`, `oci-unavailable`, `oci-rejected`, `net-*`
 */
export async function fetchNotaryFile(
  session: RegistrySession,
  { server, gun, registry }: NotaryRepository,
  name: string,
  maxLength: number,
): Promise<Uint8Array | undefined> {
  const { client, endpointOf } = partsOf(session);
  const request: RegistryRequest = {
    method: 'GET',
    // The address says https, on loopback as well: nobody talks this client down from it.
    endpoint: { ...endpointOf(server.host), registry, schemes: ['https'] },
    target: `${server.pathname}v2/${gun}/_trust/tuf/${name}`,
    scopes: [repositoryScope(gun, 'pull')],
    what: `reading ${name} of ${gun} from ${server.host}`,
  };
  return client.send(request, async answer => {
    await refuseWebPage(answer, 'trust data');
    if (answer.status === 404) {
      await discardBody(answer);
      return undefined;
    }
    if (answer.status !== 200) return client.refuse(answer, request);
    return readBeginning(answer, maxLength + 1);
  });
}
