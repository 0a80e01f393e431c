import { z } from 'zod';
import { LINT_SEVERITIES } from '../policy/lint-finding.js';

/** Fields of the documents about policies. Objects are open: fields are added, never removed or changed. */

const finding = z.looseObject({
  code: z.string().describe('kebab-case; more may be added'),
  severity: z
    .enum(LINT_SEVERITIES)
    .describe('error: cannot do what it says; warning: protects less than it seems to; note: worth knowing'),
  line: z.int().min(1).nullable(),
  column: z.int().min(1).nullable().describe('in UTF-16 units, from 1'),
  path: z.string().describe('what it is about: flow[0].threshold'),
  message: z.string(),
  hint: z.string().describe('what to do about it'),
});
const findings = z.array(finding).describe('in the order of the file');

const policy = z.looseObject({
  name: z.string(),
  version: z.int().min(1),
  expires: z.string().nullable().describe('RFC 3339, UTC; null: never'),
  digest: z.string().describe('of the bytes of the document'),
  teams: z.array(
    z.looseObject({
      name: z.string(),
      signers: z.array(z.looseObject({ name: z.string(), keyids: z.array(z.string()) })),
    }),
  ),
});

const error = z.looseObject({
  code: z.string(),
  message: z.string(),
  hint: z.string().nullable(),
  retryable: z.boolean(),
  details: z
    .record(z.string(), z.unknown())
    .describe('line and column of the problem, problems: all of them'),
});

export const policyInitFields = {
  dryRun: z.boolean(),
  file: z.string(),
  document: z.string().describe('what was, or would be, written'),
  policy,
  findings,
};

export const policyCheckFields = {
  failOn: z.enum(LINT_SEVERITIES),
  files: z.array(
    z.looseObject({
      file: z.string(),
      ok: z.boolean().describe('sound, and nothing found at or above failOn'),
      policy: policy.nullable().describe('null when the file is not a sound policy'),
      findings,
      error: error.nullable().describe('why it is not'),
    }),
  ),
};

const digest = z.string().regex(/^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/);
const code = z.string().describe('reason code, kebab-case; more may be added');

export const policyExplainFields = {
  reference: z.string(),
  pinned: z.string().describe('the reference by digest'),
  through: digest.nullable().describe('the index that the image was reached through'),
  verdict: z.string().describe('what custody verify says: pass, fail or indeterminate'),
  code: code.nullable().describe('null exactly when the verdict is pass'),
  level: z.string().nullable().describe('what every layer reached; null where no chain holds'),
  policy: z.looseObject({ name: z.string(), version: z.int(), digest }),
  rules: z
    .array(
      z.looseObject({
        rule: z
          .string()
          .describe(
            'expiry, scope, chain, step NAME, approval NAME, config STEP, metadata KEY, predicate NAME, …',
          ),
        kind: z.string(),
        state: z
          .string()
          .describe(
            'held, not-held, undecided, or not-reached: something before it does not hold, or nothing is there to judge',
          ),
        asks: z.string(),
        claims: z.array(
          z.looseObject({
            claim: digest,
            team: z.string(),
            signers: z.array(z.string()),
            threshold: z.int().describe('signers that are asked for'),
            time: z.string().describe('RFC 3339, UTC'),
            age: z.int().describe('whole seconds since time'),
            until: z.string().nullable().describe('when it is too old; null: its age is not asked for'),
            remaining: z.int().nullable().describe('whole seconds until then'),
          }),
        ),
        findings: z.array(
          z.looseObject({ code, severity: z.string(), where: z.string(), message: z.string() }),
        ),
        fix: z.string().nullable().describe('a command, or advice; null where nothing is wrong'),
      }),
    )
    .describe('in the order of the check'),
};
