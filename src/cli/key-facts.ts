import type { KeyDescription, KeyKind, ScryptParameters } from '../crypto/index.js';

/** What is said about a key file in JSON: plain values, never the key object. */
export interface KeyFacts {
  readonly file: string;
  readonly format: string;
  readonly private: boolean;
  readonly encrypted: boolean;
  readonly scrypt: ScryptParameters | null;
  readonly keyid: string | null;
  readonly kind: KeyKind | null;
  readonly hint: string | null;
  readonly scheme: string | null;
}

export function toKeyFacts({ where, format, isPrivate, isEncrypted, scrypt, key }: KeyDescription): KeyFacts {
  return {
    file: where,
    format,
    private: isPrivate,
    encrypted: isEncrypted,
    scrypt: scrypt ?? null,
    keyid: key?.keyid ?? null,
    kind: key?.kind ?? null,
    hint: key?.hint ?? null,
    scheme: key?.scheme ?? null,
  };
}
