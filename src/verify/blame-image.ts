import { fail, TouchmarkError } from '../base/errors.js';
import { compileGlob } from '../base/glob.js';
import { type CustodyPolicy, type CustodyVerdict, sayFinding } from '../custody/index.js';
import {
  applyLayer,
  blamePath,
  blamePaths,
  createTree,
  deletedPaths,
  type EntryPath,
  openIndexCache,
  parsePathText,
  pathText,
  type Tree,
} from '../layers/index.js';
import type { StoreAccess } from '../oci/open.js';
import { parseReference } from '../oci/reference.js';
import { type BlameReport, reportBlame, reportDeletion, reportLayer } from './blame-report.js';
import { tryParse } from './custody-target.js';
import { loadLayerIndexes } from './image-content.js';
import { judgeImage } from './judge-custody.js';
import { type ShowOptions, withShown } from './show-custody.js';

export interface BlameOptions extends ShowOptions {
  readonly policy: CustodyPolicy;
  readonly now: Date;
  /** A path, or a pattern over paths. Default: every path. */
  readonly path?: string | undefined;
  /** What is gone, instead of what is there. */
  readonly deleted?: boolean | undefined;
  /** The image as this step handed it on. */
  readonly at?: string | undefined;
  /** Where indexes of layers are kept; it may be deleted at any time. */
  readonly cacheFolder: string;
  readonly signal?: AbortSignal;
  /** Bytes of layers that have been read, of those that will be. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Finds whose each path of an image is. The teams' marks say which layers are whose and what they unpack to; the layers say
 * the rest. Without a chain that holds there is no answer.
 * @throws TouchmarkError the verdict's code when custody does not hold; `usage-argument` for a path or step that is not
 *   there; why a layer cannot be read or is refused; what the store throws
 */
export async function blameImage(
  access: StoreAccess,
  reference: string,
  options: BlameOptions,
): Promise<BlameReport> {
  const { policy, now, repository, signal, onProgress } = options;
  const chosen = choose(options.path);
  return withShown(access, reference, options, async (store, target, { pinned, through }) => {
    const tagGiven = parseReference(reference).digest === undefined && store.namesRepository;
    // Every layer is held to its diffID below: that is more than what the policy could ask of its bytes.
    const { verdict } = await judgeImage(store, target, tagGiven, {
      policy: { ...policy, evidence: 'manifest' },
      level: 'manifest',
      now,
      ...(repository !== undefined && { repository }),
      ...(signal && { signal }),
    });
    const manifest = tryParse(target.raw);
    if (verdict.verdict !== 'pass' || manifest?.kind !== 'image') refuse(verdict, pinned);
    const count = countLayers(verdict, options.at);
    const layers = verdict.layers.slice(0, count);
    const indexes = await loadLayerIndexes(
      store,
      layers.flatMap(({ index, diffID }) => {
        const descriptor = manifest.layers[index];
        return descriptor ? [{ index, descriptor, diffID }] : [];
      }),
      { cache: openIndexCache(options.cacheFolder), signal, onProgress },
    );
    const tree = createTree();
    for (const index of indexes) applyLayer(tree, index);
    return {
      ...{ reference, pinned, through, policy: verdict.policy, level: 'content' },
      layers: layers.map(layer => reportLayer(layer, verdict.chain)),
      ...answer(tree, chosen, options.deleted === true),
    };
  });
}

function refuse(verdict: CustodyVerdict, pinned: string): never {
  const [first] = verdict.findings;
  const why = first ? sayFinding(first) : 'it is no image';
  return fail(verdict.code ?? 'manifest-unsupported', `whose the files are cannot be said: ${why}`, {
    hint: 'touchmark custody verify says what is wrong with its chain of custody',
    details: { image: pinned },
  });
}

function countLayers({ chain, layers }: CustodyVerdict, step: string | undefined): number {
  if (step === undefined) return layers.length;
  const last = chain.findLast(entry => entry.step === step);
  if (last) return last.span.to;
  return fail('usage-argument', `the image has no step ${JSON.stringify(step)}`, {
    hint: `its steps are: ${[...new Set(chain.map(entry => entry.step))].join(', ')}`,
  });
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
