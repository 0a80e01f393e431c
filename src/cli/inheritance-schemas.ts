import { z } from 'zod';

/**
 * Fields of the document of `tree --inheritance`. As in image-schemas: objects are open, fields are added, never removed or
 * changed, and lists of words (`state`, `code`, `basis`, `kind`, `from`) may grow.
 */

const digest = z.string().regex(/^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/);
const code = z.string().describe('reason code, kebab-case; more may be added');
const age = z.int().nullable().describe('whole seconds since; null for a time that is none');
const state = z
  .string()
  .describe(
    'verified, failed, indeterminate, or unverified where no policy was given; only verified is a yes',
  );

const currency = z
  .looseObject({
    state: z.string().describe('current, behind or unknown; what could not be looked up is never current'),
    names: z.array(
      z.looseObject({
        name: z.string().describe('registry/repository:tag, or the name of a channel'),
        kind: z.string().describe('tag or channel'),
        from: z.string().describe('who calls it so: asked, annotation, claim or policy'),
        state: z.string(),
        by: z.string().nullable().describe('tuf or store; null when nobody could be asked'),
        now: digest.nullable().describe('what it leads to today'),
        behind: z.int().nullable().describe('newer releases of a channel'),
        code: code.nullable(),
        why: z.string().nullable().describe('why it is not known'),
      }),
    ),
  })
  .describe('whether the names under which it was taken still lead to it');

const nodeImage = z.looseObject({
  manifest: digest,
  repository: z.string().nullable(),
  platform: z.string().nullable().describe('os/architecture[/variant]'),
  basis: z.string().describe('how its place is known: proven, asked or self-asserted'),
  asked: z.array(z.string()).describe('references of the command line that are this image'),
  state: state.nullable().describe('of an image that was asked for; null for one on the way'),
  code: code.nullable(),
  marks: z
    .array(
      z.looseObject({
        claim: digest,
        kind: z.string(),
        team: z.string(),
        step: z.string(),
        signers: z.array(z.string()),
        time: z.string().describe('RFC 3339, UTC'),
        age,
      }),
    )
    .describe('by chains that hold'),
  created: z
    .looseObject({ time: z.string(), age })
    .nullable()
    .describe('self-asserted: what its config says; null where that is not known'),
  currency,
  namedBase: z
    .looseObject({ name: z.string().nullable(), digest: digest.nullable(), why: z.string(), code, currency })
    .nullable()
    .describe('self-asserted: a base that it names and that has no place in the tree'),
});

const node = z.looseObject({
  depth: z.int().min(0).describe('layers from scratch up'),
  chainID: z.string().describe('OCI ChainID of these layers; empty for none'),
  adds: z.looseObject({
    layers: z.int().min(0),
    bytes: z.int().min(0).nullable().describe('as they are stored; null: not known'),
  }),
  owners: z
    .array(z.looseObject({ team: z.string(), step: z.string() }))
    .describe('who stands for these layers, by a chain that holds'),
  findings: z
    .looseObject({
      total: z.int().min(0),
      bySeverity: z.record(z.string(), z.int()).describe('critical, high, medium, low, negligible, unknown'),
    })
    .nullable()
    .describe('in the layers that it adds, each once; null: no image that was scanned goes through here'),
  images: z.array(nodeImage).describe('with exactly these layers; empty where images only part'),
  get children(): z.ZodArray<typeof node> {
    return z.array(node);
  },
});

export const inheritanceFields = {
  policy: z
    .looseObject({ name: z.string(), version: z.int(), digest })
    .nullable()
    .describe('null: nothing was verified, and all of it is self-asserted'),
  images: z
    .array(
      z.looseObject({
        reference: z.string().describe('as given'),
        pinned: z.string().nullable().describe('the reference by digest; null when it could not be read'),
        digest: digest.nullable(),
        through: digest.nullable().describe('the index that it was reached through'),
        state,
        code: code.nullable(),
        message: z.string().nullable(),
        scan: z
          .looseObject({
            reports: z.int(),
            findings: z.int(),
            unattributed: z.int().describe('those that belong to no layer, as far as is known'),
          })
          .nullable()
          .describe('with --report: null where none is about this image'),
      }),
    )
    .describe('each image that was asked for'),
  root: node.describe('scratch'),
};
