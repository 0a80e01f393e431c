import type { Inheritance, InheritanceNode } from '../inheritance/index.js';
import type { PictureState } from './custody-picture.js';
import { drawSign, drawText, escapeXml, estimateWidth, STYLE } from './custody-svg-parts.js';
import { countOf } from './custody-words.js';
import { CARD_WIDTH, type Card, drawNode, NOBODY } from './inheritance-card.js';
import { type Box, centreOf, inheritanceColours, layOut, type PlacedBox } from './inheritance-drawing.js';
import { looseFindingWords, stateOf, summaryWords, unplacedOf } from './inheritance-words.js';

const MARGIN = 32;
/** Where the tree begins, below the heading. */
const TOP = 112;
/** Between one level and the next, for the lines. */
const ACROSS = 72;
const GAP = 20;
const SCRATCH = { width: 88, height: 40 } as const;
const LEAST_WIDTH = 760;

interface Item {
  readonly node: InheritanceNode;
  readonly card: Card;
}

/**
 * An inheritance tree as a picture that stands alone: scratch on the left, images that nothing stands on at the right,
 * coloured by the teams that stand for the layers. No scripts, no fonts, nothing is fetched.
 */
export function renderInheritanceSvg(tree: Inheritance): string {
  const colours = inheritanceColours(tree.root);
  const colourOf = ({ owners }: InheritanceNode) => colours.get(owners.at(-1)?.team ?? '') ?? NOBODY;
  const { placed, height } = layOut(boxOf(tree.root, colourOf), GAP, TOP);
  const across = acrossOf(tree.root);
  const width = Math.max(LEAST_WIDTH, across.right(depthOf(placed)) + MARGIN);
  const unplaced = drawUnplaced(tree, TOP + height + GAP, width);
  const legend = drawLegend(colours, tree, unplaced.bottom + 8, width);
  const bottom = legend.bottom;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${bottom}" viewBox="0 0 ${width} ${bottom}" role="img" aria-labelledby="title summary">`,
    `<title id="title">${escapeXml(`Inheritance of ${countOf(tree.images.length, 'image')}`)}</title>`,
    `<desc id="summary">${escapeXml(describeTree(tree))}</desc>`,
    STYLE,
    `<rect width="${width}" height="${bottom}" rx="12" class="paper"/>`,
    drawText('INHERITANCE', { x: MARGIN, y: 44, room: 300, size: 11, tone: 'soft', bold: true }),
    drawText(summaryWords(tree), { x: MARGIN, y: 72, room: width - 2 * MARGIN, size: 18, bold: true }),
    ...drawEdges(placed, across, colourOf),
    ...drawCards(placed, across),
    unplaced.svg,
    legend.svg,
    '</svg>',
    '',
  ].join('\n');
}

/** For who cannot see it: how the images hang together is in the text form; this says what is drawn. */
function describeTree(tree: Inheritance): string {
  const places = countPlaces(tree.root) - 1;
  return `${summaryWords(tree)}; from scratch on the left to the images on the right, ${countOf(places, 'place')}`;
}

function countPlaces({ children }: InheritanceNode): number {
  return children.reduce((sum, child) => sum + countPlaces(child), 1);
}

function boxOf(node: InheritanceNode, colourOf: (node: InheritanceNode) => string): Box<Item> {
  const card = isBare(node) ? { height: SCRATCH.height, svg: drawScratch() } : drawNode(node, colourOf(node));
  return {
    item: { node, card },
    height: card.height,
    children: node.children.map(child => boxOf(child, colourOf)),
  };
}

function drawScratch(): string {
  return [
    `<rect width="${SCRATCH.width}" height="${SCRATCH.height}" rx="20" class="card"/>`,
    drawText('scratch', {
      x: SCRATCH.width / 2,
      y: 25,
      room: SCRATCH.width,
      size: 13,
      tone: 'soft',
      anchor: 'middle',
    }),
  ].join('');
}

function depthOf({ level, children }: PlacedBox<Item>): number {
  return Math.max(level, ...children.map(depthOf));
}

/** Nothing but scratch: an image without layers stands there too. */
function isBare({ depth, images }: InheritanceNode): boolean {
  return depth === 0 && images.length === 0;
}

interface Across {
  left(level: number): number;
  right(level: number): number;
}

/** Where the cards of each level begin and end. */
function acrossOf(root: InheritanceNode): Across {
  const first = isBare(root) ? SCRATCH.width : CARD_WIDTH;
  const left = (level: number) =>
    level === 0 ? MARGIN : MARGIN + first + ACROSS + (level - 1) * (CARD_WIDTH + ACROSS);
  return { left, right: level => left(level) + (level === 0 ? first : CARD_WIDTH) };
}

/** Lines bend half-way; what is not proven is dashed. */
function drawEdges(
  box: PlacedBox<Item>,
  across: Across,
  colourOf: (node: InheritanceNode) => string,
): readonly string[] {
  const x = across.right(box.level);
  const y = centreOf(box);
  return box.children.flatMap(child => {
    const [toX, toY] = [across.left(child.level), centreOf(child)];
    const bend = (x + toX) / 2;
    const dashes = child.item.node.owners.length > 0 ? '' : ' stroke-dasharray="6 5"';
    const path = `M${round(x)} ${round(y)}C${round(bend)} ${round(y)} ${round(bend)} ${round(toY)} ${round(toX)} ${round(toY)}`;
    return [
      `<path d="${path}" fill="none" stroke="${colourOf(child.item.node)}" stroke-width="3"${dashes}/>`,
      ...drawEdges(child, across, colourOf),
    ];
  });
}

function drawCards(box: PlacedBox<Item>, across: Across): readonly string[] {
  const { y, level, item, children } = box;
  return [
    `<g transform="translate(${round(across.left(level))} ${round(y)})">`,
    item.card.svg,
    '</g>',
    ...children.flatMap(child => drawCards(child, across)),
  ];
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

interface Piece {
  readonly svg: string;
  readonly bottom: number;
}

function drawUnplaced(tree: Inheritance, top: number, width: number): Piece {
  const images = unplacedOf(tree);
  const notes = [
    ...images.map(({ reference, code, message }) => `${reference} could not be read: ${code}: ${message}`),
    ...looseFindingWords(tree),
  ];
  const rows = notes.map((words, at) => {
    const y = top + 14 + at * 24;
    return (
      drawSign('indeterminate', MARGIN + 8, y, 8) +
      drawText(words, { x: MARGIN + 26, y: y + 4, room: width - 2 * MARGIN - 26, size: 12, tone: 'open' })
    );
  });
  return { svg: rows.join('\n'), bottom: top + notes.length * 24 };
}

/** Teams by their colours, and what the signs mean; as many to a row as fit. */
function drawLegend(
  colours: ReadonlyMap<string, string>,
  { root }: Inheritance,
  top: number,
  width: number,
): Piece {
  const found = new Set(statesIn(root));
  const states = (['verified', 'failed', 'indeterminate', 'unverified'] as const).filter(state =>
    found.has(state),
  );
  const entries = [
    ...[...colours].map(([team, colour]) => ({
      text: `layers of ${team}`,
      draw: (x: number, y: number) =>
        `<rect x="${x}" y="${y - 7}" width="14" height="14" rx="3" fill="${colour}"/>`,
    })),
    ...(hasLooseLayers(root)
      ? [
          {
            text: 'layers that no team stands for',
            draw: (x: number, y: number) =>
              `<rect x="${x}" y="${y - 7}" width="14" height="14" rx="3" fill="${NOBODY}"/>`,
          },
        ]
      : []),
    ...states.map(state => ({
      text: LEGEND[state],
      draw: (x: number, y: number) => drawSign(state, x + 7, y, 7),
    })),
  ];
  let [x, y] = [MARGIN, top + 26];
  const parts = entries.map(({ text, draw }) => {
    const room = Math.min(width - 2 * MARGIN - 22, estimateWidth(text, 12) + 4);
    if (x > MARGIN && x + room + 22 > width - MARGIN) [x, y] = [MARGIN, y + 24];
    const svg = draw(x, y) + drawText(text, { x: x + 22, y: y + 4, room, size: 12, tone: 'soft' });
    x += room + 22 + 24;
    return svg;
  });
  const rule = `<path d="M${MARGIN} ${top}H${width - MARGIN}" class="rail" stroke-width="1"/>`;
  return { svg: [rule, ...parts].join('\n'), bottom: y + 30 };
}

function statesIn({ images, children }: InheritanceNode): readonly PictureState[] {
  return [...images.map(stateOf), ...children.flatMap(statesIn)];
}

function hasLooseLayers({ adds, owners, children }: InheritanceNode): boolean {
  return (adds.layers > 0 && owners.length === 0) || children.some(hasLooseLayers);
}

const LEGEND = {
  verified: 'its chain of custody holds',
  failed: 'its chain does not hold',
  indeterminate: 'could not be decided',
  unverified: 'nobody checked it',
} as const;
