import { fail } from '../../base/errors.js';
import { Field } from '../../base/fields.js';
import { parseJson } from '../../base/json.js';
import { LIMITS } from '../../base/limits.js';
import { isTag } from '../reference.js';
import { discardBody, readBody, refuseWebPage } from './body.js';
import { nextPage } from './pages.js';
import { type Repository, readRequest } from './repository.js';

/**
 * All tags. Entries that are not tags (Artifactory lists digests, Nexus nulls) are left out.
 * @throws TouchmarkError `oci-not-found` when there is no such repository; `limit-exceeded`, `oci-*`, `net-*`
 */
export async function listTags(repository: Repository): Promise<readonly string[]> {
  const tags = new Set<string>();
  let target: string | URL | undefined = `/v2/${repository.path}/tags/list?n=1000`;
  for (let page = 1; target !== undefined; page++) {
    if (page > LIMITS.tagPages)
      fail('limit-exceeded', `${repository.name} has more than ${LIMITS.tagPages} pages of tags`);
    const request = readRequest(repository, {
      method: 'GET',
      target,
      headers: { accept: 'application/json' },
      what: `listing the tags of ${repository.name}`,
    });
    target = await repository.client.send(request, async answer => {
      await refuseWebPage(answer, 'a list of tags');
      if (answer.status === 404) {
        await discardBody(answer);
        return fail('oci-not-found', `there is no repository ${repository.name}`, {
          details: { repository: repository.name },
        });
      }
      if (answer.status !== 200) return repository.client.refuse(answer, request);
      const bytes = await readBody(answer, LIMITS.manifestSize, 'a page of tags');
      const list = new Field(
        parseJson(bytes, 'a page of tags', { code: 'net-protocol' }),
        'tags',
        'net-protocol',
      ).get('tags');
      for (const { value } of list.empty ? [] : list.array(LIMITS.jsonValues)) {
        if (typeof value === 'string' && isTag(value)) tags.add(value);
      }
      return nextPage(answer, repository);
    });
  }
  return [...tags];
}
