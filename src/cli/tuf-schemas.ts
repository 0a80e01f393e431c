import { z } from 'zod';

/** Fields of the documents about a TUF repository that is being authored. Fields are added, never removed or changed. */

const keyid = z.string().describe('hex SHA-256 of the canonical JSON of the key');
const version = z.int().min(1);
const time = z.string().describe('RFC 3339, UTC');
const dir = z.string().describe('folder of the repository');
const role = z.string();

const holder = z.looseObject({ keyid, label: z.string().nullable().describe('what its authors call it') });

const standing = z.looseObject({
  by: z.string().describe('whose keys they are: root, the root before it, or the delegating role'),
  threshold: z.int(),
  enough: z.boolean(),
  signed: z.array(holder),
  missing: z.array(holder).describe('who has not signed; not all of them need to'),
});

const changes = z.array(
  z.looseObject({
    role,
    version,
    before: z.int().nullable().describe('the version that it is compared with; null for the first'),
    changes: z.array(
      z
        .looseObject({ kind: z.string(), text: z.string().describe('the change in words') })
        .describe('further fields by kind; kinds may be added'),
    ),
  }),
);

const signed = z.array(
  z.looseObject({
    role,
    version,
    added: z.array(keyid).describe('keys whose signature is new'),
    standing: z.array(standing),
  }),
);

const roleKeys = { threshold: z.int(), keys: z.array(holder) };

export const tufInitFields = {
  dir,
  roles: z.array(z.looseObject({ role, ...roleKeys, expiryDays: z.int() })),
};

export const tufEditFields = {
  dir,
  staged: z.array(
    z.looseObject({
      role,
      version,
      changed: z.boolean().describe('false: it says so already'),
      droppedSignatures: z.int().describe('they were over what was staged before'),
    }),
  ),
  changes,
};

export const tufRoleListFields = {
  dir,
  roles: z.array(
    z.looseObject({
      role: role.describe('of bins the beginning of their names'),
      delegator: role.nullable(),
      ...roleKeys,
      paths: z.array(z.string()).nullable().describe('patterns; null for the top-level roles and bins'),
      terminating: z.boolean(),
      bins: z.int().nullable().describe('how many share this entry'),
    }),
  ),
};

export const tufTargetListFields = {
  dir,
  targets: z.array(
    z.looseObject({
      role,
      path: z.string(),
      length: z.int().describe('bytes'),
      hashes: z.record(z.string(), z.string()),
      custom: z.record(z.string(), z.unknown()).nullable(),
    }),
  ),
};

export const tufDiffFields = { dir, roles: changes };

export const tufSignFields = { dir, dryRun: z.boolean(), changes, signed };

const publication = z
  .looseObject({
    place: z.string(),
    digest: z.string().describe('what its tag names now'),
    changed: z.boolean().describe('false: all of it was there already'),
    files: z.int(),
    uploaded: z.looseObject({ files: z.int(), bytes: z.int() }),
  })
  .nullable()
  .describe('null when only the folder was published to');

export const tufPublishFields = {
  dir,
  versions: z.record(z.string(), version).describe('every role of which there is a new version now'),
  gap: z
    .boolean()
    .describe('who read in between was refused once: keys changed without the old ones signing what is new'),
  destination: publication,
};

export const tufRefreshFields = {
  dir,
  refreshed: z.boolean().describe('false: nothing was due'),
  timestamp: version,
  snapshot: version.nullable().describe('null: it was not signed anew'),
  expires: time.describe('of the timestamp'),
  destination: publication,
};

export const tufStatusFields = {
  dir,
  roles: z.array(
    z.looseObject({
      role,
      delegator: role.nullable(),
      published: z
        .looseObject({ version, expires: time, daysLeft: z.int().describe('whole days; negative: expired') })
        .nullable(),
      staged: z.looseObject({ version, expires: time, standing: z.array(standing) }).nullable(),
    }),
  ),
  bins: z.array(z.looseObject({ prefix: z.string(), count: z.int(), staged: z.int() })),
  attention: z
    .array(
      z.looseObject({
        role,
        kind: z.string().describe('expired, expires, unsigned or unpublished; more may be added'),
        message: z.string(),
        hint: z.string(),
      }),
    )
    .describe('what somebody has to do'),
};

export const tufResetFields = { dir, dropped: z.array(role) };

export const tufExportFields = {
  dir,
  file: z.string(),
  roles: z.array(z.looseObject({ role, version, digest: z.string(), standing: z.array(standing) })),
  changes,
};

export const tufSignPayloadFields = {
  file: z.string().nullable().describe('the signatures; null with --dry-run'),
  changes,
  signed: z.array(
    z.looseObject({
      role,
      version,
      digest: z.string().describe('of the bytes that were signed'),
      signatures: z.array(z.looseObject({ keyid, sig: z.string() })),
    }),
  ),
};

export const tufImportFields = { dir, signed };
