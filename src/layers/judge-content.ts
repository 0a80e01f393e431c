import { TouchmarkError } from '../base/errors.js';
import type { ContentStep } from '../base/path-rules.js';
import type { Descriptor } from '../oci/descriptor.js';
import { applyLayer } from './apply-layer.js';
import { findCollisions } from './collisions.js';
import { type EntryPath, showPath } from './entry-path.js';
import { judgeOperations } from './judge-operations.js';
import type { LayerIndex } from './layer-index.js';
import { collectPathFindings, type PathFinding } from './path-finding.js';
import { createTree, type Tree } from './tree.js';

/** A layer as it was read, and what the manifest says about it. */
export interface ContentLayer {
  readonly entries: LayerIndex;
  readonly annotations?: Descriptor['annotations'];
}

export interface ContentVerdict {
  readonly findings: readonly PathFinding[];
  /** The file system of the image; undefined when a layer cannot be applied: then nothing may be said of its paths. */
  readonly tree: Tree | undefined;
  /** Why not, with the layer among the details. */
  readonly fault: TouchmarkError | undefined;
}

/**
 * Applies the layers of an image and judges each by the rules of its step and the seals that it is held to.
 * @param layers one for each index of the spans, which are in order and without gap
 */
export function judgeContent(layers: readonly ContentLayer[], steps: readonly ContentStep[]): ContentVerdict {
  const tree = createTree();
  const findings: PathFinding[] = [];
  const stepOf = (layer: number): string | undefined =>
    steps.find(({ span }) => layer >= span.from && layer < span.to)?.step;
  try {
    for (const [layer, { entries, annotations }] of layers.entries()) {
      const own = steps.find(({ span }) => layer >= span.from && layer < span.to);
      if (own === undefined) throw new TouchmarkError('internal', `layer ${layer} belongs to no step`);
      const judge = judgeOperations(layer, { ...own, stepOf });
      findings.push(...checkTable(layer, own, annotations));
      applyLayer(tree, entries, judge.take);
      findings.push(...judge.end());
    }
    findings.push(...checkCollisions(tree, stepOf));
    return { findings, tree, fault: undefined };
  } catch (error) {
    if (!(error instanceof TouchmarkError) || error.code === 'internal') throw error;
    return { findings, tree: undefined, fault: error };
  }
}

/** One warning for each layer that made a name like one that is there: nothing is wrong with it where the image runs. */
function checkCollisions(tree: Tree, stepOf: (layer: number) => string | undefined): readonly PathFinding[] {
  const first = new Map<number, { readonly paths: readonly EntryPath[]; count: number }>();
  for (const { paths, layers } of findCollisions(tree).collisions) {
    const layer = layers.at(-1) ?? 0;
    const of = first.get(layer) ?? { paths, count: 0 };
    first.set(layer, of);
    of.count++;
  }
  return [...first].flatMap(([layer, { paths, count }]) => {
    const found = collectPathFindings(layer, stepOf(layer) ?? '');
    const names = paths.slice(0, 2).map(showPath).join(' and ');
    const more = count > 1 ? `, and ${count - 1} more like them,` : '';
    const message = `${names}${more} are one name to file systems that ignore case or Unicode composition`;
    found.add('path-collision', 'warning', paths[0] ?? '', message);
    return found.list();
  });
}

/** Where lazy runtimes are told of a table of contents (eStargz, zstd:chunked). Only the tar is read here. */
const TABLES = ['containerd.io/snapshot/stargz/toc.digest', 'io.github.containers.zstd-chunked.'];

function checkTable(
  layer: number,
  { step, rules }: ContentStep,
  annotations: Descriptor['annotations'] = {},
): readonly PathFinding[] {
  const name = Object.keys(annotations).find(key => TABLES.some(table => key.startsWith(table)));
  if (name === undefined) return [];
  const found = collectPathFindings(layer, step);
  const message = `the layer has a table of contents (${name}), which some runtimes read instead of its tar`;
  found.add('layer-dual-view', rules?.tables === 'deny' ? 'fail' : 'warning', '', message);
  return found.list();
}
