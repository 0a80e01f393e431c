import { type ErrorFacts, fail } from '../base/errors.js';
import { Field } from '../base/fields.js';
import { type JsonValue, parseJson } from '../base/json.js';
import { LIMITS } from '../base/limits.js';
import type { ServiceAnswer } from '../oci/http/index.js';
import type { StoreAccess } from '../oci/open.js';

export interface ServiceCall {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** For messages: `the certificate authority`. */
  readonly who: string;
  /** Milliseconds; default {@link LIMITS.serviceTime}. */
  readonly time?: number;
}

/** @throws TouchmarkError `net-*`, `limit-exceeded` */
export async function callService(
  access: StoreAccess,
  { who, time = LIMITS.serviceTime, ...call }: ServiceCall,
): Promise<ServiceAnswer> {
  const [http, session] = await Promise.all([import('../oci/http/index.js'), access.session()]);
  const what = `the answer of ${who} (${call.url.host})`;
  return http.callWebService(session, { ...call, maxLength: LIMITS.serviceAnswer, time, what });
}

/**
 * Nothing of the answer is quoted: a service that was sent a secret may have put it anywhere.
 * @throws TouchmarkError `format-service` when the answer is no JSON object
 */
export function readAnswer({ bytes }: ServiceAnswer, who: string): Field {
  let value: JsonValue;
  try {
    value = parseJson(bytes, 'the answer', { code: 'format-service' });
  } catch {
    return fail('format-service', `the answer of ${who} is not acceptable JSON`);
  }
  const field = new Field(value, 'answer', 'format-service');
  field.object();
  return field;
}

/**
 * Fails for a status that is a refusal, with what the service says of it. A service that sends a secret back does not get
 * it printed: whatever looks like a token, or is one of `secrets`, is left out.
 */
export function refused(
  { status, bytes }: ServiceAnswer,
  call: Pick<ServiceCall, 'url' | 'who'>,
  facts: { readonly hint?: string; readonly secrets?: readonly string[] } = {},
): never {
  const said = messageOf(bytes, facts.secrets ?? []);
  const more: ErrorFacts = {
    details: { url: `${call.url.origin}${call.url.pathname}`, status, ...(said && { said }) },
    ...(facts.hint !== undefined && { hint: facts.hint }),
  };
  return fail(
    'service-rejected',
    `${call.who} (${call.url.host}) refused with status ${status}${said && `: ${said}`}`,
    more,
  );
}

function messageOf(bytes: Uint8Array, secrets: readonly string[]): string {
  let text = Buffer.from(bytes.subarray(0, 4096)).toString('utf8');
  try {
    const parsed: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    const known = parsed as { message?: unknown; error_description?: unknown; error?: unknown } | null;
    const found = [known?.message, known?.error_description, known?.error].find(
      member => typeof member === 'string' && member !== '',
    );
    if (typeof found === 'string') text = found;
  } catch {
    // Not every service speaks JSON when it refuses.
  }
  for (const secret of secrets) if (secret !== '') text = text.replaceAll(secret, '…');
  return text
    .replace(/eyJ[\w.-]*/g, '…')
    .replace(/[A-Za-z0-9+/_.=-]{80,}/g, '…')
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029\s]+/gu, ' ')
    .trim()
    .slice(0, 300);
}

/** A path below the address of a service, which may have a path of its own. */
export function below(base: URL, path: string): URL {
  const url = new URL(base);
  url.search = '';
  url.hash = '';
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path}`;
  return url;
}

/**
 * The address of a service as a user or a signing configuration gives it.
 * @throws TouchmarkError `usage-argument`
 */
export function parseServiceUrl(text: string, what: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return fail('usage-argument', `${what} is not a URL: ${JSON.stringify(text.slice(0, 300))}`);
  }
  if ((url.protocol !== 'https:' && url.protocol !== 'http:') || url.username !== '' || url.password !== '')
    return fail('usage-argument', `${what} is not an https URL without a user name`);
  return url;
}
