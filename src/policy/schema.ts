import * as z from 'zod';
import { CONFIG_KEYS } from './config-rules.js';
import { DURATION } from './duration.js';
import { metadataSchema, namedPredicateSchema, predicateSchema } from './metadata-schema.js';
import { pathRulesSchema, sealsSchema } from './path-schema.js';

/**
 * The policy document (design of custody, section 5.6), as people write it and as editors complete it: the published
 * JSON Schema `custody-policy` is made from this, so nothing here transforms. What needs two places of the document to
 * be judged is in cross-checks.ts.
 *
 * Rules of the language: an unknown key is an error; whatever loosens is written out; what this version cannot enforce
 * is refused, so that no rule is believed to hold that nobody checks.
 */

/** Keys and values of documents that a later version will enforce, by the schema that refuses them now. */
const LATER = new WeakMap<z.ZodType, Readonly<Record<string, string>>>();

/** Why a key or value is refused although the design knows it; undefined when it is simply unknown. */
export function laterReason(schema: z.ZodType, word: string): string | undefined {
  const reasons = LATER.get(schema);
  return reasons !== undefined && Object.hasOwn(reasons, word) ? reasons[word] : undefined;
}

function closed<T extends z.ZodRawShape>(
  shape: T,
  later: Readonly<Record<string, string>> = {},
  description?: string,
) {
  // Describing makes another schema, so it comes first.
  const plain = z.strictObject(shape);
  const schema = description === undefined ? plain : plain.describe(description);
  LATER.set(schema, later);
  return schema;
}

function oneOf<const T extends readonly [string, ...string[]]>(
  values: T,
  later: Readonly<Record<string, string>> = {},
) {
  const schema = z.enum(values);
  LATER.set(schema, later);
  return schema;
}

const RESERVED_KIND = 'is reserved for a later version and denied in this one';

const NAME_RULE =
  'is not a name: letters and digits, with . _ - between them, not digits alone, at most 64 characters';
// Names become parts of TUF target paths and role names, and JavaScript sorts integer keys first.
const NAME = /^(?![0-9]+$)[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/;
const name = z.string().regex(NAME, NAME_RULE);

/** What is wrong with the name of a policy, team, signer, step or approval, as the end of a sentence. */
export function nameProblem(text: string): string | undefined {
  return NAME.test(text) ? undefined : NAME_RULE;
}

const teamPattern = z
  .string()
  .regex(
    /^[A-Za-z0-9*?][A-Za-z0-9._*?-]{0,63}$/,
    'is not the name of a team, nor a pattern of names with * and ?',
  )
  .describe('a team, or a pattern over team names');
const duration = z
  .string()
  .regex(DURATION, 'is not a time such as 60d, 12h, 5m or 30s')
  .describe('a number and s, m, h or d: 60d, 12h, 5m');
const glob = z.string().min(1, 'is empty').max(255, 'has more than 255 characters');
const threshold = z
  .int()
  .min(1, 'must be at least 1 (with 0, nobody would have to sign)')
  .max(64, 'must be at most 64')
  .describe('how many different signers must have signed; several keys of one signer count once');

/** The lists of keys that a signer may have. */
export const KEY_LISTS = ['keys', 'retired', 'revoked'] as const;
export type KeyList = (typeof KEY_LISTS)[number];

const keys = z
  .array(z.string().min(1, 'is empty').max(16_384, 'is too long for a public key'))
  .min(1, 'names no key')
  .max(16, 'names more than 16 keys');

const signer = closed({
  keys: keys.describe(
    'public keys: a path relative to the policy file, env://VARIABLE, or the PEM text itself; with TUF, those that the team’s delegation has count, and the others are retired',
  ),
  retired: keys
    .optional()
    .describe('keys of the past: their marks stand only where marks.index is on and the team lists them'),
  revoked: keys.optional().describe('keys that others may have; as retired'),
});

const team = closed({
  signers: z.record(name, signer).describe('people and robots by name; thresholds count these'),
});

const relocation = closed({
  from: glob.describe('repositories that the claims may name'),
  to: glob.describe('repositories where the image may then be presented'),
  via: name.optional().describe('an approval that must name the destination'),
});

const currency = closed({
  channel: name.describe('a channel of releases that TUF has: release/channels/NAME'),
  maxBehind: z
    .int()
    .min(0, 'must not be negative')
    .max(64, 'must be at most 64')
    .describe('how many releases of the channel may be newer'),
});

const step = closed({
  step: name,
  team: teamPattern,
  kinds: z
    .array(
      oneOf(['add', 'config', 'adopt'], {
        rebase: RESERVED_KIND,
        repack: RESERVED_KIND,
        squash: RESERVED_KIND,
        approve: 'is no step of the flow: it belongs under approvals',
      }),
    )
    .min(1, 'names no kind, so that the step could never occur'),
  count: z
    .tuple([
      z.int().min(0, 'must not be negative').max(64, 'must be at most 64'),
      z.int().min(0, 'must not be negative').max(64, 'must be at most 64'),
    ])
    .optional()
    .describe('how often the step may occur, least and most; default [1, 1]'),
  threshold,
  maxAge: duration.optional().describe('how old the claim may be'),
  upstream: z
    .array(glob)
    .min(1, 'names no repository')
    .optional()
    .describe('of adopt: patterns over the repositories that may be adopted; without it, none'),
  upstreamVerified: z
    .boolean()
    .optional()
    .describe('of adopt: whether somebody must have checked the upstream image; default true'),
  currency: currency
    .optional()
    .describe('needs TUF: the image must be among the newest releases of a channel'),
});

const approval = closed({
  name,
  team: teamPattern,
  on: name.optional().describe('the step that is approved; default: the finished image'),
  threshold,
  maxAge: duration.optional().describe('how old the approval may be'),
  after: z.array(name).optional().describe('approvals that this one must have seen'),
  evidence: z
    .array(
      closed(
        { type: name },
        { maxAge: 'is not checked, as evidence carries no time: give the approval its maxAge' },
      ),
    )
    .optional()
    .describe('evidence that the approval must list'),
});

const rule = z.string().min(1, 'is empty').max(255, 'has more than 255 characters');
const configRules = closed({
  allow: z.array(rule).optional(),
  deny: z.array(rule).optional().describe('wins over allow; what neither list names is denied'),
}).describe(
  `rules over config keys: ${CONFIG_KEYS.slice(0, 4).join(', ')}, …, User=root, Env:APP_*, Labels:*`,
);

const denied = oneOf(['deny'], {});

export const policyDocumentSchema = closed(
  {
    custody: z.literal(1).describe('version of the document format'),
    name,
    version: z.int().min(1, 'must be at least 1').describe('raise it with every change'),
    expires: z
      .string()
      .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'is not a time such as 2027-03-01T00:00:00Z')
      .optional()
      .describe('UTC; nothing is verified by the policy behind it'),
    scope: closed({
      repositories: z
        .array(glob)
        .min(1, 'names no repository, so that the policy would apply to nothing')
        .describe('patterns over registry/path: * stays within one segment, ** is any number of segments'),
      relocations: z.array(relocation).optional(),
    }),
    teams: z.record(name, team),
    marks: closed({
      index: oneOf(['off', 'present', 'complete'])
        .optional()
        .describe(
          'what the team’s TUF metadata must say of a mark: nothing; that it stands; and that nothing listed is kept back; default present with TUF, off without',
        ),
      time: oneOf(['claimed'], {
        trusted: 'needs timestamps of a trusted authority, which this version does not read yet',
      })
        .optional()
        .describe('whose word on the time of a mark is taken'),
      skew: duration.optional().describe('by how much clocks may disagree; default 5m, at most 1h'),
      carriers: z
        .array(oneOf(['bundle', 'simplesigning']))
        .min(1, 'names no carrier, so that no mark would count')
        .optional()
        .describe('where marks may lie; default both'),
    }).optional(),
    evidence: oneOf(['marks', 'manifest', 'blobs', 'content'])
      .optional()
      .describe(
        'how far the layers must be looked at; default content where paths or seals are given, blobs otherwise; what a step has sealed is checked at content whatever this says',
      ),
    identity: oneOf(['manifest', 'content'])
      .optional()
      .describe('content: accept a converted copy whose config and layers are the same; default manifest'),
    flow: z
      .array(step)
      .min(1, 'has no step, so that every image would fail')
      .max(64, 'has more than 64 steps'),
    approvals: z.array(approval).max(64, 'has more than 64 approvals').optional(),
    distinctSigners: z
      .boolean()
      .optional()
      .describe('whether one signer is kept from satisfying two teams; default true'),
    kinds: closed({
      rebase: denied.optional(),
      repack: denied.optional(),
      squash: denied.optional(),
    }).optional(),
    config: z
      .record(name, configRules)
      .optional()
      .describe('by step; without an entry a step may change the config freely'),
    paths: z
      .record(name, pathRulesSchema)
      .optional()
      .describe('by step; without an entry a step may do to files what no seal forbids'),
    seals: sealsSchema.optional(),
    metadata: metadataSchema.optional(),
    predicate: predicateSchema.optional(),
    predicates: z
      .array(namedPredicateSchema)
      .max(64, 'has more than 64 predicates')
      .optional()
      .describe('as predicate, each with a name and a message'),
  },
  {},
  'who may add what to container images, in which order, how recently',
);

export type PolicyDocument = z.infer<typeof policyDocumentSchema>;
export type StepDocument = PolicyDocument['flow'][number];
export type ApprovalDocument = NonNullable<PolicyDocument['approvals']>[number];
