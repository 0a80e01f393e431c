import { fromBase64, utf8 } from '../base/bytes.js';
import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';

/** One block of a PEM file (RFC 7468; RFC 1421 headers as OpenSSL writes them). */
export interface PemBlock {
  /** What stands behind BEGIN: `PUBLIC KEY`. */
  readonly type: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly der: Uint8Array;
  /** The block alone, from BEGIN to END, as it stood. */
  readonly text: string;
}

const BOUNDARY = /^-----(?:BEGIN|END)/;
const BEGIN = /^-----BEGIN ([A-Z0-9][A-Z0-9 ]{0,63})-----$/;
const HEADER = /^([A-Za-z0-9-]{1,64}):[ \t]*(.*)$/;

/**
 * Reads every PEM block of a key file. Text around the blocks is passed over, as Go's `pem.Decode` does, but anything
 * that begins like a block must be a whole one: a reader that skips a damaged block would go on to another key.
 *
 * @throws TouchmarkError `key-empty`, `key-too-large`, `key-malformed`
 */
export function parsePem(bytes: Uint8Array, where: string): readonly PemBlock[] {
  const details = { key: where };
  if (bytes.length > LIMITS.keyFileSize) {
    fail('key-too-large', `${where} has more than ${LIMITS.keyFileSize} bytes: it is not a key`, { details });
  }
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .toString('latin1')
    .split('\n')
    .map(line => line.trimEnd());
  if (lines.every(line => line === '')) fail('key-empty', `${where} is empty`, { details });
  const malformed = (problem: string, hint?: string): never =>
    fail('key-malformed', `${where} is not a usable key file: ${problem}`, {
      details,
      ...(hint && { hint }),
    });

  const blocks: PemBlock[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? '';
    if (!BOUNDARY.test(line)) continue;
    const type = BEGIN.exec(line)?.[1];
    if (type === undefined) return malformed(`line ${i + 1} is neither the begin nor the end of a PEM block`);
    const end = lines.findIndex((other, j) => j > i && BOUNDARY.test(other));
    if (end < 0 || lines[end] !== `-----END ${type}-----`) {
      return malformed(
        `the ${type} block that begins in line ${i + 1} has no matching end; the file may be cut short`,
      );
    }
    const { headers, start } = readHeaders(lines, i + 1, end);
    const body = lines
      .slice(start, end)
      .join('')
      .replace(/[ \t\r]/g, '');
    const der = body === '' ? undefined : fromBase64(body);
    if (der === undefined) return malformed(`the ${type} block does not hold valid base64`);
    blocks.push({ type, headers, der, text: `${lines.slice(i, end + 1).join('\n')}\n` });
    i = end;
  }
  if (blocks.length === 0) {
    const isDer = bytes[0] === 0x30 && (bytes[1] ?? 0) >= 0x2a;
    return malformed(
      'it has no PEM block (-----BEGIN …-----)',
      isDer
        ? 'it looks like DER: convert it with openssl pkey -inform DER (add -pubin for a public key)'
        : undefined,
    );
  }
  return blocks;
}

function readHeaders(lines: readonly string[], from: number, end: number) {
  const headers = new Map<string, string>();
  let start = from;
  for (; start < end; start++) {
    const match = HEADER.exec(lines[start] ?? '');
    if (!match?.[1]) break;
    headers.set(match[1], match[2] ?? '');
  }
  return { headers, start };
}

/** Writes one block as Go and OpenSSL do: 64 characters a line, a newline behind END. */
export function formatPem(type: string, content: Uint8Array): Uint8Array {
  const base64 = Buffer.from(content.buffer, content.byteOffset, content.length).toString('base64');
  const lines = base64.match(/.{1,64}/g) ?? [];
  return utf8(`-----BEGIN ${type}-----\n${lines.join('\n')}\n-----END ${type}-----\n`);
}
