import { createHash } from 'node:crypto';
import { equalBytes } from '../base/bytes.js';
import { fail } from '../base/errors.js';
import { DER, type DerElement, der, membersOf, parseDer, smallInteger } from '../crypto/der.js';
import type { StoreAccess } from '../oci/open.js';
import { callService, refused } from './service.js';

/** RFC 3161 as far as the asking side needs it. */
const OID = {
  sha256: Buffer.from('0609608648016503040201', 'hex'),
  signedData: Buffer.from('06092a864886f70d010702', 'hex'),
  timestampInfo: Buffer.from('060b2a864886f70d0109100104', 'hex'),
} as const;
const BOOLEAN_TRUE = Uint8Array.of(0x01, 0x01, 0xff);
const WHO = 'the timestamp authority';

/**
 * Asks a timestamp authority (RFC 3161, over HTTP) when `signed` was there.
 * @param request.url the whole address, such as `https://timestamp.example/api/v1/timestamp`
 * @returns the whole response, DER, as bundles keep it; who signed it is for the verifier to check
 * @throws TouchmarkError `service-mismatch` for a timestamp of something else; `format-service`, `service-rejected`, `net-*`
 */
export async function requestTimestamp(
  access: StoreAccess,
  request: {
    readonly url: URL;
    readonly signed: Uint8Array;
    readonly random: (length: number) => Uint8Array;
  },
): Promise<Uint8Array> {
  const hash = createHash('sha256').update(request.signed).digest();
  const imprint = der(DER.sequence, der(DER.sequence, OID.sha256, der(DER.null)), der(DER.octetString, hash));
  const nonce = positiveInteger(request.random(8));
  const version = der(DER.integer, Uint8Array.of(1));
  const call = {
    method: 'POST',
    url: request.url,
    headers: { 'content-type': 'application/timestamp-query', accept: 'application/timestamp-reply' },
    body: der(DER.sequence, version, imprint, nonce, BOOLEAN_TRUE),
    who: WHO,
  } as const;
  const answer = await callService(access, call);
  if (answer.status !== 200 && answer.status !== 201) return refused(answer, call);
  const info = readInfo(answer.bytes, call.url);
  // TSTInfo: version, policy, imprint, serial number, time, and then what is optional.
  if (!isImprint(info[2], hash))
    fail('service-mismatch', `${call.url.host} stamped something else than was sent to it`, {
      details: { host: call.url.host },
    });
  if (!info.slice(5).some(member => equalBytes(member.bytes, nonce)))
    fail('service-mismatch', `${call.url.host} answered with the timestamp of another request`, {
      details: { host: call.url.host },
    });
  return answer.bytes;
}

/** Some authorities leave out the NULL behind the algorithm (RFC 5754, section 2). */
function isImprint(element: DerElement | undefined, hash: Uint8Array): boolean {
  const [algorithm, octets, ...more] = membersOf(element, DER.sequence, DER.octetString) ?? [];
  const [name, parameter, ...others] = membersOf(algorithm, DER.oid) ?? [];
  const plain = parameter === undefined || is(parameter, der(DER.null));
  return (
    is(name, OID.sha256) &&
    plain &&
    equalBytes(octets?.content ?? new Uint8Array(), hash) &&
    more.length + others.length === 0
  );
}

/** As an INTEGER above zero, in its one form. */
function positiveInteger(bytes: Uint8Array): Uint8Array {
  const content = Uint8Array.from(bytes);
  content[0] = ((content[0] ?? 0) & 0x7f) | 0x40;
  return der(DER.integer, content);
}

function readInfo(bytes: Uint8Array, { host }: URL): readonly DerElement[] {
  const malformed = (problem: string): never =>
    fail('format-service', `the answer of ${host} is no timestamp: ${problem}`, { details: { host } });
  const outer = parseDer(bytes);
  const response = outer?.length === 1 ? membersOf(outer[0], DER.sequence) : undefined;
  const status = smallInteger(membersOf(response?.[0], DER.integer)?.[0]);
  if (status === undefined) return malformed('it has no status');
  // 0 granted, 1 granted with changes; all others are refusals.
  if (status > 1)
    fail('service-rejected', `${WHO} (${host}) refused: status ${status} of RFC 3161`, {
      details: { host, status },
    });
  const token = membersOf(response?.[1], DER.oid, DER.context0);
  if (!token || !is(token[0], OID.signedData)) return malformed('it holds no signed data');
  const signedData = membersOf(membersOf(token[1])?.[0], DER.integer, SET, DER.sequence);
  const content = membersOf(signedData?.[2], DER.oid, DER.context0);
  if (!content || !is(content[0], OID.timestampInfo)) return malformed('what is signed is no TSTInfo');
  const octets = membersOf(content[1], DER.octetString)?.[0]?.content;
  const info = octets && membersOf(parseDer(octets)?.[0], DER.integer, DER.oid, DER.sequence, DER.integer);
  return info ?? malformed('its TSTInfo cannot be read');
}

const SET = 0x31;

function is(element: DerElement | undefined, bytes: Uint8Array): boolean {
  return element !== undefined && equalBytes(element.bytes, bytes);
}
