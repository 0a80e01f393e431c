import { z } from 'zod';
import { custodyReport } from './custody-schemas.js';

/**
 * Fields of the documents about images. Objects are open: fields are added, never removed or changed, and lists of words
 * (`verdict`, `code`, `carrier`) may grow.
 */

const digest = z.string().regex(/^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/);
const size = z.int().min(0).describe('bytes');
const code = z.string().describe('reason code, kebab-case; more may be added');
const carrier = z.string().describe('simplesigning or bundle; more may be added');
const annotations = z.record(z.string(), z.unknown());
const stringMap = z.record(z.string(), z.string());
const problem = z.looseObject({ source: z.string(), code, message: z.string() });

const error = z.looseObject({
  code,
  message: z.string(),
  hint: z.string().nullable(),
  retryable: z.boolean(),
  details: z.record(z.string(), z.unknown()),
});

const claim = z.looseObject({
  type: z.string().describe('critical.type, or the predicate type'),
  repository: z.string().nullable().describe('the repository signed for, where the signer named one'),
  annotations,
});

const check = z.looseObject({
  id: z.string(),
  result: z.enum(['passed', 'failed', 'not-checked']),
  message: z.string(),
});

const judgedSignature = z.looseObject({
  carrier,
  source: z.string().describe('tag and position, or digest of the referrer'),
  valid: z.boolean(),
  code: code.nullable().describe('why it does not count; null when it does'),
  keyid: z.string().nullable(),
  key: z.string().nullable().describe('the key as it was named on the command line'),
  scheme: z.string().nullable(),
  payloadDigest: digest.describe('of the bytes that were signed'),
  claim: claim.nullable().describe('what the signer said; null until the signature has been verified'),
  checks: z.array(check),
});

const release = z
  .looseObject({
    name: z.string().describe('registry/repository:tag'),
    role: z.string().describe('the TUF role that says so'),
    digest,
  })
  .describe('what the tag was released as; null where that is not recorded, or TUF was not asked');

const verifiedImage = z.looseObject({
  reference: z.string().describe('as given'),
  digest: digest.nullable(),
  mediaType: z.string().nullable(),
  pinned: z.string().nullable().describe('the reference by digest: what was verified'),
  through: digest.nullable().describe('the index whose signature covers this image'),
  level: z.string().nullable().describe('manifest, or blobs when config and layers were read too'),
  ok: z.boolean(),
  verdict: z.string().describe('verified, or the name of the exit code'),
  code: code.nullable(),
  exitCode: z.int().min(0).max(255),
  message: z.string(),
  threshold: z.looseObject({ required: z.int(), valid: z.int(), signers: z.array(z.string()) }),
  checks: z.array(
    z.looseObject({
      id: z.string(),
      ok: z.boolean(),
      code: code.nullable(),
      subject: z.string(),
      message: z.string(),
      details: z.record(z.string(), z.unknown()),
    }),
  ),
  signatures: z.array(judgedSignature),
  problems: z.array(problem.extend({ carrier })),
  release: release.nullable(),
  error: error.nullable(),
  custody: custodyReport
    .nullable()
    .optional()
    .describe('with a policy: who put every layer there; null when no verdict was reached'),
  attestation: z
    .looseObject({
      subject: digest,
      keyid: z.string(),
      predicateType: z.string(),
      timeVerified: z.string().describe('RFC 3339, UTC'),
      added: z.boolean().describe('false: this key said the same within the last day'),
    })
    .nullable()
    .optional()
    .describe('with --attest: the signed summary; null where there is none'),
});

const role = z.looseObject({ version: z.int(), expires: z.string().describe('RFC 3339, UTC') });
export const trustField = z
  .looseObject({
    place: z.string(),
    offline: z.boolean().describe('the repository was not asked: what was seen of it last counts'),
    checked: z.string().describe('RFC 3339, UTC: when it was last known to have nothing newer'),
    age: z.int().min(0).describe('whole seconds since checked'),
    roles: z.looseObject({ root: role, timestamp: role, snapshot: role, targets: role }),
  })
  .optional()
  .describe('with --tuf: the metadata that was trusted');

export const custodyVerifyFields = {
  images: z.array(
    verifiedImage
      .pick({
        reference: true,
        digest: true,
        mediaType: true,
        pinned: true,
        through: true,
        ok: true,
        verdict: true,
        code: true,
        exitCode: true,
        message: true,
        release: true,
        error: true,
      })
      .extend({ custody: custodyReport.nullable().describe('null when no verdict was reached') }),
  ),
  trust: trustField,
  summary: z.looseObject({ total: z.int(), verified: z.int() }),
};

export const verifyFields = {
  images: z.array(verifiedImage),
  trust: trustField,
  summary: z.looseObject({ total: z.int(), verified: z.int() }),
};

export const signFields = {
  dryRun: z.boolean(),
  images: z.array(
    z.looseObject({
      reference: z.string(),
      digest: digest.nullable(),
      pinned: z.string().nullable(),
      repository: z.string().nullable(),
      signatures: z.array(
        z.looseObject({
          subject: digest,
          carrier,
          keyid: z.string(),
          scheme: z.string(),
          documentDigest: digest,
          added: z.boolean().describe('false: this key had signed these bytes before'),
        }),
      ),
      planned: z.array(
        z.looseObject({ subject: digest, carrier, documentDigest: digest, document: z.string() }),
      ),
      error: error.nullable(),
    }),
  ),
};

const platform = z.looseObject({ os: z.string(), architecture: z.string(), variant: z.string().optional() });
const attachment = z.looseObject({
  tag: z.string(),
  kind: z.string(),
  digest,
  layers: z.array(
    z.looseObject({ mediaType: z.string(), digest, size, predicateType: z.string().nullable() }),
  ),
});

export const inspectFields = {
  reference: z.string(),
  pinned: z.string(),
  digest,
  mediaType: z.string(),
  size,
  kind: z.enum(['image', 'index']),
  artifactType: z.string().nullable(),
  annotations: stringMap,
  subject: digest.nullable(),
  config: z
    .looseObject({
      digest,
      mediaType: z.string(),
      size,
      os: z.string(),
      architecture: z.string(),
      variant: z.string().nullable(),
      created: z.string().nullable(),
      diffIDs: z.array(digest),
      labels: stringMap,
    })
    .nullable(),
  layers: z.array(
    z.looseObject({ index: z.int(), mediaType: z.string(), digest, size, diffID: digest.nullable() }),
  ),
  manifests: z.array(
    z.looseObject({
      digest,
      mediaType: z.string(),
      size,
      platform: platform.nullable(),
      annotations: stringMap,
    }),
  ),
  signatures: z
    .array(
      z.looseObject({
        carrier,
        source: z.string(),
        payloadDigest: digest,
        keyHint: z.string().nullable(),
        certificate: z.boolean(),
        transparencyLog: z.boolean(),
        timestamp: z.boolean(),
        claim: claim.extend({ digest: z.string().nullable() }).nullable(),
      }),
    )
    .describe('as found: none of them has been verified'),
  attachments: z.array(attachment),
  referrers: z.array(
    z.looseObject({
      digest,
      mediaType: z.string(),
      size,
      artifactType: z.string().nullable(),
      annotations: stringMap,
    }),
  ),
  problems: z.array(problem),
};

const treeNode = z.looseObject({
  kind: z.string(),
  digest: digest.nullable(),
  label: z.string(),
  verdict: z
    .looseObject({ valid: z.boolean(), key: z.string().nullable(), code: code.nullable() })
    .nullable()
    .describe('null when no key was given'),
  get children() {
    return z.array(treeNode);
  },
});

export const treeFields = { reference: z.string(), pinned: z.string(), tree: treeNode };

export const copyFields = {
  source: z.string(),
  destination: z.string(),
  digest,
  manifests: z.int(),
  blobs: z.int(),
  bytes: size,
  attachments: z.array(z.string()),
  referrers: z.array(digest),
};

export const doctorFields = {
  findings: z.array(
    z.looseObject({
      id: z.string().describe('area.topic'),
      result: z.enum(['ok', 'warning', 'failed']),
      message: z.string(),
      hint: z.string().nullable(),
      code: code.nullable(),
    }),
  ),
};
