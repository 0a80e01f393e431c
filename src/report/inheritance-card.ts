import type { InheritanceNode, NodeImage } from '../inheritance/index.js';
import { STATE_COLOURS, visible } from './custody-drawing.js';
import { wrap } from './custody-layout.js';
import { drawBadges, drawSign, drawText } from './custody-svg-parts.js';
import { MARKS } from './custody-table.js';
import { formatSince, nameStep, shortDigest } from './custody-words.js';
import {
  addsWords,
  createdWords,
  currencyWords,
  findingWords,
  isGrave,
  ownerWords,
  partingWords,
  shortNamedBaseWords,
  shortTitleOf,
  stateOf,
  titleOf,
} from './inheritance-words.js';

/** Of every card, in pixels. */
export const CARD_WIDTH = 320;
const PADDING = 16;
const LEFT = PADDING + 8;
const ROOM = CARD_WIDTH - LEFT - PADDING;
/** Characters of small text that fit across a card. */
const COLUMNS = 41;
/** Rows that one long text may take. */
const ROWS = 3;

/** One place of the tree, drawn at the origin. */
export interface Card {
  readonly height: number;
  readonly svg: string;
}

/** @param colour of the team that stands for its layers */
export function drawNode(node: InheritanceNode, colour: string): Card {
  const parts =
    node.images.length === 0
      ? [drawParting(node)]
      : node.images.map((image, at) => drawImage(image, at === 0 ? node : undefined));
  let height = 0;
  const inside = parts.map(part => {
    const rule = height === 0 ? '' : `<path d="M${LEFT} ${height}H${CARD_WIDTH - PADDING}" class="rail"/>`;
    const svg = `${rule}<g transform="translate(0 ${height})">${part.svg}</g>`;
    height += part.height;
    return svg;
  });
  const states = node.images.map(stateOf);
  const box = states.includes('failed') ? 'wrong' : 'card';
  const isProven = states.length > 0 && states.every(state => state === 'verified');
  const dashes = isProven || box === 'wrong' ? '' : ' stroke-dasharray="6 4"';
  return {
    height,
    svg: [
      `<rect width="${CARD_WIDTH}" height="${height}" rx="8" class="paper"/>`,
      `<rect width="${CARD_WIDTH}" height="${height}" rx="8" class="${box}"${dashes}/>`,
      `<rect y="8" width="6" height="${height - 16}" rx="3" fill="${colour}"/>`,
      ...inside,
    ].join('\n'),
  };
}

function drawParting(node: InheritanceNode): Card {
  const owner = ownerWords(node);
  const found = findingWords(node);
  const rows = [
    `${addsWords(node)} above the last place`,
    ...(owner === '' ? [] : [owner]),
    ...(found === undefined ? [] : [found]),
  ];
  return {
    height: 40 + rows.length * 18,
    svg: [
      drawText(partingWords(node), { x: LEFT, y: 28, room: ROOM, size: 13, bold: true }),
      ...rows.map((text, at) => small(text, 48 + at * 18)),
    ].join('\n'),
  };
}

function drawImage(image: NodeImage, node: InheritanceNode | undefined): Card {
  const state = stateOf(image);
  const parts = [
    drawSign(state, LEFT + 8, 26, 9),
    // Bold letters are wider than what is estimated.
    drawText(shortTitleOf(image), { x: LEFT + 26, y: 31, room: 0.86 * (ROOM - 26), size: 15, bold: true }),
  ];
  let y = 52;
  const say = (text: string | undefined, tone = 'soft', mono = false) => {
    if (text === undefined) return;
    for (const row of wrap(visible(text), COLUMNS).slice(0, ROWS)) {
      parts.push(drawText(row, { x: LEFT, y, room: ROOM, size: 12, tone, mono }));
      y += 18;
    }
  };
  const title = titleOf(image);
  if (title !== shortTitleOf(image)) parts.push(small(title, y, 'soft', true));
  if (title !== shortTitleOf(image)) y += 18;
  say(
    [shortDigest(image.manifest), ...(image.platform === null ? [] : [image.platform])].join('  '),
    'soft',
    true,
  );
  say(
    [node ? addsWords(node) : 'the same layers', createdWords(image)].filter(Boolean).join(' · '),
    'strong',
  );
  if (node) say(findingWords(node), isGrave(node) ? 'bad' : 'soft');
  for (const { team, step, signers, age, time } of image.marks) {
    const when = age === null ? time : formatSince(age);
    say(`${nameStep({ team, step })}, by ${signers.join(', ')} · ${when}`, 'strong');
  }
  if (state !== 'verified') {
    const tone = state === 'failed' ? 'bad' : 'open';
    const words = image.basis === 'self-asserted' ? 'self-asserted by the image above' : MARKS[state].word;
    say([words, ...(image.code === null ? [] : [image.code])].join(': '), tone);
  }
  say(shortNamedBaseWords(image), 'open');
  const badges = drawBadges(badgesOf(image), LEFT, y - 4, ROOM);
  return {
    height: y - 4 + (badges.height === 0 ? 0 : badges.height + 14),
    svg: [...parts, badges.svg].join('\n'),
  };
}

const BADGES = { current: 'verified', behind: 'failed', unknown: 'indeterminate' } as const;

function badgesOf({ currency }: NodeImage) {
  return currencyWords(currency).map(({ state, text, short }) => ({
    text: short,
    about: text,
    state: BADGES[state],
  }));
}

function small(text: string, y: number, tone = 'soft', mono = false): string {
  return drawText(text, { x: LEFT, y, room: ROOM, size: 12, tone, mono });
}

/** Of an edge or a stripe, where no team stands for the layers. */
export const NOBODY = STATE_COLOURS.unverified;
