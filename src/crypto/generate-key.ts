import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { CURVES } from './algorithms.js';
import type { KeyKind, PrivateKey } from './keys.js';
import { parsePkcs8, wipe } from './private-key.js';

const generate = promisify(generateKeyPair);

/** Makes a new key pair. RSA-4096 takes a second or so; nothing else is noticed. */
export async function generateKey(kind: KeyKind): Promise<PrivateKey> {
  const { privateKey } = await generateByKind(kind);
  const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' });
  try {
    return parsePkcs8(pkcs8, 'the new key');
  } finally {
    wipe(pkcs8);
  }
}

function generateByKind(kind: KeyKind) {
  const curve = CURVES.find(known => known.kind === kind);
  if (curve !== undefined) return generate('ec', { namedCurve: curve.name });
  if (kind === 'ed25519') return generate('ed25519');
  return generate('rsa', { modulusLength: Number(kind.slice('rsa-'.length)), publicExponent: 65537 });
}
