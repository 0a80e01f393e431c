import * as z from 'zod';
import { LIMITS } from '../base/limits.js';
import { PATH_PRESETS } from './path-presets.js';

/** The parts of the policy document about the files of an image; see schema.ts. */

const list = (what: string) =>
  z
    .array(z.string().min(1, 'is empty').max(255, 'has more than 255 characters'))
    .max(LIMITS.pathPatterns, `has more than ${LIMITS.pathPatterns} patterns`)
    .describe(what);
const switched = (what: string) => z.enum(['allow', 'deny']).optional().describe(`${what}; default deny`);
const owner = z
  .int()
  .min(0, 'must not be negative')
  .max(2 ** 31 - 1, 'is no number of a user or group');
const owners = (what: string) =>
  z.tuple([owner, owner]).optional().describe(`least and most number of the ${what}; default any`);

export const pathRulesSchema = z
  .strictObject({
    allow: list(
      `where the step may add and change files: patterns that begin with a slash, where * stays within one folder and ** goes through all, or ${Object.keys(PATH_PRESETS).join(', ')} for the databases of a package manager; what neither list names is denied`,
    ),
    deny: list('wins over the other lists').optional(),
    delete: list(
      'where the step may delete files, or put something else in a folder’s place; default nowhere',
    ).optional(),
    modes: z
      .strictObject({
        setuid: switched('programs that run as their owner'),
        setgid: switched('programs that run as their group'),
        capabilities: switched('files with security.capability'),
        devices: switched('device files'),
        worldWritable: switched('what everybody may write, sticky folders too'),
        outwardLinks: switched('symbolic links to where the step may not write'),
        uid: owners('user'),
        gid: owners('group'),
      })
      .optional(),
    tables: switched('layers with a table of contents, such as zstd:chunked'),
  })
  .describe('what the step may do to files; layers that it adopted are not held to this');

export const sealsSchema = z
  .strictObject({
    honour: z
      .boolean()
      .optional()
      .describe('whether what a step has sealed is closed to the steps above it; default true'),
    override: z
      .array(
        z.strictObject({
          of: z.string().describe('the step whose seals are loosened'),
          by: z.string().describe('the step that they do not bind'),
          paths: list('only for these paths; default everywhere').min(1, 'names no path').optional(),
        }),
      )
      .max(64, 'has more than 64 entries')
      .optional(),
  })
  .describe('promises of steps about their files, which bind the steps above');

export type PathRulesDocument = z.infer<typeof pathRulesSchema>;
export type SealsDocument = z.infer<typeof sealsSchema>;
