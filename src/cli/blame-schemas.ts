import { z } from 'zod';

/** Fields of the document about the files of an image. Objects are open, and lists of words (`kind`, `how`) may grow. */

const digest = z.string().regex(/^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/);
const layer = z.int().min(0).nullable().describe('index into layers; null: none');

const state = {
  kind: z.string().describe('file, folder, symlink, char-device, block-device or pipe'),
  content: layer.describe('whose bytes, link target or device numbers they are'),
  metadata: layer.describe('who last set mode, owner or extended attributes'),
  name: layer.describe('who last made the name'),
  mode: z.string().regex(/^[0-7]{4}$/),
  uid: z.int().min(0),
  gid: z.int().min(0),
  size: z.int().min(0).describe('bytes of a file; else 0'),
  digest: digest.nullable().describe('of the content of a file'),
  target: z.string().nullable().describe('of a symbolic link; numbers of a device'),
};
/** What a path is in an image. */
export const pathState = z.looseObject(state);
const history = z.array(pathState).describe('what it was before, oldest first');
const gone = z.looseObject({
  path: z.string(),
  deletedBy: z.int().min(0).describe('index into layers'),
  how: z
    .string()
    .describe('explicit, opaque (all that was in a folder), replaced (the folder by something else)'),
  was: pathState,
  history,
});

const count = z.int().min(0);
const tally = {
  files: count.describe('files with its bytes'),
  bytes: count.describe('of those; names of one file count once'),
  others: count.describe('folders, links, devices and pipes'),
  replaced: count.describe('times that it put its own in the place of what another team had there'),
  metadata: count.describe('times that it set mode, owner or attributes of what is another team’s'),
  deleted: count.describe('names that it took away and that are gone'),
  deletedOfOthers: count.describe('of those, the ones that were another team’s'),
};

export const blameFields = {
  reference: z.string().describe('as given'),
  pinned: z.string().describe('the reference by digest: what the answer is about'),
  through: digest.nullable().describe('the index that the image was reached through'),
  policy: z.looseObject({ name: z.string(), version: z.int(), digest }),
  level: z.string().describe('content: below that no answer is given'),
  layers: z
    .array(
      z.looseObject({
        index: z.int().min(0),
        team: z.string(),
        step: z.string(),
        adopted: z.boolean().describe('the team vouches for the layer and did not build it'),
        signers: z.array(z.string()),
        time: z.string().describe('RFC 3339, UTC, as the claim says it'),
        claim: digest,
        digest,
        diffID: digest,
      }),
    )
    .describe('base first'),
  paths: z.array(
    z.looseObject({
      path: z
        .string()
        .describe('absolute; a byte that is not UTF-8 is one of U+DC80 to U+DCFF, half of a surrogate pair'),
      ...state,
      touched: layer.describe('who last wrote it again as it was'),
      history,
      deletions: z.array(gone).describe('the times that it was gone in between'),
    }),
  ),
  deleted: z.array(gone).describe('names that are gone'),
  summary: z
    .array(
      z.looseObject({
        team: z.string(),
        layers: z.array(z.int().min(0)),
        ...tally,
        folders: z
          .array(z.looseObject({ path: z.string(), ...tally }))
          .describe('what lies directly in each: most changes to what others made first, then most files'),
      }),
    )
    .describe('in the order of the layers; empty unless asked for'),
  collisions: z
    .array(z.looseObject({ paths: z.array(z.string()), layers: z.array(z.int().min(0)) }))
    .nullable()
    .describe(
      'names of one folder that differ in case or Unicode composition alone, a thousand at most; null: not looked for',
    ),
};
