import { fail } from '../base/errors.js';
import type { StoreAccess } from '../oci/open.js';
import { parseRepository } from '../oci/reference.js';
import { type NotarySource, parseGun } from '../tuf/notary/index.js';

/**
 * The notary server of a repository: the one that was named, or the one that Docker would ask.
 * @param named an https address
 * @throws TouchmarkError `usage-argument`
 */
export function notaryServerOf(gun: string, named: string | undefined): URL {
  const { registry } = parseRepository(gun);
  const text = named ?? `https://${registry === 'docker.io' ? 'notary.docker.io' : registry}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:' || url.username || url.password || url.search || url.hash)
    return fail('usage-argument', `${JSON.stringify(text.slice(0, 200))} is no address of a notary server`, {
      hint: 'give it as https://notary.example, without user or password: those come from docker login',
    });
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

/** A repository as a notary server has it. Files that are named by their hash are asked for by it. */
export function openNotarySource(access: StoreAccess, gun: string, server: URL): NotarySource {
  const repository = { server, gun: parseGun(gun), registry: parseRepository(gun).registry };
  return {
    gun,
    async fetch({ role, sha256, version }, maxLength) {
      const [http, session] = await Promise.all([import('../oci/http/index.js'), access.session()]);
      const name = `${version === undefined ? '' : `${version}.`}${role}${sha256 === undefined ? '' : `.${sha256}`}.json`;
      return http.fetchNotaryFile(session, repository, name, maxLength);
    },
  };
}
