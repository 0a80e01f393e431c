import { z } from 'zod';
import { pathState } from './blame-schemas.js';

/** Fields of the document about what differs between two images. Objects are open, and lists of words may grow. */

const digest = z.string().regex(/^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/);
const team = z.string().nullable().describe('null: nobody, or nothing is proven');
const layer = z
  .int()
  .min(0)
  .nullable()
  .describe('of the second image: what added, changed or removed it; null: no layer did');
const change = z.string().describe('added, removed or changed');
const attributed = {
  change,
  layer,
  team: team.describe('whose that layer is'),
  formerTeam: team.describe('whose it was in the first image'),
};

const image = z.looseObject({
  reference: z.string().describe('as given'),
  pinned: z.string().describe('the reference by digest: what the answer is about'),
  through: digest.nullable().describe('the index that the image was reached through'),
  layers: z
    .array(
      z.looseObject({
        index: z.int().min(0),
        team,
        step: z.string().nullable(),
        digest,
        diffID: digest,
      }),
    )
    .describe('base first'),
});

const version = z
  .looseObject({
    version: z.string(),
    architecture: z.string().describe('empty: the database names none'),
    source: z.looseObject({ name: z.string(), version: z.string() }).nullable(),
    layer: z.int().min(0).describe('of its image: where this version came in'),
  })
  .nullable();

const count = z.int().min(0);

export const diffFields = {
  before: image,
  after: image,
  proven: z
    .boolean()
    .describe('both chains of custody hold under the policy as far as they go; false: layers without teams'),
  policy: z.looseObject({ name: z.string(), version: z.int(), digest }).nullable(),
  sharedLayers: count.describe('layers, from the base up, that both have'),
  differs: z.boolean().describe('anything that was looked for'),
  summary: z.array(
    z.looseObject({
      team,
      added: count.describe('paths'),
      removed: count,
      changed: count.describe('paths with another type or other bytes'),
      metadata: count.describe('paths with another mode, owner or attributes alone'),
      config: count,
      packages: count,
    }),
  ),
  files: z
    .array(
      z.looseObject({
        path: z.string().describe('absolute; a byte that is not UTF-8 is one of U+DC80 to U+DCFF'),
        ...attributed,
        aspects: z.array(z.string()).describe('type, content, mode, owner, attributes'),
        how: z.string().nullable().describe('explicit, opaque or replaced'),
        before: pathState.nullable(),
        after: pathState.nullable(),
      }),
    )
    .describe('empty where not looked for, or where numbers alone were asked for; the next two as well'),
  config: z.array(
    z.looseObject({
      key: z.string().describe('Env, Labels, Entrypoint; /author for members outside config'),
      member: z.string().nullable().describe('the variable, label, port or volume'),
      change,
      before: z.string().nullable(),
      after: z.string().nullable(),
      step: z.string().nullable().describe('the step that set it last; null: not known'),
      team,
    }),
  ),
  packages: z.array(
    z.looseObject({
      ecosystem: z.string().describe('deb, apk or rpm'),
      name: z.string(),
      ...attributed,
      before: version,
      after: version,
    }),
  ),
};
