import { decodeUtf8, fromAnyBase64, toBase64, utf8 } from '../base/bytes.js';
import type { Field } from '../base/fields.js';
import { LIMITS } from '../base/limits.js';
import type { StoreAccess } from '../oci/open.js';
import { type LogEntry, type LoggedSignature, numberText, refuseEntry } from './log-entry.js';
import { below, callService, readAnswer, refused } from './service.js';

const WHO = 'the transparency log';
const ENTRY = { kind: 'hashedrekord', version: '0.0.2' } as const;

/**
 * Enters a signature into a Rekor v2 (a log of tiles), which answers when the entry is in its tree. Every signature goes in
 * as `hashedrekord` 0.0.2 over the digest that was signed: of an envelope, its pre-authentication encoding. Such an entry
 * has no time of its own.
 * @throws TouchmarkError `service-mismatch` when the log answers with an entry of something else; `format-service`, `service-rejected`, `net-*`
 */
export async function addToRekorV2(
  access: StoreAccess,
  url: URL,
  signed: LoggedSignature,
): Promise<LogEntry> {
  const digest = toBase64(signed.content.digest);
  const call = {
    method: 'POST',
    url: below(url, 'api/v2/log/entries'),
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: utf8(JSON.stringify({ hashedRekordRequestV002: { digest, signature: signatureOf(signed) } })),
    who: WHO,
  } as const;
  const answer = await callService(access, call);
  if (answer.status !== 200 && answer.status !== 201) return refused(answer, call);
  return readEntry(readAnswer(answer, WHO), url, signed);
}

/** The signature as request and entry write it; members in the order of RFC 8785. */
function signatureOf({ signature, certificate }: LoggedSignature) {
  const x509Certificate = { rawBytes: toBase64(certificate) };
  return {
    content: toBase64(signature),
    verifier: { keyDetails: 'PKIX_ECDSA_P256_SHA_256', x509Certificate },
  };
}

function readEntry(entry: Field, { host }: URL, signed: LoggedSignature): LogEntry {
  const kind = entry.get('kindVersion');
  if (kind.get('kind').value !== ENTRY.kind || kind.get('version').value !== ENTRY.version)
    return refuseEntry(host, 'it is of another kind');
  const body = base64(entry.get('canonicalizedBody'));
  if (decodeUtf8(body) !== entryOf(signed)) return refuseEntry(host, 'it does not hold what was sent');
  const proof = entry.get('inclusionProof');
  const logIndex = indexOf(entry);
  return {
    logIndex,
    logId: { keyId: hash(entry.get('logId').get('keyId')) },
    kindVersion: ENTRY,
    inclusionProof: {
      logIndex: indexOf(proof),
      rootHash: hash(proof.get('rootHash')),
      treeSize: numberText(proof.get('treeSize')),
      hashes: proof.get('hashes').empty ? [] : proof.get('hashes').array(LIMITS.inclusionHashes).map(hash),
      checkpoint: { envelope: proof.get('checkpoint').get('envelope').string(LIMITS.signedNoteSize) },
    },
    canonicalizedBody: toBase64(body),
  };
}

/**
 * The whole entry, in its canonical form (RFC 8785), as a verifier will rebuild it from the bundle. Members stand in that
 * order here, and nothing in their values needs an escape.
 */
function entryOf(signed: LoggedSignature): string {
  const data = { algorithm: 'SHA2_256', digest: toBase64(signed.content.digest) };
  const spec = { hashedRekordV002: { data, signature: signatureOf(signed) } };
  return JSON.stringify({ apiVersion: ENTRY.version, kind: ENTRY.kind, spec });
}

/** The first entry of a log: writers of protobuf leave a zero out. */
function indexOf(field: Field): string {
  const index = field.get('logIndex');
  return index.empty ? '0' : numberText(index);
}

function base64(field: Field): Uint8Array {
  return fromAnyBase64(field.string()) ?? field.fail('is not base64');
}

function hash(field: Field): string {
  const bytes = base64(field);
  return bytes.length === 32 ? toBase64(bytes) : field.fail('must be a SHA-256');
}
