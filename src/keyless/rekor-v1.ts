import { createHash } from 'node:crypto';
import { decodeUtf8, equalBytes, fromBase64, toBase64, toHex, utf8 } from '../base/bytes.js';
import { fail } from '../base/errors.js';
import { Field } from '../base/fields.js';
import { parseJson } from '../base/json.js';
import { LIMITS } from '../base/limits.js';
import { formatPem } from '../crypto/pem.js';
import type { ServiceAnswer } from '../oci/http/index.js';
import type { StoreAccess } from '../oci/open.js';
import { hashText, type LogEntry, type LoggedSignature, numberText, refuseEntry } from './log-entry.js';
import { below, callService, readAnswer, refused } from './service.js';

const WHO = 'the transparency log';
/** A tree's number, which old servers leave out, and the hash of the leaf. */
const ENTRY_ID = /^(?:[0-9a-f]{16})?([0-9a-f]{64})$/;

/**
 * Enters a signature into a Rekor v1: as `hashedrekord` 0.0.1 over a digest, as `dsse` 0.0.1 over an envelope. An entry that
 * is there already is fetched.
 * @throws TouchmarkError `service-mismatch` when the log answers with an entry of something else; `format-service`,
 * `service-rejected`, `net-*`
 */
export async function addToRekorV1(
  access: StoreAccess,
  url: URL,
  signed: LoggedSignature,
): Promise<LogEntry> {
  const call = {
    method: 'POST',
    url: below(url, 'api/v1/log/entries'),
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: utf8(JSON.stringify(proposedEntry(signed))),
    who: WHO,
  } as const;
  const added = await callService(access, call);
  if (added.status === 201 || added.status === 200) return readEntry(added, url, signed);
  if (added.status !== 409) return refused(added, call);
  return readEntry(await fetchExisting(access, url, added), url, signed);
}

/** Only the entry's name is taken from the header: where it is asked for stays with the user. */
async function fetchExisting(access: StoreAccess, url: URL, conflict: ServiceAnswer): Promise<ServiceAnswer> {
  const location = conflict.headers['location'];
  const id = typeof location === 'string' ? (location.split('/').at(-1) ?? '') : '';
  if (!ENTRY_ID.test(id))
    fail('format-service', `${url.host} has the entry already and does not say which it is`, {
      details: { host: url.host },
    });
  const call = {
    method: 'GET',
    url: below(url, `api/v1/log/entries/${id}`),
    headers: { accept: 'application/json' },
    who: WHO,
  } as const;
  const answer = await callService(access, call);
  return answer.status === 200 ? answer : refused(answer, call);
}

function pemOf({ certificate }: LoggedSignature): string {
  return toBase64(formatPem('CERTIFICATE', certificate));
}

function proposedEntry(signed: LoggedSignature): unknown {
  const { content } = signed;
  if (content.kind === 'message') {
    const data = { hash: { algorithm: 'sha256', value: toHex(content.digest) } };
    const signature = { content: toBase64(signed.signature), publicKey: { content: pemOf(signed) } };
    return { apiVersion: '0.0.1', kind: 'hashedrekord', spec: { data, signature } };
  }
  const envelope = JSON.stringify({
    payload: toBase64(content.payload),
    payloadType: content.payloadType,
    signatures: [{ sig: toBase64(signed.signature) }],
  });
  const proposedContent = { envelope, verifiers: [pemOf(signed)] };
  return { apiVersion: '0.0.1', kind: 'dsse', spec: { proposedContent } };
}

function readEntry(answer: ServiceAnswer, { host }: URL, signed: LoggedSignature): LogEntry {
  const entries = readAnswer(answer, WHO);
  const [id = '', ...others] = Object.keys(entries.object());
  const leaf = ENTRY_ID.exec(id)?.[1];
  if (leaf === undefined || others.length > 0) return entries.fail('must hold one entry by its id');
  const entry = entries.get(id);
  const body = base64(entry.get('body'));
  if (toHex(createHash('sha256').update(Uint8Array.of(0)).update(body).digest()) !== leaf)
    return refuseEntry(host, 'its id is not the hash of what it holds');
  const kindVersion = requireSame(body, host, signed);
  const verification = entry.get('verification');
  const proof = verification.get('inclusionProof');
  return {
    logIndex: numberText(entry.get('logIndex')),
    logId: { keyId: hashText(entry.get('logID')) },
    kindVersion,
    integratedTime: numberText(entry.get('integratedTime')),
    inclusionPromise: { signedEntryTimestamp: toBase64(base64(verification.get('signedEntryTimestamp'))) },
    inclusionProof: {
      logIndex: numberText(proof.get('logIndex')),
      rootHash: hashText(proof.get('rootHash')),
      treeSize: numberText(proof.get('treeSize')),
      hashes: proof.get('hashes').empty
        ? []
        : proof.get('hashes').array(LIMITS.inclusionHashes).map(hashText),
      checkpoint: { envelope: proof.get('checkpoint').string(LIMITS.signedNoteSize) },
    },
    canonicalizedBody: toBase64(body),
  };
}

/** The entry must say what was sent. PEM is compared as it was sent: the log stores it as it came. */
function requireSame(body: Uint8Array, host: string, signed: LoggedSignature): LogEntry['kindVersion'] {
  const value = parseJson(body, `the entry of ${host}`, { code: 'format-service' });
  const entry = new Field(value, 'entry', 'format-service');
  const { content } = signed;
  const kind = content.kind === 'message' ? 'hashedrekord' : 'dsse';
  if (entry.get('kind').value !== kind || entry.get('apiVersion').value !== '0.0.1')
    return refuseEntry(host, 'it is of another kind');
  const spec = entry.get('spec');
  const [hash, signature, verifier] =
    content.kind === 'message'
      ? [
          spec.get('data').get('hash'),
          spec.get('signature').get('content'),
          spec.get('signature').get('publicKey').get('content'),
        ]
      : readDsse(spec);
  const digest =
    content.kind === 'message' ? content.digest : createHash('sha256').update(content.payload).digest();
  if (hash.get('algorithm').value !== 'sha256' || hash.get('value').value !== toHex(digest))
    return refuseEntry(host, 'it is over another digest');
  if (!equalBytes(base64(signature), signed.signature))
    return refuseEntry(host, 'it holds another signature');
  if (!sameText(verifier, pemOf(signed))) return refuseEntry(host, 'it names another signer');
  return { kind, version: '0.0.1' };
}

function readDsse(spec: Field): readonly [Field, Field, Field] {
  const [signature, ...more] = spec.get('signatures').array(8);
  if (signature === undefined || more.length > 0)
    return spec.get('signatures').fail('must hold one signature');
  return [spec.get('payloadHash'), signature.get('signature'), signature.get('verifier')];
}

/** The same PEM but for the end of the last line. */
function sameText(field: Field, expected: string): boolean {
  const text = (base64Text: string) => decodeUtf8(fromBase64(base64Text) ?? new Uint8Array())?.trim();
  return text(field.string()) === text(expected);
}

function base64(field: Field): Uint8Array {
  return fromBase64(field.string()) ?? field.fail('is not base64');
}
