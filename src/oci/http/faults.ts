import type { ReasonCode } from '../../base/codes.js';
import { type ErrorFacts, TouchmarkError } from '../../base/errors.js';

/** How a passing fault may be tried again. */
export interface Transience {
  /** The pause that the server asked for, in milliseconds. */
  readonly after?: number;
  /** A kept-alive connection was closed under us: nothing is wrong, ask again at once. */
  readonly atOnce?: boolean;
}

// Beside the error, not in it: whether this client asks again is no fact for the user.
const transient = new WeakMap<TouchmarkError, Transience>();

export function markTransient(error: TouchmarkError, transience: Transience = {}): TouchmarkError {
  transient.set(error, transience);
  return error;
}

/** Undefined when asking again would not help. */
export function transienceOf(error: unknown): Transience | undefined {
  return error instanceof TouchmarkError ? transient.get(error) : undefined;
}

/** What an aborted signal means: the deadline, Ctrl-C, or whatever TouchmarkError its owner gave as the reason. */
export function abortError(signal: AbortSignal): TouchmarkError {
  const reason: unknown = signal.reason;
  if (reason instanceof TouchmarkError) return reason;
  if (reason instanceof Error && reason.name === 'TimeoutError') {
    return new TouchmarkError('net-timeout', 'the time allowed for the whole command is over', {
      retryable: true,
      hint: 'allow more time with --timeout',
    });
  }
  return new TouchmarkError('interrupted', 'interrupted', { cause: reason });
}

const LOST = new Set([
  'ECONNRESET',
  'EPIPE',
  'ECONNABORTED',
  'HPE_INVALID_EOF_STATE',
  'ERR_STREAM_PREMATURE_CLOSE',
]);
const TLS =
  /^(?:ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|EPROTO|INVALID_CA|CRL_)/;

/** Gives a fault of node:http, node:tls or node:dns its reason code. */
export function networkError(error: unknown, url: URL, when: 'asking' | 'reading'): TouchmarkError {
  if (error instanceof TouchmarkError) return error;
  const known = error as NodeJS.ErrnoException;
  const code = known.code ?? '';
  const make = (reason: ReasonCode, message: string, facts: ErrorFacts = {}) =>
    new TouchmarkError(reason, message, {
      retryable: reason !== 'net-tls',
      details: { host: url.host, ...(code && { cause: code }) },
      cause: error,
      ...facts,
    });
  if (LOST.has(code)) {
    return markTransient(
      when === 'reading'
        ? make('net-protocol', `${url.host} broke off in the middle of its answer`)
        : make('net-unreachable', `the connection to ${url.host} was lost`),
    );
  }
  if (code === 'EAI_AGAIN')
    return markTransient(make('net-unreachable', `the name ${url.hostname} could not be looked up`));
  if (code === 'ENOTFOUND') {
    return make('net-unreachable', `there is no host ${url.hostname}`, {
      hint: 'check the spelling of the registry',
    });
  }
  if (TLS.test(code)) {
    return make('net-tls', `no trusted TLS connection to ${url.host}: ${known.message.trim()}`, {
      hint: `give the certificate authority that signed it, or name ${url.host} as an insecure registry`,
    });
  }
  if (code.startsWith('HPE_')) {
    return make('net-protocol', `${url.host} does not answer in HTTP`, { retryable: false });
  }
  if (code === 'ECONNREFUSED') return make('net-unreachable', `${url.host} refuses connections`);
  return make('net-unreachable', `${url.host} cannot be reached: ${known.message || code}`);
}

const TLS_NOT_SPOKEN =
  /wrong version number|packet length too long|unknown protocol|before secure TLS connection/i;

/** True when the peer answered a TLS handshake with something that is not TLS. */
export function isTlsNotSpoken(error: unknown): boolean {
  const cause = error instanceof TouchmarkError ? error.cause : undefined;
  return cause instanceof Error && TLS_NOT_SPOKEN.test(cause.message);
}
