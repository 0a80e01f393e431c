import { fail, TouchmarkError } from '../base/errors.js';
import { compileGlob } from '../base/glob.js';
import {
  blamePath,
  blamePaths,
  deletedPaths,
  type EntryPath,
  parsePathText,
  pathText,
  type Tree,
} from '../layers/index.js';
import type { StoreAccess } from '../oci/open.js';
import { type BlameReport, reportBlame, reportDeletion } from './blame-report.js';
import { type OpenOptions, openContents } from './open-contents.js';

export interface BlameOptions extends OpenOptions {
  /** A path, or a pattern over paths. Default: every path. */
  readonly path?: string | undefined;
  /** What is gone, instead of what is there. */
  readonly deleted?: boolean | undefined;
}

/**
 * Finds whose each path of an image is. The teams' marks say which layers are whose and what they unpack to; the layers say
 * the rest.
 * @throws TouchmarkError what `openContents` throws; `usage-argument` for a path that is not there
 */
export async function blameImage(
  access: StoreAccess,
  reference: string,
  options: BlameOptions,
): Promise<BlameReport> {
  const chosen = choose(options.path);
  const { pinned, through, verdict, layers, tree } = await openContents(access, reference, options);
  return {
    ...{ reference, pinned, through, policy: verdict.policy, level: 'content' },
    layers,
    ...answer(tree, chosen, options.deleted === true),
  };
}

/** One path, or whatever a pattern matches. */
type Chosen = { readonly path: EntryPath } | { readonly matches: (path: EntryPath) => boolean };

function choose(text: string | undefined): Chosen {
  if (text === undefined) return { matches: () => true };
  const rooted = text.startsWith('/') ? text : `/${text}`;
  try {
    if (!/[*?]/.test(text)) return { path: parsePathText(rooted) };
    const glob = compileGlob(rooted);
    return { matches: path => glob(`/${pathText(path)}`) };
  } catch (error) {
    if (!(error instanceof TouchmarkError)) throw error;
    return fail('usage-argument', `${JSON.stringify(text.slice(0, 100))} is no path: ${error.message}`, {
      hint: 'a path such as /etc/passwd, or a pattern: * stays within one folder, ** goes through all',
    });
  }
}

function answer(tree: Tree, chosen: Chosen, deleted: boolean): Pick<BlameReport, 'paths' | 'deleted'> {
  const matches = 'matches' in chosen ? chosen.matches : (path: EntryPath) => path === chosen.path;
  if (deleted) return { paths: [], deleted: [...deletedPaths(tree, matches)].map(reportDeletion) };
  if ('matches' in chosen) return { paths: [...blamePaths(tree, matches)].map(reportBlame), deleted: [] };
  const found = blamePath(tree, chosen.path);
  if (found) return { paths: [reportBlame(found)], deleted: [] };
  const gone = [...deletedPaths(tree, matches)].map(reportDeletion);
  if (gone.length > 0) return { paths: [], deleted: gone };
  return fail(
    'usage-argument',
    `the image has no ${JSON.stringify(`/${pathText(chosen.path)}`)}, and never had`,
    {
      hint: 'a pattern such as /usr/lib/** lists what there is',
    },
  );
}
