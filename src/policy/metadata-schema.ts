import * as z from 'zod';
import { LIMITS } from '../base/limits.js';
import { DURATION } from './duration.js';

/** The parts of the policy document that say what the finished image must be; see schema.ts. */

const pattern = z
  .string()
  .min(1, 'is empty')
  .max(255, 'has more than 255 characters')
  .describe('a text in which * is any number of characters and ? is one');
const memberName = z.string().min(1, 'is empty').max(255, 'has more than 255 characters');
const word = (what: string) => z.string().regex(/^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9.]+)?$/, `is no ${what}`);

const names = z.strictObject({
  require: z
    .record(memberName, pattern)
    .optional()
    .describe('names that must be there, each with a pattern for its value'),
  forbid: z.array(pattern).min(1, 'forbids nothing').optional().describe('patterns over names'),
});
const entries = z.strictObject({
  allow: z.array(pattern).describe('what fits none of these is denied; an empty list allows nothing'),
});

/** Of what every image has, or has to have. */
const some = z.strictObject({
  allow: z
    .array(pattern)
    .min(1, 'allows none, so that no image could pass')
    .describe('what fits none of these is denied'),
});

export const metadataSchema = z
  .strictObject({
    os: z.array(word('operating system')).min(1, 'allows none, so that no image could pass').optional(),
    architecture: z
      .array(word('architecture'))
      .min(1, 'allows none, so that no image could pass')
      .optional()
      .describe('amd64, arm64; with a variant, arm/v7, only that one'),
    user: z
      .strictObject({
        nonRoot: z
          .boolean()
          .optional()
          .describe('the user must be a number other than 0, or a name under allow'),
        allow: z
          .array(pattern)
          .min(1, 'allows none')
          .optional()
          .describe('names and numbers, without a group'),
      })
      .optional()
      .describe('whom the image runs as'),
    labels: names.optional(),
    annotations: names.optional().describe('of the manifest'),
    environment: names.optional(),
    ports: entries.optional().describe('8080/tcp; only those that the image names'),
    volumes: entries.optional(),
    entrypoint: entries.optional().describe('the program, which is the first word of the entrypoint'),
    healthcheck: z.strictObject({ required: z.literal(true) }).optional(),
    created: z
      .strictObject({
        maxAge: z
          .string()
          .regex(DURATION, 'is not a time such as 60d, 12h, 5m or 30s')
          .describe('a number and s, m, h or d: 60d, 12h, 5m'),
      })
      .optional()
      .describe('by the word of whoever built it; the age of steps is a matter of flow'),
    base: some
      .optional()
      .describe(
        'the base that org.opencontainers.image.base.name names; on what an image really stands the chain says',
      ),
  })
  .describe('what the finished image must be, whoever made it so; config says who may change what');

const expression = z.string().max(LIMITS.celLength, `has more than ${LIMITS.celLength} characters`);

export const predicateSchema = expression.describe(
  'an expression in CEL over the facts of the finished image, which must be true; it may only deny',
);

export const namedPredicateSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/, 'is not a name'),
  require: expression.min(1, 'is empty').describe('an expression in CEL, which must be true'),
  message: z
    .string()
    .min(1, 'is empty')
    .max(500, 'has more than 500 characters')
    .optional()
    .describe('what is wrong when it is false'),
});

export type MetadataDocument = z.infer<typeof metadataSchema>;
export type NamedPredicateDocument = z.infer<typeof namedPredicateSchema>;
