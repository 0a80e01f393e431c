import type { IncomingHttpHeaders } from 'node:http';
import type { RegistryOptions } from './registry.js';
import { type Answer, jsonAnswer, UNKNOWN_ROUTE } from './registry-answer.js';
import { answerBlob, beginUpload, continueUpload } from './registry-blobs.js';
import { answerManifest, answerReferrers, answerTags } from './registry-manifests.js';
import type { TestRepository } from './registry-storage.js';

/** One request, taken apart. */
export interface RegistryCall {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
  /** The repository's name; empty for `/v2/`. */
  readonly name: string;
  /** Absent while nothing was ever pushed to it. */
  readonly repository: TestRepository | undefined;
  readonly options: RegistryOptions;
  readonly registry: {
    readonly repositories: ReadonlyMap<string, TestRepository>;
    /** Made on first use. */
    repository(name: string): TestRepository;
  };
}

const NAME = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*)*';
const ROUTE = new RegExp(
  `^/v2/(${NAME})/(?:(tags/list)|(blobs/uploads/)|(?:blobs/uploads/([^/]+))|(?:(blobs|manifests|referrers)/([^/]+)))$`,
);

/** The repository a path is about; undefined when the path is about none. */
export function routeName(path: string): string | undefined {
  return ROUTE.exec(path)?.[1];
}

/** Serves one request (distribution specification 1.1, "API"). */
export function answerCall(call: RegistryCall): Answer {
  if (call.path === '/v2/' || call.path === '/v2') return jsonAnswer(200, {});
  const match = ROUTE.exec(call.path);
  if (!match) return UNKNOWN_ROUTE;
  const [, , tags, uploads, upload, kind, item] = match;
  const reads = call.method === 'GET' || call.method === 'HEAD';
  if (tags) return reads ? answerTags(call) : UNKNOWN_ROUTE;
  if (uploads) return call.method === 'POST' ? beginUpload(call) : UNKNOWN_ROUTE;
  if (upload) return continueUpload(call, upload);
  const target = decodeURIComponent(item ?? '');
  if (kind === 'manifests') return answerManifest(call, target);
  if (kind === 'referrers') return reads ? answerReferrers(call, target) : UNKNOWN_ROUTE;
  return reads || call.method === 'DELETE' ? answerBlob(call, target) : UNKNOWN_ROUTE;
}
