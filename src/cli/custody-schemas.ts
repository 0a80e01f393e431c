import { z } from 'zod';

/**
 * Fields of the documents about custody. As in image-schemas: objects are open, fields are added, never removed or changed,
 * and lists of words (`verdict`, `code`, `state`, `kind`, `evidence`) may grow.
 */

const digest = z.string().regex(/^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/);
const code = z.string().describe('reason code, kebab-case; more may be added');
const level = z
  .string()
  .nullable()
  .describe('what every layer reached: marks, manifest, blobs or content; null where no chain holds');
const policy = z.looseObject({
  name: z.string(),
  version: z.int(),
  digest: digest.describe("of the policy document's bytes"),
});
const platform = z.looseObject({ os: z.string(), architecture: z.string(), variant: z.string().optional() });
const span = z
  .looseObject({ from: z.int().min(0), to: z.int().min(0) })
  .describe('indices of layers, from included, to excluded');

const seals = z
  .array(z.looseObject({ paths: z.array(z.string()), ops: z.array(z.string()) }))
  .describe('what the step has sealed: files, by patterns, and what may not be done to them above it');

const finding = z.looseObject({
  code,
  severity: z.string().describe('fail, indeterminate or warning; a warning changes no verdict'),
  where: z.string().describe('what it is about: image, layer 3, step app, a claim, a mark'),
  message: z.string(),
  hint: z.string().nullable(),
});

const signed = {
  claim: digest.describe("of the claim's canonical bytes"),
  team: z.string(),
  step: z.string(),
  signers: z.array(z.string()).describe("names of the team's signers, sorted; each name once"),
  time: z.string().describe('RFC 3339, UTC'),
  timeSource: z.string().describe('claimed: as the signers say it; more may be added'),
  age: z.int().describe('whole seconds since time; negative when it lies ahead'),
};

/** `images[].custody` of a verification under a policy. */
export const custodyReport = z.looseObject({
  verdict: z.string().describe('pass, fail, or indeterminate; only pass is a yes'),
  code: code.nullable().describe('why it is no yes; null exactly when the verdict is pass'),
  level,
  policy,
  subject: z.looseObject({
    repository: z.string().nullable(),
    manifest: digest,
    config: digest.nullable(),
    platform: platform.nullable(),
    identity: z
      .string()
      .describe(
        'manifest, or content: accepted for its config and layers with another manifest than was marked',
      ),
  }),
  chain: z
    .array(
      z.looseObject({
        ...signed,
        kind: z.string().describe('add, config or adopt; more may be added'),
        seq: z.int().min(0).describe('position in the chain, from 0'),
        span,
        manifest: digest.describe('the image that this step handed on'),
        seals,
      }),
    )
    .describe('base first'),
  approvals: z.array(
    z.looseObject({
      ...signed,
      rule: z.string(),
      on: digest.describe('the claim that is approved'),
      evidence: z
        .array(z.looseObject({ type: z.string(), digest }))
        .describe('files that it rests on: a scan report, for one'),
    }),
  ),
  layers: z
    .array(
      z.looseObject({
        index: z.int().min(0),
        team: z.string(),
        step: z.string(),
        adopted: z.boolean().describe('the team vouches for the layer and did not build it'),
        digest: digest.describe('as the manifest has it'),
        diffID: digest.describe('of the uncompressed layer, as its owner signed it'),
        evidence: z
          .string()
          .describe('how the layer is known to be its owner’s: marks, manifest, blobs or content'),
      }),
    )
    .describe('one for each layer of the image; empty where nobody can say whose they are'),
  findings: z.array(finding).describe('worst first; the first is the one behind code'),
  get children() {
    return z.array(custodyReport).describe('of an index: a report for each image that was checked');
  },
});

const state = z
  .string()
  .describe('verified, failed, indeterminate, or unverified: nobody checked; only verified is a yes');
const drawn = {
  step: z.string(),
  signers: z.array(z.string()).describe('names out of the policy; empty where nothing was verified'),
  keyids: z.array(z.string()).describe('keys that unverified signatures point to'),
  state,
  codes: z.array(code).describe('what was found about it, worst first'),
};

/** A chain as it is shown, verified or not. */
export const custodyShowFields = {
  subject: z.looseObject({
    repository: z.string().nullable(),
    manifest: digest,
    platform: z.string().nullable().describe('os/architecture[/variant]'),
  }),
  state,
  code: code.nullable(),
  level,
  policy: policy.nullable().describe('null: nothing was verified, and every word below is only claimed'),
  start: z
    .looseObject({ kind: z.string().describe('scratch, upstream or missing'), name: z.string().nullable() })
    .describe('what the first link stands on'),
  links: z
    .array(
      z.looseObject({
        ...drawn,
        claim: digest,
        team: z.string(),
        kind: z.string(),
        seq: z.int().min(0),
        span,
        manifest: digest,
        seals,
        time: z.string().describe('RFC 3339, UTC'),
        age: z.int().describe('whole seconds since time'),
      }),
    )
    .describe('base first'),
  approvals: z.array(
    z.looseObject({
      ...drawn,
      claim: digest.nullable().describe('null: asked for, and not there'),
      on: digest.nullable().describe('the link that it hangs off'),
      team: z.string().nullable(),
      time: z.string().nullable(),
      age: z.int().nullable(),
    }),
  ),
  layers: z.array(
    z.looseObject({
      index: z.int().min(0),
      digest,
      size: z.int().min(0).nullable().describe('bytes'),
      owner: z
        .looseObject({ team: z.string(), step: z.string(), claim: digest })
        .nullable()
        .describe('with state unverified: who claims it; null: nobody, or several'),
      evidence: z.string().nullable(),
      state,
      codes: z.array(code),
    }),
  ),
  findings: z.array(finding),
};
