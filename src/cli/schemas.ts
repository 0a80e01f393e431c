import { z } from 'zod';
import { KEY_KINDS } from '../crypto/keys.js';
import { policyDocumentSchema } from '../policy/schema.js';
import { attributeFields } from './attribute-schemas.js';
import { blameFields } from './blame-schemas.js';
import { custodyClaimFields, custodyMarkFields, custodyWithdrawFields } from './claiming-schemas.js';
import { custodyShowFields } from './custody-schemas.js';
import { diffFields } from './diff-schemas.js';
import { policyFactsFields } from './facts-schemas.js';
import {
  copyFields,
  custodyVerifyFields,
  doctorFields,
  inspectFields,
  signFields,
  treeFields,
  trustField,
  verifyFields,
} from './image-schemas.js';
import { inheritanceFields } from './inheritance-schemas.js';
import { notaryImportFields, notaryInspectFields, notaryVerifyFields } from './notary-schemas.js';
import { policyCheckFields, policyExplainFields, policyInitFields } from './policy-schemas.js';
import { custodyExportFields, promoteFields } from './promote-schemas.js';
import {
  tufDiffFields,
  tufEditFields,
  tufExportFields,
  tufImportFields,
  tufInitFields,
  tufPublishFields,
  tufRefreshFields,
  tufResetFields,
  tufRoleListFields,
  tufSignFields,
  tufSignPayloadFields,
  tufStatusFields,
  tufTargetListFields,
} from './tuf-schemas.js';
import { tufCheckoutFields, tufVerifyFields } from './tuf-source-schemas.js';

/**
 * What the command line's own documents look like, and those it reads. Read by the build, which writes the JSON Schemas;
 * commands import types only. Fields are added, never removed or changed.
 */

const tool = z.object({ name: z.string(), version: z.string() });
const detail = z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]);

const error = z
  .object({
    code: z.string().describe('reason code, kebab-case; more may be added'),
    message: z.string(),
    hint: z.string().nullable().describe('what to do about it'),
    retryable: z.boolean().describe('the same call may succeed later'),
    details: z.record(z.string(), detail),
  })
  .describe('why no decision was reached');

/** Fields that every document has; `fields` are the command's own. */
export function documentSchema<T extends z.ZodRawShape>(name: string, fields: T) {
  return z.looseObject({
    schema: z.literal(`urn:touchmark:schema:${name}:v1`),
    tool,
    ok: z.boolean().describe('true exactly when exitCode is 0'),
    exitCode: z.int().min(0).max(255),
    startedAt: z.iso.datetime(),
    warnings: z.array(z.string()),
    error: error.nullable(),
    ...fields,
  });
}

const keyKind = z.enum(KEY_KINDS);
const keyid = z
  .string()
  .regex(/^[a-f0-9]{64}$/)
  .describe('hex SHA-256 of the public key (SubjectPublicKeyInfo, DER)');

const writtenKey = {
  keyid,
  kind: keyKind,
  privateKey: z.string().describe('file that was written'),
  publicKey: z.string().describe('file that was written'),
  encrypted: z.boolean().describe('false when it was asked to be written in plain'),
};

const keyFacts = {
  file: z.string().describe('path, or env://VARIABLE'),
  format: z.string().describe('form of the key file; more may be added'),
  private: z.boolean(),
  encrypted: z.boolean(),
  scrypt: z.object({ N: z.int(), r: z.int(), p: z.int() }).nullable(),
  keyid: keyid.nullable().describe('null for an encrypted private key that was not opened'),
  kind: keyKind.nullable(),
  hint: z.string().nullable().describe('how sigstore bundles name the key'),
  scheme: z.string().nullable().describe('what touchmark signs with'),
};

export const SCHEMAS = {
  failure: documentSchema('failure', { ok: z.literal(false), error }),
  attribute: documentSchema('attribute', attributeFields),
  blame: documentSchema('blame', blameFields),
  diff: documentSchema('diff', diffFields),
  help: documentSchema('help', { text: z.string() }),
  'schema-list': documentSchema('schema-list', { names: z.array(z.string()) }),
  schema: documentSchema('schema', { name: z.string(), jsonSchema: z.record(z.string(), z.unknown()) }),
  'key-generate': documentSchema('key-generate', writtenKey),
  'key-import': documentSchema('key-import', writtenKey),
  'key-show': documentSchema('key-show', { ...keyFacts, publicKey: z.string().nullable().describe('PEM') }),
  'key-list': documentSchema('key-list', {
    keys: z.array(
      z.looseObject({
        ...keyFacts,
        pairedWith: z.string().nullable().describe('the other half, by file name'),
        mismatch: z.boolean().describe('the two halves are different keys'),
      }),
    ),
    unusable: z.array(z.looseObject({ file: z.string(), error })),
  }),
  'key-export': documentSchema('key-export', {
    keyid,
    kind: keyKind,
    publicKey: z.string().describe('PEM'),
    file: z.string().nullable().describe('file that was written'),
  }),
  'key-passwd': documentSchema('key-passwd', { keyid, kind: keyKind, file: z.string() }),
  sign: documentSchema('sign', signFields),
  verify: documentSchema('verify', verifyFields),
  'custody-export': documentSchema('custody-export', custodyExportFields),
  'custody-verify': documentSchema('custody-verify', custodyVerifyFields),
  'custody-show': documentSchema('custody-show', {
    reference: z.string(),
    pinned: z.string().describe('the reference by digest'),
    through: z.string().nullable().describe('the index that the image was reached through'),
    ...custodyShowFields,
  }),
  inspect: documentSchema('inspect', inspectFields),
  tree: documentSchema('tree', treeFields),
  'tree-inheritance': documentSchema('tree-inheritance', { ...inheritanceFields, trust: trustField }),
  copy: documentSchema('copy', copyFields),
  promote: documentSchema('promote', promoteFields),
  doctor: documentSchema('doctor', doctorFields),
  'policy-init': documentSchema('policy-init', policyInitFields),
  'policy-check': documentSchema('policy-check', policyCheckFields),
  'policy-explain': documentSchema('policy-explain', policyExplainFields),
  'policy-facts': documentSchema('policy-facts', policyFactsFields),
  'custody-mark': documentSchema('custody-mark', custodyMarkFields),
  'custody-withdraw': documentSchema('custody-withdraw', custodyWithdrawFields),
  'custody-claim': documentSchema('custody-claim', custodyClaimFields),
  'tuf-init': documentSchema('tuf-init', tufInitFields),
  'tuf-edit': documentSchema('tuf-edit', tufEditFields),
  'tuf-role-list': documentSchema('tuf-role-list', tufRoleListFields),
  'tuf-target-list': documentSchema('tuf-target-list', tufTargetListFields),
  'tuf-diff': documentSchema('tuf-diff', tufDiffFields),
  'tuf-sign': documentSchema('tuf-sign', tufSignFields),
  'tuf-publish': documentSchema('tuf-publish', tufPublishFields),
  'tuf-refresh': documentSchema('tuf-refresh', tufRefreshFields),
  'tuf-status': documentSchema('tuf-status', tufStatusFields),
  'tuf-reset': documentSchema('tuf-reset', tufResetFields),
  'tuf-export': documentSchema('tuf-export', tufExportFields),
  'tuf-sign-payload': documentSchema('tuf-sign-payload', tufSignPayloadFields),
  'tuf-import': documentSchema('tuf-import', tufImportFields),
  'tuf-checkout': documentSchema('tuf-checkout', tufCheckoutFields),
  'tuf-verify': documentSchema('tuf-verify', tufVerifyFields),
  'tuf-notary-inspect': documentSchema('tuf-notary-inspect', notaryInspectFields),
  'tuf-notary-import': documentSchema('tuf-notary-import', notaryImportFields),
  'tuf-notary-verify': documentSchema('tuf-notary-verify', notaryVerifyFields),
  'custody-policy': policyDocumentSchema,
} satisfies Record<string, z.ZodType>;
