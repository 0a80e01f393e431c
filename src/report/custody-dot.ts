import { visible } from './custody-drawing.js';
import { type Graph, type GraphEdge, type GraphNode, graphOf } from './custody-graph.js';
import type { CustodyPicture } from './custody-picture.js';

/** A chain of custody in the DOT language of Graphviz: base at the bottom, layers and approvals beside their step. */
export function renderCustodyDot(picture: CustodyPicture): string {
  return renderDot('custody', graphOf(picture));
}

/** @param name of the graph: a word of letters */
export function renderDot(name: string, { title, nodes, edges }: Graph): string {
  const beside = edges.filter(({ kind }) => kind !== 'builds');
  return [
    `digraph ${name} {`,
    `  graph [rankdir=BT, labelloc=t, fontname="Helvetica", nodesep=0.4, label=${quote([title])}];`,
    '  node [shape=box, style="rounded,filled", fillcolor=white, fontname="Helvetica", fontsize=11, penwidth=2];',
    '  edge [color="#6e7781", fontname="Helvetica"];',
    ...nodes.map(node => `  ${node.id} [${attributesOf(node)}];`),
    // On one rank the tail of an edge stands on the left: layers there, approvals on the right.
    ...edges.map(({ from, to, kind }) => {
      return `  ${kind === 'layers' ? `${to} -> ${from}` : `${from} -> ${to}`}${STYLES[kind]};`;
    }),
    ...beside.map(({ from, to }) => `  { rank=same; ${from}; ${to}; }`),
    '}',
    '',
  ].join('\n');
}

const STYLES: Readonly<Record<GraphEdge['kind'], string>> = {
  builds: ' [penwidth=2]',
  layers: ' [style=dotted, dir=none]',
  approves: ' [style=dashed, dir=none]',
};

const SHAPES: Readonly<Record<GraphNode['kind'], string>> = {
  start: ', shape=plaintext, style=""',
  link: '',
  layers: ', shape=box, style="", fontname="Courier", fontsize=10, penwidth=1',
  approval: ', style="rounded,dashed", fontsize=10, penwidth=1',
  image: ', shape=box, style="filled,bold"',
  parting: ', style="rounded,dashed", penwidth=1',
};

function attributesOf({ kind, lines, colour, state }: GraphNode): string {
  const text = state === 'failed' ? `, fontcolor="${colour}"` : '';
  return `label=${quote(lines, kind === 'layers' ? '\\l' : '\\n')}, color="${colour}"${text}${SHAPES[kind]}`;
}

/**
 * One quoted string. In it DOT reads backslashes (`\N` is the node's name), quotes, and in labels entities as of HTML; a
 * quoted string is never taken for HTML itself.
 */
function quote(lines: readonly string[], lineBreak = '\\n'): string {
  const escaped = lines.map(text =>
    visible(text).replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/&/g, '&amp;'),
  );
  return `"${escaped.join(lineBreak)}${lineBreak === '\\l' ? lineBreak : ''}"`;
}
