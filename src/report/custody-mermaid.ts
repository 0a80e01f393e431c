import { visible } from './custody-drawing.js';
import { type Graph, type GraphEdge, type GraphNode, graphOf } from './custody-graph.js';
import type { CustodyPicture } from './custody-picture.js';

/** A chain of custody as a Mermaid flowchart, as code forges draw it in Markdown: base at the bottom. */
export function renderCustodyMermaid(picture: CustodyPicture): string {
  return renderMermaid(graphOf(picture));
}

export function renderMermaid({ nodes, edges }: Graph): string {
  return [
    'flowchart BT',
    ...nodes.map(node => `  ${node.id}${shape(node)}`),
    ...edges.map(({ from, to, kind }) => `  ${from} ${ARROWS[kind]} ${to}`),
    ...nodes.map(
      ({ id, colour, kind }) => `  style ${id} stroke:${colour},stroke-width:${kind === 'link' ? 3 : 1}px`,
    ),
    '',
  ].join('\n');
}

const ARROWS: Readonly<Record<GraphEdge['kind'], string>> = { builds: '==>', layers: '-.-', approves: '-.-' };

function shape({ kind, lines }: GraphNode): string {
  const label = `"${lines.map(escapeLabel).join('<br/>')}"`;
  if (kind === 'start') return `([${label}])`;
  if (kind === 'approval' || kind === 'parting') return `(${label})`;
  return kind === 'image' ? `[[${label}]]` : `[${label}]`;
}

/**
 * Mermaid finds directives (`%%{init…}%%`) and ends of strings wherever they stand, takes `` ` `` for Markdown and lets HTML
 * through: all but letters, digits and what has no meaning to it goes as the number of its character.
 */
function escapeLabel(text: string): string {
  return visible(text).replace(/[^\p{L}\p{N} .,_()✓✗·…–-]/gu, c => `#${c.codePointAt(0)};`);
}
