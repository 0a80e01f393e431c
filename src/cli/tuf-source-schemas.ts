import { z } from 'zod';

const version = z.int().min(1);

export const tufCheckoutFields = {
  place: z.string().describe('the repository'),
  folder: z.string(),
  state: z
    .enum(['created', 'updated', 'current', 'ahead'])
    .describe('ahead: the folder has published what the repository does not have; nothing was changed'),
  versions: z.looseObject({ root: version, timestamp: version, snapshot: version, targets: version }),
  roles: z.int().describe('delegated roles and targets'),
  written: z.int().describe('files of metadata'),
  staged: z.array(z.string()).describe('roles with staged changes, left as they are'),
  setAside: z.array(z.string()).describe('files that others published in other versions, where they are now'),
  firstRoot: version.describe('the first root that the repository still has'),
  targets: z.looseObject({
    fetched: z.int(),
    missing: z.array(z.string()).describe('listed, and not kept in the repository'),
  }),
};
