import { type ChainPoint, extendChain } from '../custody/index.js';
import type { ScannedImage } from './attribute-reports.js';
import { addFinding, countFindings, type Findings, identify } from './findings.js';
import type { InheritanceNode } from './inheritance.js';
import type { Lineage, Lookups } from './lineage.js';
import { type FoundStage, imagesOf } from './node-images.js';

/**
 * Joins lineages where their stacks of layers meet. A place is a ChainID together with the number of layers below it: by its
 * ChainID alone one layer can be made to look like two.
 * @param now for ages
 */
export function buildInheritance(
  lineages: readonly Lineage[],
  lookups: Lookups,
  now: Date,
  scanned: readonly ScannedImage[] = [],
): InheritanceNode {
  const places = new Map<string, Place>();
  const root = placeAt(places, 'empty', 0);
  // What is proven is the better source for what places share, such as sizes of stored layers.
  for (const lineage of [...lineages].sort((a, b) => trustOf(b) - trustOf(a))) {
    const path = pathOf(lineage, places, root);
    for (const stage of lineage.stages) path[stage.depth]?.stages.push({ stage, lineage });
    const scan = scanned.find(({ reference }) => reference === lineage.reference);
    if (scan) placeFindings(scan.findings, path);
  }
  return nodeOf(root, root, { bytes: 0, owners: [], findings: [root.findings] }, lineages, lookups, now);
}

interface Place {
  readonly chainID: ChainPoint;
  readonly depth: number;
  /** Of the layer on top, in bytes. */
  size: number | null;
  readonly owners: Map<string, { readonly team: string; readonly step: string }>;
  /** Of the layer on top; null: no image that was scanned has it. */
  findings: Findings | null;
  readonly stages: FoundStage[];
  readonly above: Set<Place>;
}

function placeAt(places: Map<string, Place>, chainID: ChainPoint, depth: number): Place {
  const key = `${depth} ${chainID}`;
  const place = places.get(key) ?? {
    ...{ chainID, depth, size: null, findings: null },
    ...{ owners: new Map(), stages: [], above: new Set<Place>() },
  };
  places.set(key, place);
  return place;
}

/** The places that an image goes through, by their depth. */
function pathOf(
  { diffIDs, sizes, spans }: Lineage,
  places: Map<string, Place>,
  root: Place,
): readonly Place[] {
  const path = [root];
  for (const [at, diffID] of diffIDs.entries()) {
    const below = path[at] ?? root;
    const place = placeAt(places, extendChain(below.chainID, [diffID]), at + 1);
    place.size ??= sizes?.[at] ?? null;
    const owner = spans.find(({ from, to }) => from <= at && at < to);
    if (owner) place.owners.set(`${owner.team}\n${owner.step}`, { team: owner.team, step: owner.step });
    below.above.add(place);
    path.push(place);
  }
  return path;
}

/** Findings stand at the layers of their owners; a layer that was scanned has a number of them, if only none. */
function placeFindings(findings: ScannedImage['findings'], path: readonly Place[]): void {
  for (const place of path) place.findings ??= new Map();
  for (const finding of findings)
    for (const { layer } of finding.owners)
      addFinding(path[layer + 1]?.findings, identify(finding), finding.severity);
}

interface Added {
  readonly bytes: number | null;
  readonly owners: readonly Place['owners'][];
  readonly findings: readonly (Findings | null)[];
}

/** Follows places at which nothing happens up to the next one that is shown. */
function nodeOf(
  below: Place,
  place: Place,
  added: Added,
  lineages: readonly Lineage[],
  lookups: Lookups,
  now: Date,
): InheritanceNode {
  let [top, { bytes }] = [place, added];
  const owners = [...added.owners];
  const findings = [...added.findings];
  const climb = (next: Place) => {
    bytes = bytes === null || next.size === null ? null : bytes + next.size;
    owners.push(next.owners);
    findings.push(next.findings);
    return next;
  };
  while (top !== below && top.stages.length === 0 && top.above.size === 1) {
    const [next] = top.above;
    if (next) top = climb(next);
  }
  return {
    depth: top.depth,
    chainID: top.chainID,
    adds: { layers: top.depth - below.depth, bytes },
    owners: [...new Map(owners.flatMap(map => [...map])).values()],
    findings: countFindings(findings),
    images: imagesOf(top.stages, lookups, now),
    children: [...top.above]
      .map(next =>
        nodeOf(
          top,
          next,
          { bytes: next.size, owners: [next.owners], findings: [next.findings] },
          lineages,
          lookups,
          now,
        ),
      )
      .sort((a, b) => orderOf(a, lineages) - orderOf(b, lineages)),
  };
}

function trustOf({ state }: Lineage): number {
  return state === 'verified' ? 1 : 0;
}

/** Branches stand in the order in which the first of their images was asked for. */
function orderOf(node: InheritanceNode, lineages: readonly Lineage[]): number {
  const own = node.images.flatMap(({ asked }) =>
    asked.map(name => lineages.findIndex(l => l.reference === name)),
  );
  return Math.min(...own, ...node.children.map(child => orderOf(child, lineages)), Number.MAX_SAFE_INTEGER);
}
