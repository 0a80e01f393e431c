import { z } from 'zod';

/** Fields of the documents about claims that were signed. Objects are open: fields are added, never removed or changed. */

const digest = z.string().regex(/^sha256:[a-f0-9]{64}$/);
const keyid = z.string().regex(/^[a-f0-9]{64}$/);
const document = z.looseObject({}).describe('the claim, as it was signed');
const artifact = digest
  .nullable()
  .describe('the custody artifact that holds it; null when nothing was written');

const about = {
  dryRun: z.boolean(),
  reference: z.string().describe('as given'),
  digest: digest.describe('what the reference resolved to'),
  pinned: z.string().describe('the reference by digest'),
};

const statement = z.looseObject({
  subject: digest,
  claim: digest,
  document,
  keyids: z.array(keyid),
  artifact: digest,
});

export const custodyMarkFields = {
  ...about,
  base: z.string().nullable().describe('the base by digest'),
  claims: z
    .array(
      z.looseObject({
        subject: digest.describe('the image'),
        platform: z.string(),
        kind: z.string().describe('add, config, adopt or approve; more may be added'),
        team: z.string(),
        step: z.string(),
        claim: digest,
        document,
        signatures: z.array(
          z.looseObject({
            subject: digest,
            carrier: z.string(),
            keyid,
            scheme: z.string(),
            documentDigest: digest,
            added: z.boolean().describe('false: was there already'),
          }),
        ),
        artifact,
        chain: z
          .array(z.looseObject({ team: z.string(), step: z.string(), signers: z.array(z.string()) }))
          .describe('base first, this claim in it; empty with --dry-run'),
        signers: z.array(z.string()).describe('of the team, who have signed this claim by now'),
        missingSigners: z.int().min(0).describe('signers that are missing before the claim counts'),
      }),
    )
    .describe('one a platform'),
  index: statement.nullable().describe('the claim about the index as a whole'),
};

export const custodyWithdrawFields = {
  ...about,
  withdrawals: z.array(
    z.looseObject({
      subject: digest,
      withdrawn: z.looseObject({ claim: digest, kind: z.string(), step: z.string(), time: z.string() }),
      claim: digest.describe('of the withdrawing claim'),
      document,
      keyids: z.array(keyid),
      artifact,
    }),
  ),
};

export const custodyClaimFields = {
  reference: z.string(),
  pinned: z.string(),
  claims: z.array(
    z.looseObject({
      subject: digest,
      claim: digest,
      document,
      command: z.string().describe('makes the mark with stock cosign, for a POSIX shell'),
      artifact,
    }),
  ),
};
