import { z } from 'zod';
import { FACT_TYPES, FACTS, type FactType } from '../custody/fact-table.js';

/** The document of facts, made from the table that predicates are checked against. Fields are added, never removed or changed. */

const digest = z.string().regex(/^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/);

const PLAIN: Readonly<Record<string, z.ZodType>> = {
  string: z.string(),
  int: z.int(),
  bool: z.boolean(),
  'map<string, string>': z.record(z.string(), z.string()),
};

function schemaOf(type: string): z.ZodType {
  const item = /^list<(.+)>$/.exec(type)?.[1];
  if (item !== undefined) return z.array(schemaOf(item));
  return PLAIN[type] ?? objectOf(FACT_TYPES[type as FactType]);
}

function objectOf(members: Readonly<Record<string, string>>): z.ZodType {
  const shape = Object.entries(members).map(([name, type]) => {
    const schema = schemaOf(type);
    return [name.replace('?', ''), name.endsWith('?') ? schema.optional() : schema] as const;
  });
  return z.looseObject(Object.fromEntries(shape));
}

const facts = Object.entries(FACTS).map(([name, { type, says }]) => {
  const schema = schemaOf(type).describe(says);
  // Not there when the config of a step is not at hand.
  return [name, name === 'setBy' ? schema.optional() : schema] as const;
});

export const policyFactsFields = {
  reference: z.string(),
  pinned: z.string().describe('the reference by digest'),
  through: digest.nullable().describe('the index that the image was reached through'),
  verdict: z.string().describe('what custody verify says: pass, fail or indeterminate'),
  code: z.string().nullable().describe('null exactly when the verdict is pass'),
  policy: z.looseObject({ name: z.string(), version: z.int(), digest }),
  facts: z.looseObject(Object.fromEntries(facts)).describe('as predicates see them, by the same names'),
  holds: z.boolean().describe('the chain holds; without that, nothing is proven'),
  standings: z
    .record(z.string(), z.string())
    .describe('what each fact rests on: proven, or asserted by somebody; more may be added'),
  tried: z.array(
    z.looseObject({
      expression: z.string(),
      result: z.string().describe('true, false, or none: it has no value, which is no yes'),
      why: z.string().nullable().describe('what of it is false, or why it has no value'),
    }),
  ),
};
