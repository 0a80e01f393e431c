import { utf8 } from '../base/bytes.js';
import { type Digest, digestAlgorithm, digestHex } from '../base/digest.js';
import { Field } from '../base/fields.js';
import { type JsonValue, parseJson } from '../base/json.js';
import { LIMITS } from '../base/limits.js';
import { goJsonMap, goJsonString } from './payload.js';

export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
/** What cosign 3 signs images with. Any other predicate says something about an image, not "signed". */
export const SIGN_PREDICATE_TYPE = 'https://sigstore.dev/cosign/sign/v1';

export interface StatementSubject {
  /** The repository, where the signer named one; cosign leaves it out. */
  readonly name: string | undefined;
  /** By algorithm, as written: `sha256` -> hex. */
  readonly digest: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, JsonValue>>;
}

/** An in-toto statement, as far as a signature needs it. */
export interface Statement {
  readonly type: string;
  readonly predicateType: string;
  readonly subjects: readonly StatementSubject[];
}

/**
 * Parses an in-toto statement whose envelope has been verified.
 * @throws TouchmarkError `format-bundle`, `limit-exceeded`
 */
export function parseStatement(bytes: Uint8Array): Statement {
  const value = parseJson(bytes, 'the statement', {
    code: 'format-bundle',
    maxSize: LIMITS.payloadSize,
  });
  const statement = new Field(value, 'statement', 'format-bundle').onlyKeys([
    '_type',
    'subject',
    'predicateType',
    'predicate',
  ]);
  return {
    type: statement.get('_type').string(),
    predicateType: statement.get('predicateType').string(),
    subjects: statement
      .get('subject')
      .array(LIMITS.statementSubjects)
      .map(field => {
        field.onlyKeys(['name', 'digest', 'annotations', 'uri', 'content', 'downloadLocation', 'mediaType']);
        const name = field.get('name').optionalString();
        return {
          name: name === '' ? undefined : name,
          digest: field.get('digest').stringMap(),
          annotations: field.get('annotations').empty ? {} : field.get('annotations').object(),
        };
      }),
  };
}

/**
 * Serializes the statement that says "this image is signed", as cosign 3 writes it, with one more member: the subject's
 * `name` is the repository it is signed for, so that a signature in this format is bound to a repository too.
 */
export function serializeSignStatement(statement: {
  readonly repository: string;
  readonly manifestDigest: Digest;
  readonly annotations: Readonly<Record<string, string>>;
}): Uint8Array {
  const digest = { [digestAlgorithm(statement.manifestDigest)]: digestHex(statement.manifestDigest) };
  const subject =
    `{"name":${goJsonString(statement.repository)},"digest":${goJsonMap(digest)},` +
    `"annotations":${goJsonMap(statement.annotations)}}`;
  return utf8(
    `{"_type":${goJsonString(STATEMENT_TYPE)},"subject":[${subject}],` +
      `"predicateType":${goJsonString(SIGN_PREDICATE_TYPE)},"predicate":{}}`,
  );
}
