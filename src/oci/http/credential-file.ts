import { readFile, stat } from 'node:fs/promises';
import { decodeUtf8, fromAnyBase64 } from '../../base/bytes.js';
import { fail } from '../../base/errors.js';
import { Field } from '../../base/fields.js';
import { parseJson } from '../../base/json.js';
import { LIMITS } from '../../base/limits.js';

/** What proves to a registry who asks. Held in memory only; never part of an error, an event or a log. */
export interface Secret {
  readonly username?: string;
  readonly password?: string;
  /** Exchanged for bearer tokens by the refresh-token grant. */
  readonly identityToken?: string;
  /** Sent as a bearer token as it is. */
  readonly registryToken?: string;
}

/** Docker's config.json, or podman's auth.json, which has the same shape. */
export interface CredentialFile {
  /** The path, or the name of the variable that holds the text. */
  readonly name: string;
  readonly auths: ReadonlyMap<string, Field>;
  readonly credHelpers: ReadonlyMap<string, string>;
  readonly credsStore?: string;
  /** To be sent with every request to a registry, but to nobody else. */
  readonly httpHeaders: ReadonlyMap<string, string>;
}

/**
 * @returns undefined when the file does not exist
 * @throws TouchmarkError `oci-credentials` when it cannot be read or is not what it should be
 */
export async function loadCredentialFile(path: string): Promise<CredentialFile | undefined> {
  let bytes: Uint8Array;
  try {
    // Before opening: a FIFO would wait for a writer for ever.
    const { size } = await stat(path).then(s =>
      s.isFile() ? s : fail('oci-credentials', `${path} is not a file`),
    );
    if (size > LIMITS.credentialFileSize)
      fail('oci-credentials', `${path} has ${size} bytes: no credential file`);
    bytes = await readFile(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === 'oci-credentials') throw error;
    return fail('oci-credentials', `the credential file ${path} cannot be read (${code})`, { cause: error });
  }
  return parseCredentialFile(bytes, path);
}

/** @throws TouchmarkError `oci-credentials` naming the path inside the document, never a value */
export function parseCredentialFile(bytes: Uint8Array, name: string): CredentialFile {
  const document = parseJson(bytes, name, { code: 'oci-credentials', maxSize: LIMITS.credentialFileSize });
  const field = new Field(document, name, 'oci-credentials');
  const auths = new Map<string, Field>();
  if (!field.get('auths').empty) {
    for (const key of Object.keys(field.get('auths').object())) auths.set(key, field.get('auths').get(key));
  }
  const credsStore = field.get('credsStore').optionalString();
  return {
    name,
    auths,
    credHelpers: new Map(Object.entries(field.get('credHelpers').stringMap())),
    ...(credsStore && { credsStore }),
    httpHeaders: new Map(Object.entries(field.get('HttpHeaders').stringMap())),
  };
}

/**
 * Reads one entry of `auths`. Docker leaves empty entries where a helper keeps the secret.
 * @returns undefined when it holds nothing
 * @throws TouchmarkError `oci-credentials`
 */
export function parseAuthEntry(entry: Field): Secret | undefined {
  if (entry.empty) return undefined;
  const secret: { -readonly [K in keyof Secret]: Secret[K] } = {};
  const auth = entry.get('auth').optionalString();
  if (auth) {
    const bytes = fromAnyBase64(auth);
    const text = bytes && decodeUtf8(bytes);
    const colon = text?.indexOf(':') ?? -1;
    if (text === undefined || colon < 0) return entry.get('auth').fail('is not base64 of user:password');
    secret.username = text.slice(0, colon);
    secret.password = text.slice(colon + 1).replace(/\0+$/, '');
  } else {
    secret.username = entry.get('username').optionalString() ?? '';
    secret.password = entry.get('password').optionalString() ?? '';
  }
  const identityToken = entry.get('identitytoken').optionalString();
  if (identityToken) secret.identityToken = identityToken;
  const registryToken = entry.get('registrytoken').optionalString();
  if (registryToken) secret.registryToken = registryToken;
  return secret.username || secret.password || identityToken || registryToken ? secret : undefined;
}
