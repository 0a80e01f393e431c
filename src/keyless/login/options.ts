import type { StoreAccess } from '../../oci/open.js';

/** A login of a person at an OpenID Connect issuer. */
export interface LoginOptions {
  /** Its signal ends the login too. */
  readonly access: StoreAccess;
  /** As the issuer calls itself; its configuration is found below it. */
  readonly issuer: URL;
  /** A public client: there is no secret. */
  readonly clientId: string;
  /** The time right now; a login takes minutes. */
  readonly clock: () => Date;
  /** Bytes that nobody can guess. */
  readonly random: (length: number) => Uint8Array;
  /** Milliseconds until the login is given up; default and most `LIMITS.loginTime`. */
  readonly time?: number;
}
