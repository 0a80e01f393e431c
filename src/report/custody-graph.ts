import {
  approvalLabel,
  approvalsOf,
  foldLayers,
  linkLabel,
  rowWords,
  STATE_COLOURS,
  startWords,
  teamColours,
  verdictWords,
} from './custody-drawing.js';
import type { CustodyPicture, PictureState } from './custody-picture.js';
import { shortDigest } from './custody-words.js';

/** A picture as boxes and lines, for languages that lay them out themselves. */
export interface Graph {
  readonly title: string;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

export interface GraphNode {
  /** A letter and digits: never a name from outside. */
  readonly id: string;
  readonly kind: 'start' | 'link' | 'layers' | 'approval' | 'image' | 'parting';
  readonly lines: readonly string[];
  readonly state: PictureState;
  /** Of the border: red for a failure, else the team's colour, else that of the state. */
  readonly colour: string;
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /** `builds`: the next step stands on it; else something that belongs to a link. */
  readonly kind: 'builds' | 'layers' | 'approves';
}

/** A box that has yet to get its name and its colour. */
export type GraphBox = Omit<GraphNode, 'id' | 'colour'>;

/** Collects the boxes of a graph. `add` says how the box is named; with a team it has the team's colour. */
export function collectNodes(colours: ReadonlyMap<string, string>): {
  readonly nodes: readonly GraphNode[];
  readonly add: (box: GraphBox, team?: string) => string;
} {
  const nodes: GraphNode[] = [];
  return {
    nodes,
    add(box, team) {
      const id = `n${nodes.length}`;
      const own = team === undefined ? undefined : colours.get(team);
      const colour = box.state === 'failed' ? STATE_COLOURS.failed : (own ?? STATE_COLOURS[box.state]);
      nodes.push({ ...box, id, colour });
      return id;
    },
  };
}

export function graphOf(picture: CustodyPicture): Graph {
  const { subject, links, layers, state } = picture;
  const { nodes, add } = collectNodes(teamColours(picture));
  const edges: GraphEdge[] = [];
  const start: PictureState =
    picture.start.kind === 'missing' && state !== 'unverified' ? 'failed' : 'unverified';
  let below = add({ kind: 'start', lines: [startWords(picture)], state: start });
  for (const link of links) {
    const id = add({ kind: 'link', lines: linkLabel(link), state: link.state }, link.team);
    edges.push({ from: below, to: id, kind: 'builds' });
    const own = layers.filter(({ owner }) => owner?.claim === link.claim);
    if (own.length > 0) {
      const worst = own.find(layer => layer.state === 'failed') ?? own[0];
      const lines = foldLayers(own).map(rowWords);
      const to = add({ kind: 'layers', lines, state: worst?.state ?? 'unverified' }, link.team);
      edges.push({ from: id, to, kind: 'layers' });
    }
    for (const approval of approvalsOf(picture, link)) {
      const to = add({ kind: 'approval', lines: approvalLabel(approval), state: approval.state });
      edges.push({ from: id, to, kind: 'approves' });
    }
    below = id;
  }
  const image = add({ kind: 'image', lines: [shortDigest(subject.manifest), verdictWords(picture)], state });
  edges.push({ from: below, to: image, kind: 'builds' });
  const unowned = layers.filter(({ owner }) => owner === null);
  if (unowned.length > 0) {
    const lines = ['no owner', ...foldLayers(unowned).map(rowWords)];
    edges.push({
      from: image,
      to: add({ kind: 'layers', lines, state: unowned[0]?.state ?? 'failed' }),
      kind: 'layers',
    });
  }
  for (const approval of approvalsOf(picture, null)) {
    const to = add({ kind: 'approval', lines: approvalLabel(approval), state: approval.state });
    edges.push({ from: image, to, kind: 'approves' });
  }
  const title = `${subject.repository ?? ''}@${shortDigest(subject.manifest)}: ${verdictWords(picture)}`;
  return { title, nodes, edges };
}
