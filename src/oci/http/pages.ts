import { fail } from '../../base/errors.js';
import { parseNextLink } from './headers.js';
import type { Repository } from './repository.js';
import type { Answer } from './transport.js';

/**
 * The next page of a list (`Link: <…>; rel="next"`).
 * @returns undefined on the last page
 * @throws TouchmarkError `net-protocol` when it is not on the registry itself, or is the page just read
 */
export function nextPage(answer: Answer, repository: Repository): URL | undefined {
  const header = answer.headers['link'];
  const link = parseNextLink(Array.isArray(header) ? header.join(', ') : header);
  if (link === undefined) return undefined;
  const refuse = (problem: string): never =>
    fail('net-protocol', `${repository.endpoint.registry} pages a list ${problem}`, {
      details: { registry: repository.endpoint.registry },
    });
  let url: URL;
  try {
    url = new URL(link, answer.url);
  } catch {
    return refuse('with a link that is not a URL');
  }
  // Some registries behind a proxy write http in their links; the path and query are what matters, the host must be theirs.
  if (url.host !== answer.url.host) refuse(`on another host (${url.host})`);
  url.protocol = answer.url.protocol;
  if (url.href === answer.url.href) refuse('in a circle');
  return url;
}
