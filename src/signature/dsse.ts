import { concatBytes, utf8 } from '../base/bytes.js';

/** Payload type of in-toto statements. */
export const IN_TOTO_PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** The pre-authentication encoding: what a DSSE signature is over (DSSE protocol v1.0.2). Lengths are bytes, decimal. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = utf8(payloadType);
  return concatBytes(utf8(`DSSEv1 ${type.length} ${payloadType} ${payload.length} `), payload);
}
