import type { Inheritance, InheritanceNode, NodeImage } from '../inheritance/index.js';
import { renderDot } from './custody-dot.js';
import { collectNodes, type Graph, type GraphBox, type GraphEdge } from './custody-graph.js';
import { renderMermaid } from './custody-mermaid.js';
import { MARKS } from './custody-table.js';
import { shortDigest } from './custody-words.js';
import { inheritanceColours } from './inheritance-drawing.js';
import {
  addsWords,
  currencyWords,
  findingWords,
  markWords,
  namedBaseWords,
  ownerWords,
  partingWords,
  stateOf,
  summaryWords,
  titleOf,
  unplacedOf,
} from './inheritance-words.js';

/** An inheritance tree in the DOT language of Graphviz: scratch at the bottom. */
export function renderInheritanceDot(tree: Inheritance): string {
  return renderDot('inheritance', inheritanceGraph(tree));
}

/** An inheritance tree as a Mermaid flowchart, as code forges draw it in Markdown: scratch at the bottom. */
export function renderInheritanceMermaid(tree: Inheritance): string {
  return renderMermaid(inheritanceGraph(tree));
}

export function inheritanceGraph(tree: Inheritance): Graph {
  const { nodes, add } = collectNodes(inheritanceColours(tree.root));
  const edges: GraphEdge[] = [];
  const visit = (node: InheritanceNode, below: string | undefined): void => {
    const id = add(boxOf(node), node.owners.at(-1)?.team);
    if (below !== undefined) edges.push({ from: below, to: id, kind: 'builds' });
    for (const child of node.children) visit(child, id);
  };
  visit(tree.root, undefined);
  for (const { reference, code } of unplacedOf(tree))
    add({ kind: 'image', lines: [`? ${reference}`, `could not be read: ${code}`], state: 'indeterminate' });
  return { title: `inheritance of ${summaryWords(tree)}`, nodes, edges };
}

function boxOf(node: InheritanceNode): GraphBox {
  const images = node.images.flatMap(image => imageLines(image));
  const words = findingWords(node);
  const found = words === undefined ? [] : [words];
  if (node.depth === 0) return { kind: 'start', lines: ['scratch', ...images], state: 'unverified' };
  if (node.images.length === 0) {
    const owner = node.owners.length === 0 ? [] : [ownerWords(node)];
    return {
      kind: 'parting',
      lines: [partingWords(node), ...owner, addsWords(node), ...found],
      state: 'unverified',
    };
  }
  return { kind: 'link', lines: [...images, addsWords(node), ...found], state: worstOf(node) };
}

const ORDER = ['failed', 'indeterminate', 'unverified', 'verified'] as const;

function worstOf({ images }: InheritanceNode) {
  return ORDER.find(state => images.some(image => stateOf(image) === state)) ?? 'unverified';
}

function imageLines(image: NodeImage): readonly string[] {
  const state = stateOf(image);
  const base = namedBaseWords(image);
  return [
    `${MARKS[state].sign} ${titleOf(image)}`,
    shortDigest(image.manifest),
    ...(state === 'verified'
      ? []
      : [[MARKS[state].word, ...(image.code === null ? [] : [image.code])].join(': ')]),
    ...image.marks.map(markWords),
    ...currencyWords(image.currency).map(({ text }) => text),
    ...(base === undefined ? [] : [base]),
  ];
}
