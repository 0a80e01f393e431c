import { z } from 'zod';
import { AUDIT_SEVERITIES } from '../tuf/audit/finding.js';

const version = z.int().min(1);

export const tufCheckoutFields = {
  place: z.string().describe('the repository'),
  folder: z.string(),
  state: z
    .enum(['created', 'updated', 'current', 'ahead'])
    .describe('ahead: the folder has published what the repository does not have; nothing was changed'),
  versions: z.looseObject({ root: version, timestamp: version, snapshot: version, targets: version }),
  roles: z.int().describe('delegated roles and targets'),
  written: z.int().describe('files of metadata'),
  staged: z.array(z.string()).describe('roles with staged changes, left as they are'),
  setAside: z.array(z.string()).describe('files that others published in other versions, where they are now'),
  firstRoot: version.describe('the first root that the repository still has'),
  targets: z.looseObject({
    fetched: z.int(),
    missing: z.array(z.string()).describe('listed, and not kept in the repository'),
  }),
};

export const tufVerifyFields = {
  failOn: z.enum(AUDIT_SEVERITIES),
  place: z.string().describe('the repository'),
  roots: z.looseObject({ first: version, given: version, last: version }),
  roles: z.array(
    z.looseObject({
      name: z.string(),
      version,
      expires: z.iso.datetime(),
      threshold: z.int(),
      keys: z.int(),
      signed: z.int().describe('distinct keys whose signatures verify'),
      delegators: z.array(z.string()),
      size: z.int().describe('bytes of its file'),
      targets: z.int().describe('how many it lists'),
    }),
  ),
  bins: z
    .looseObject({ count: z.int(), targets: z.int(), nextExpiry: z.iso.datetime() })
    .nullable()
    .describe('hash bins, when there are too many to list'),
  history: z
    .int()
    .nullable()
    .describe('earlier versions looked at; null where the place cannot say which files it has'),
  contents: z.int().nullable().describe('targets that were read; null without --targets'),
  findings: z.array(
    z.looseObject({
      code: z.string().describe('more may be added'),
      severity: z.enum(AUDIT_SEVERITIES).describe('error: clients refuse it'),
      role: z.string().nullable(),
      file: z.string().nullable(),
      message: z.string(),
      hint: z.string(),
    }),
  ),
};
