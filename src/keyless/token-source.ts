import { createReadStream } from 'node:fs';
import { concatBytes, decodeUtf8 } from '../base/bytes.js';
import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { asFileError, isMissing } from '../files/safe-files.js';
import {
  type IdentityToken,
  looksLikeToken,
  parseIdentityToken,
  type TokenExpectations,
} from './identity-token.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a token is to be had. */
export type TokenSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'text'; readonly text: string };

/**
 * What a flag's value says: `env://VARIABLE`, a file, or the token itself as cosign takes it, though others on the machine
 * can read the arguments of a process.
 * @throws TouchmarkError `usage-argument`; the value is not in it
 */
export function parseTokenSource(value: string): TokenSource {
  if (looksLikeToken(value)) return { kind: 'text', text: value };
  if (value.startsWith('env://')) {
    const name = value.slice('env://'.length);
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return { kind: 'variable', name };
    return refuse('names no variable');
  }
  if (value === '' || value.includes('\0') || value.length > 4096) return refuse('is no path');
  return { kind: 'file', path: value };
}

function refuse(problem: string): never {
  return fail('usage-argument', `the source of the identity token ${problem}`, {
    hint: 'give a file or env://VARIABLE',
  });
}

/** @throws TouchmarkError `token-missing`, `token-invalid`, `token-expired`, `io-failed` */
export async function loadIdentityToken(
  source: TokenSource,
  expected: Omit<TokenExpectations, 'from'>,
  environment: Environment,
): Promise<IdentityToken> {
  switch (source.kind) {
    case 'text':
      return parseIdentityToken(source.text, { ...expected, from: 'the argument' });
    case 'variable': {
      const from = `the variable ${source.name}`;
      const text = environment[source.name]?.trim();
      if (!text) return fail('token-missing', `${from} is not set`, { details: { variable: source.name } });
      return parseIdentityToken(text, { ...expected, from });
    }
    case 'file': {
      const text = await readTokenFile(source.path);
      return parseIdentityToken(text.trim(), {
        ...expected,
        from: JSON.stringify(source.path.slice(0, 300)),
      });
    }
  }
}

async function readTokenFile(path: string): Promise<string> {
  const details = { file: path };
  const parts: Uint8Array[] = [];
  try {
    // A stream, because the file may be a pipe; with room for the end of a line.
    const end = LIMITS.identityTokenSize + 2;
    for await (const chunk of createReadStream(path, { end })) parts.push(chunk);
  } catch (error) {
    if (isMissing(error))
      return fail('token-missing', `there is no file ${JSON.stringify(path)} with an identity token`, {
        details,
      });
    throw asFileError(error, 'read', path);
  }
  const text = decodeUtf8(concatBytes(...parts));
  return text ?? fail('token-invalid', `${JSON.stringify(path)} is not text`, { details });
}
