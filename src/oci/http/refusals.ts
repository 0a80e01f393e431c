import { decodeUtf8 } from '../../base/bytes.js';
import type { ReasonCode } from '../../base/codes.js';
import { type Detail, TouchmarkError } from '../../base/errors.js';
import { Field } from '../../base/fields.js';
import { parseJson } from '../../base/json.js';
import { markTransient } from './faults.js';
import { clean, mediaTypeOf } from './headers.js';
import { parseRetryAfter, TRANSIENT_STATUSES } from './retry.js';
import type { Answer } from './transport.js';

/** What a failed request was for. */
export interface RequestPurpose {
  /** For people: `reading registry.example/app:1.4`. */
  readonly what: string;
  readonly registry: string;
  /** Which credentials were used, for 401 and 403. */
  readonly credentials?: string;
}

interface RegistryFault {
  readonly code?: string;
  readonly message?: string;
}

/** Reads `{"errors":[{"code","message"}]}`, or whatever text there is (distribution specification, "Error Codes"). */
function parseFault(body: Uint8Array, contentType: string | undefined): RegistryFault {
  const type = mediaTypeOf(contentType);
  if (type === 'text/html') return { message: '(a web page)' };
  try {
    const first = new Field(parseJson(body, 'error'), 'error', 'format-json').get('errors').array(1000)[0];
    const code = first?.get('code').optionalString();
    const message = first?.get('message').optionalString();
    return { ...(code && { code: clean(code, 60) }), ...(message && { message: clean(message) }) };
  } catch {
    const text = type.startsWith('text/') ? clean(decodeUtf8(body) ?? '') : '';
    return text ? { message: text } : {};
  }
}

/**
 * The error for an answer that is not the one hoped for: `oci-unauthorized` for 401 and 403, `oci-unavailable` for passing
 * faults and everything from 500, `oci-rejected` for the rest. `body` is the beginning of the answer's body.
 */
export function refusalOf(
  answer: Answer,
  body: Uint8Array,
  purpose: RequestPurpose,
  now: number,
): TouchmarkError {
  const { status, headers } = answer;
  const fault = parseFault(body, headers['content-type']);
  const said = [fault.code, fault.message].filter(Boolean).join(': ');
  const passing = TRANSIENT_STATUSES.has(status);
  const denied = status === 401 || status === 403;
  const code: ReasonCode = denied
    ? 'oci-unauthorized'
    : passing || status >= 500
      ? 'oci-unavailable'
      : status >= 300 && status < 400
        ? 'net-protocol'
        : 'oci-rejected';
  const details: Record<string, Detail> = { registry: purpose.registry, host: answer.url.host, status };
  if (fault.code) details['registryCode'] = fault.code;
  if (denied && purpose.credentials) details['credentials'] = purpose.credentials;
  const hint = hintFor(status, purpose.registry);
  const error = new TouchmarkError(
    code,
    `registry answered: ${status}${said ? ` ${said}` : ''} (${purpose.what})${denied && purpose.credentials ? `; used ${purpose.credentials}` : ''}`,
    { retryable: code === 'oci-unavailable', details, ...(hint && { hint }) },
  );
  if (!passing) return error;
  const after = parseRetryAfter(headers['retry-after'], now);
  return markTransient(error, after === undefined ? {} : { after });
}

function hintFor(status: number, registry: string): string | undefined {
  if (status === 401) return `log in with: docker login ${registry}`;
  if (status === 403)
    return `ask for access to the repository, or log in as someone who has it: docker login ${registry}`;
  if (status === 413) return 'the registry has a limit on sizes; ask who runs it';
  if (status === 429)
    return 'the registry limits how often it may be asked; logging in often raises the limit';
  return undefined;
}
