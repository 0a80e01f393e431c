import type { TouchmarkError } from '../base/errors.js';

/** One attempt at one HTTP request, for debugging and for counting. Never holds credentials. */
export interface RequestEvent {
  readonly method: string;
  /** Without user, password or query values that could be secret. */
  readonly url: string;
  /** Absent when no answer came. */
  readonly status?: number;
  readonly milliseconds: number;
  /** The server's clock, where its answer says it. */
  readonly serverTime?: Date;
  readonly error?: TouchmarkError;
}

/** Explicit credentials, above every file and helper. */
export interface RegistryCredentials {
  readonly username?: string;
  readonly password?: string;
  /** Sent as a bearer token as it is. */
  readonly token?: string;
}

/** How stores reach the outside world. Everything is optional; the defaults are the safe ones. */
export interface StoreOptions {
  /** Ends every request; carries the deadline of the whole command and Ctrl-C. */
  readonly signal?: AbortSignal;
  /** No socket is opened: a registry reference fails with `net-offline`. */
  readonly offline?: boolean;
  /** Registries (`host[:port]`) that may be spoken to over http, or over https with a certificate that does not verify. */
  readonly insecureRegistries?: readonly string[];
  /** PEM certificates trusted besides Node's own. */
  readonly certificateAuthorities?: string;
  readonly credentials?: RegistryCredentials;
  /** The environment for proxies, HOME, DOCKER_CONFIG and the like. Default `process.env`. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly userAgent?: string;
  /** Requests in flight to one registry at once. Default 8. */
  readonly concurrency?: number;
  readonly onRequest?: (event: RequestEvent) => void;
  /** A registry's own warnings and what the client had to work around, once per text. */
  readonly onWarning?: (message: string) => void;
}
