import type { ExactJsonObject } from '../../base/json.js';
import type { Envelope } from '../envelope.js';
import type { Hashes, RoleKeys } from '../metadata.js';
import type { NotaryKey } from './keys.js';

/** A signature and the algorithm that its signer says it is of. */
export interface NotarySignature {
  readonly method: string;
  readonly bytes: Uint8Array;
}

/** A metadata file, read but not verified. */
export interface NotaryEnvelope extends Omit<Envelope, 'signatures'> {
  /** By keyid, each once; undefined for what is not base64. */
  readonly signatures: ReadonlyMap<string, NotarySignature | undefined>;
}

export interface NotaryPayload {
  readonly version: number;
  readonly expires: Date;
  readonly raw: ExactJsonObject;
}

export interface NotaryMetadata<T extends NotaryPayload = NotaryPayload> {
  readonly envelope: NotaryEnvelope;
  readonly payload: T;
}

export interface NotaryRoot extends NotaryPayload {
  readonly keys: ReadonlyMap<string, NotaryKey>;
  readonly roles: ReadonlyMap<string, RoleKeys>;
}

/** Length and hashes (hex here, base64 in the file) of a file. */
export interface NotaryFile {
  readonly length: number;
  readonly hashes: Hashes;
}

/** Of timestamp and snapshot: files by role name, without `.json`. */
export interface NotaryListing extends NotaryPayload {
  readonly meta: ReadonlyMap<string, NotaryFile>;
}

export interface NotaryDelegation extends RoleKeys {
  /** `targets/releases`, always below the role that delegates. */
  readonly name: string;
  /** Prefixes of target names, not patterns; `''` is every name, no prefix at all is none. */
  readonly prefixes: readonly string[];
}

export interface NotaryTargets extends NotaryPayload {
  /** By tag: the manifest's size and hashes. */
  readonly targets: ReadonlyMap<string, NotaryFile>;
  readonly keys: ReadonlyMap<string, NotaryKey>;
  readonly delegations: readonly NotaryDelegation[];
}
