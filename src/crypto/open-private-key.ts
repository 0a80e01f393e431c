import { createPrivateKey, type KeyObject } from 'node:crypto';
import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { shellQuote } from '../base/shell-quote.js';
import { OID } from './algorithms.js';
import { DER, type DerElement, membersOf, parseDer, smallInteger } from './der.js';
import { decryptPrivateKey } from './encrypted-key.js';
import { identifyKeyFile, type KeyFile, type KeyFileFormat } from './key-file-format.js';
import type { PasswordSource, PrivateKey } from './keys.js';
import { parsePkcs1, parsePkcs8, parseSec1, wipe } from './private-key.js';

export interface OpenedKey {
  readonly key: PrivateKey;
  readonly format: KeyFileFormat;
  readonly isEncrypted: boolean;
}

/** OpenSSL's password callback takes no more. */
const OPENSSL_PASSWORD_SIZE = 1024;

/**
 * Opens a private key file of any form that is read here: cosign's, PKCS#8 plain and encrypted, SEC1, PKCS#1, and
 * OpenSSL's old encrypted PEM. The password is asked for only once the file is known to need one.
 *
 * @throws TouchmarkError `key-empty`, `key-too-large`, `key-malformed`, `key-parameters`, `key-unsupported`,
 * `key-not-private`, `key-wrong-password`, and what `password` throws
 */
export async function openPrivateKey(
  bytes: Uint8Array,
  where: string,
  password: PasswordSource,
): Promise<OpenedKey> {
  const file = identifyKeyFile(bytes, where);
  if (!file.isPrivate) {
    fail('key-not-private', `${where} is a public key; a private key is needed here`, {
      details: { key: where },
      hint: where.endsWith('.pub')
        ? `is it ${where.replace(/\.pub$/, '.key')} that you mean?`
        : 'give the .key file',
    });
  }
  if (!file.isEncrypted) return { key: parsePlain(file, where), format: file.format, isEncrypted: false };
  if (file.format === 'pkcs8-encrypted') checkPkcs5(file.block.der, where);
  const secret = await password({ purpose: 'open', what: where });
  const isCosign = file.format === 'sigstore' || file.format === 'cosign';
  const key = isCosign ? await decryptPrivateKey(bytes, secret, where) : openWithOpenssl(file, secret, where);
  return { key, format: file.format, isEncrypted: true };
}

function parsePlain(file: KeyFile, where: string): PrivateKey {
  if (file.format === 'sec1') return parseSec1(file.block.der, where, file.curve);
  return file.format === 'pkcs1' ? parsePkcs1(file.block.der, where) : parsePkcs8(file.block.der, where);
}

function openWithOpenssl(file: KeyFile, password: Uint8Array, where: string): PrivateKey {
  const details = { key: where };
  if (password.length > OPENSSL_PASSWORD_SIZE) {
    fail('key-wrong-password', `the password for ${where} has more than ${OPENSSL_PASSWORD_SIZE} bytes`, {
      details,
    });
  }
  const passphrase = Buffer.from(password);
  let opened: KeyObject;
  try {
    opened =
      file.format === 'pkcs8-encrypted'
        ? createPrivateKey({ key: Buffer.from(file.block.der), format: 'der', type: 'pkcs8', passphrase })
        : createPrivateKey({ key: file.block.text, format: 'pem', passphrase });
  } catch (cause) {
    if (/UNSUPPORTED/.test(String((cause as NodeJS.ErrnoException).code))) {
      fail('key-unsupported', `${where} is encrypted with an algorithm that is no longer offered`, {
        details,
        hint: `encrypt it anew: openssl pkcs8 -topk8 -provider legacy -provider default -in ${shellQuote(where)}`,
      });
    }
    return fail('key-wrong-password', `the password does not open ${where}, or the file is damaged`, {
      details,
    });
  } finally {
    wipe(passphrase);
  }
  const pkcs8 = opened.export({ format: 'der', type: 'pkcs8' });
  try {
    return parsePkcs8(pkcs8, where);
  } finally {
    wipe(pkcs8);
  }
}

/**
 * Bounds what an encrypted PKCS#8 file makes OpenSSL compute (RFC 8018): the iterations of PBKDF2 and of PKCS#12, and
 * scrypt's N·r·p.
 */
function checkPkcs5(encrypted: Uint8Array, where: string): void {
  const outer = membersOf(parseDer(encrypted)?.[0], DER.sequence, DER.octetString);
  if (outer === undefined) {
    fail('key-malformed', `${where} is not an encrypted PKCS#8 key`, { details: { key: where } });
  }
  const algorithm = elementsIn(outer[0]);
  const scrypt = algorithm.findIndex(element => Buffer.compare(element.bytes, OID.scrypt) === 0);
  const numbers = algorithm.filter(element => element.tag === DER.integer).map(toNumber);
  // Salts are strings, so a number is an iteration count, a cost or a length; scrypt's N, r and p come first.
  const work =
    scrypt < 0 ? Math.max(0, ...numbers) : numbers.slice(0, 3).reduce((product, n) => product * n, 1);
  const most = scrypt < 0 ? LIMITS.keyIterations : LIMITS.scryptWork;
  if (work > most) {
    fail('key-parameters', `${where} asks for too much work before it opens (${work}; at most ${most})`, {
      details: { key: where },
      hint: 'encrypt it anew: openssl pkcs8 -topk8',
    });
  }
}

function toNumber(element: DerElement): number {
  return smallInteger(element) ?? Number.POSITIVE_INFINITY;
}

/** The element and all below it, in order; PKCS#5 nests no deeper than six levels. */
function elementsIn(element: DerElement | undefined, depth = 0): readonly DerElement[] {
  if (element === undefined || depth > 8) return [];
  return [element, ...(membersOf(element) ?? []).flatMap(member => elementsIn(member, depth + 1))];
}
