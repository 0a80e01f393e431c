import { utf8 } from '../base/bytes.js';
import type { Digest } from '../base/digest.js';
import { Field } from '../base/fields.js';
import { type JsonValue, parseJson } from '../base/json.js';
import { LIMITS } from '../base/limits.js';

/** `critical.type` of every payload that is a container image signature. */
export const SIMPLE_SIGNING_TYPE = 'cosign container image signature';

/** A simple-signing payload: what a `.sig` signature is over. */
export interface SimpleSigningPayload {
  /** `critical.identity.docker-reference`: the repository that was signed for. */
  readonly dockerReference: string;
  /** `critical.image.docker-manifest-digest`. */
  readonly manifestDigest: Digest;
  /** `critical.type`. */
  readonly type: string;
  /** `optional`: annotations as the signer gave them; any JSON. */
  readonly annotations: Readonly<Record<string, JsonValue>>;
}

/**
 * Parses the payload that a signature has been verified over. The reading must be the same in every language:
 * duplicate keys, keys that differ only in case, and unknown members of `critical` are refused.
 * @throws TouchmarkError `format-payload`, `limit-exceeded`
 */
export function parsePayload(bytes: Uint8Array): SimpleSigningPayload {
  const value = parseJson(bytes, 'the payload', {
    code: 'format-payload',
    maxSize: LIMITS.payloadSize,
  });
  const payload = new Field(value, 'payload', 'format-payload').onlyKeys(['critical', 'optional'], true);
  const critical = payload.get('critical').onlyKeys(['identity', 'image', 'type'], true);
  const optional = payload.get('optional');
  return {
    dockerReference: critical
      .get('identity')
      .onlyKeys(['docker-reference'], true)
      .get('docker-reference')
      .string(),
    manifestDigest: critical
      .get('image')
      .onlyKeys(['docker-manifest-digest'], true)
      .get('docker-manifest-digest')
      .digest(),
    type: critical.get('type').string(),
    annotations: optional.empty ? {} : optional.object(),
  };
}

/**
 * Serializes a payload to the exact bytes that cosign writes for the same content: compact, fixed member order,
 * annotations sorted by the bytes of their keys, Go's escaping, `null` without annotations.
 */
export function serializePayload(payload: {
  readonly dockerReference: string;
  readonly manifestDigest: Digest;
  readonly annotations: Readonly<Record<string, string>>;
}): Uint8Array {
  const reference = goJsonString(payload.dockerReference);
  const digest = goJsonString(payload.manifestDigest);
  const optional = Object.keys(payload.annotations).length === 0 ? 'null' : goJsonMap(payload.annotations);
  return utf8(
    `{"critical":{"identity":{"docker-reference":${reference}},"image":{"docker-manifest-digest":${digest}},` +
      `"type":${goJsonString(SIMPLE_SIGNING_TYPE)}},"optional":${optional}}`,
  );
}

const HTML_UNSAFE = /[<>&\u2028\u2029]/g;

/** A string as Go's `encoding/json` writes it: as JSON.stringify, and `<`, `>`, `&`, U+2028, U+2029 escaped. */
export function goJsonString(text: string): string {
  return JSON.stringify(text).replace(
    HTML_UNSAFE,
    c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** A string map as Go writes it. Built as text, because JavaScript would move keys such as "10" to the front. */
export function goJsonMap(map: Readonly<Record<string, string>>): string {
  const keys = Object.keys(map).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return `{${keys.map(key => `${goJsonString(key)}:${goJsonString(map[key] ?? '')}`).join(',')}}`;
}
