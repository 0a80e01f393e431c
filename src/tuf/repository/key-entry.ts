import { decodeUtf8 } from '../../base/bytes.js';
import { fail } from '../../base/errors.js';
import type { ExactJsonObject } from '../../base/json.js';
import type { KeyKind, PublicKey, SignatureScheme, Signer } from '../../crypto/keys.js';
import { serializePublicKey } from '../../crypto/public-key.js';
import { computeKeyid } from '../keys.js';
import { record } from './objects.js';

/** A key as authors name it: the key, and who holds it. */
export interface LabelledKey {
  readonly key: PublicKey;
  /** For people: a name, a place. Stands in the metadata, for everybody to read. */
  readonly label?: string;
}

/** A key as it goes into metadata. */
export interface KeyEntry {
  readonly keyid: string;
  readonly raw: ExactJsonObject;
}

interface Form {
  readonly keytype: string;
  readonly scheme: string;
  readonly signs: SignatureScheme;
}

/** TUF goes by the hash of the curve; RSA is PSS because go-tuf knows no other. */
const FORMS: Readonly<Record<'p256' | 'p384' | 'p521' | 'ed25519' | 'rsa', Form>> = {
  p256: { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp256', signs: 'ecdsa-p256-sha256' },
  p384: { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp384', signs: 'ecdsa-p384-sha384' },
  p521: { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp521', signs: 'ecdsa-p521-sha512' },
  ed25519: { keytype: 'ed25519', scheme: 'ed25519', signs: 'ed25519' },
  rsa: { keytype: 'rsa', scheme: 'rsassa-pss-sha256', signs: 'rsa-pss-sha256' },
};

function formOf(kind: KeyKind): Form {
  if (kind.startsWith('rsa-')) return FORMS.rsa;
  return FORMS[kind.replace('ecdsa-', '') as keyof typeof FORMS];
}

/** The scheme that a private key signs metadata with: to be asked for when it is opened. */
export function metadataScheme(kind: KeyKind): SignatureScheme {
  return formOf(kind).signs;
}

/** The entry of a key, its keyid made from it as the specification has it (4.2). */
export function makeKeyEntry(key: PublicKey): KeyEntry {
  const { keytype, scheme } = formOf(key.kind);
  const value =
    keytype === 'ed25519'
      ? Buffer.from(key.spki.subarray(-32)).toString('hex')
      : (decodeUtf8(serializePublicKey(key)) ?? '');
  const raw = record({ keytype, scheme, keyval: record({ public: value }) });
  return { keyid: computeKeyid(raw), raw };
}

/** @throws TouchmarkError `usage-argument` when it signs with a scheme that metadata does not have for its key */
export function requireMetadataScheme(signer: Signer): void {
  const { kind } = signer.publicKey;
  // PKCS#1 v1.5 is what roots of others may ask an RSA key for.
  if (signer.scheme === formOf(kind).signs || signer.scheme === 'rsa-pkcs1-sha256') return;
  fail('usage-argument', `metadata is not signed with ${signer.scheme}`, {
    hint: `open the key with the scheme ${formOf(kind).signs}`,
  });
}
