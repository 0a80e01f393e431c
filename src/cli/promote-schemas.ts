import { z } from 'zod';
import { custodyVerifyFields } from './image-schemas.js';

/** Fields of the documents about what travels. As in image-schemas: fields are added, never removed or changed. */

const digest = z.string().regex(/^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/);

const outcome = custodyVerifyFields.images.element;

export const promoteFields = {
  dryRun: z.boolean(),
  promoted: z
    .boolean()
    .describe('the destination passed and its tag, where one was asked for, points at the image'),
  digest,
  destination: z.string().describe('as given'),
  repository: z
    .string()
    .nullable()
    .describe('the repository that both ends are judged as; null where neither belongs to one'),
  tag: z.string().nullable(),
  replaced: digest.nullable().describe('what the tag pointed at before; null when it did not exist'),
  refusedAt: z
    .string()
    .nullable()
    .describe('source or destination: the end that does not pass; null when neither was refused'),
  verdicts: z.looseObject({
    source: outcome,
    destination: outcome.nullable().describe('null: nothing was sent'),
  }),
  copied: z
    .looseObject({
      manifests: z.int(),
      blobs: z.int(),
      bytes: z.int().min(0).describe('sent; what was there already is not'),
      attachments: z.array(z.string()),
      referrers: z.array(digest),
    })
    .nullable(),
  approvals: z.array(
    z.looseObject({
      subject: digest.describe('the image, or one image of the index'),
      team: z.string(),
      step: z.string(),
      claim: digest,
      document: z.looseObject({}).describe('the claim, as it is signed'),
      keyids: z.array(z.string()).describe('keys that signed it now; empty with --dry-run'),
    }),
  ),
};

export const custodyExportFields = {
  image: outcome.describe('the verdict that the claims stand behind'),
  statements: z
    .array(
      z.looseObject({
        _type: z.string(),
        subject: z
          .array(z.looseObject({ name: z.string(), digest: z.record(z.string(), z.string()) }))
          .length(1),
        predicateType: z.string(),
        predicate: z.looseObject({}).describe('the claim'),
      }),
    )
    .describe('in-toto statements, unsigned; base first, then approvals; empty when the verdict is no yes'),
  file: z.string().nullable().describe('file that was written'),
};
