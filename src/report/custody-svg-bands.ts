import { approvalsOf, foldLayers, type LayerRow, STATE_COLOURS } from './custody-drawing.js';
import type { CustodyPicture, PictureApproval, PictureLayer, PictureLink } from './custody-picture.js';
import { drawBadges, drawSign, drawText, estimateWidth } from './custody-svg-parts.js';
import { MARKS, signedWords, signersOf } from './custody-table.js';
import { formatAge, formatSince, formatSpan, shortDigest } from './custody-words.js';
import { formatSize } from './inspect-text.js';

/** One link with its layers on the left and who stands for them on the right; or layers that nobody stands for. */
export type Band =
  | { readonly link: PictureLink; readonly layers: readonly PictureLayer[] }
  | { readonly link: null; readonly layers: readonly PictureLayer[] };

/** From the base upwards. Layers without an owner stand where their indices are. */
export function bandsOf({ links, layers }: CustodyPicture): readonly Band[] {
  const bands: Band[] = [];
  let loose = layers.filter(({ owner }) => owner === null);
  const takeBelow = (index: number) => {
    const below = loose.filter(layer => layer.index < index);
    loose = loose.filter(layer => layer.index >= index);
    if (below.length > 0) bands.push({ link: null, layers: below });
  };
  for (const link of links) {
    takeBelow(link.span.from);
    bands.push({ link, layers: layers.filter(({ owner }) => owner?.claim === link.claim) });
  }
  takeBelow(Number.POSITIVE_INFINITY);
  return bands;
}

/** Where things stand across the picture, in pixels. */
export const ACROSS = { margin: 32, layers: 372, rail: 432, card: 460, right: 1048, width: 1080 } as const;
const ROW = 32;
const ROW_GAP = 4;
const CARD_PADDING = 16;

/** @param y of the top edge */
export function drawBand(
  band: Band,
  picture: CustodyPicture,
  colour: string,
  y: number,
): { readonly svg: string; readonly height: number } {
  const rows = foldLayers(band.layers).toReversed();
  const column = rows.length === 0 ? ROW : rows.length * (ROW + ROW_GAP) - ROW_GAP;
  const card = band.link
    ? drawCard(band.link, approvalsOf(picture, band.link), colour)
    : drawNobody(picture, Math.max(44, column));
  const height = Math.max(column, card.height);
  const top = y + (height - column) / 2;
  const stack =
    rows.length === 0
      ? drawNoLayers(top, band.link?.kind ?? '')
      : rows.map((row, at) => drawRow(row, colour, top + at * (ROW + ROW_GAP))).join('\n');
  const middle = y + height / 2;
  const reach = ACROSS.margin + ACROSS.layers;
  const state = band.link?.state ?? (picture.policy === null ? 'unverified' : 'failed');
  return {
    height,
    svg: [
      stack,
      `<path d="M${reach + 6} ${top + 4}h6V${top + column - 4}h-6M${reach + 12} ${middle}H${ACROSS.card}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      `<g transform="translate(0 ${y + (height - card.height) / 2})">`,
      card.svg,
      '</g>',
      drawSign(state, ACROSS.rail, middle, 11),
    ].join('\n'),
  };
}

function drawRow(row: LayerRow, colour: string, y: number): string {
  const x = ACROSS.margin;
  const base = y + ROW / 2 + 4;
  if ('folded' in row) {
    const sizes = row.folded.map(({ size }) => size ?? Number.NaN);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    return [
      `<rect x="${x}" y="${y}" width="${ACROSS.layers}" height="${ROW}" rx="4" fill="${colour}" fill-opacity=".07"/>`,
      drawText(`${row.folded.length} more layers`, { x: x + 44, y: base, room: 200, tone: 'soft', size: 12 }),
      Number.isNaN(total) ? '' : drawSize(total, base),
    ].join('');
  }
  const { index, digest, size, state, codes } = row.layer;
  const wrong = state === 'failed';
  const words = codes[0] ?? layerWords(row.layer);
  const tone = wrong ? 'bad' : state === 'indeterminate' ? 'open' : 'soft';
  const box = wrong ? 'class="wrong" stroke-dasharray="4 3"' : `fill="${colour}" fill-opacity=".2"`;
  const label = wrong || state === 'indeterminate' ? `${MARKS[state].sign} ${words}` : words;
  return [
    `<rect x="${x}" y="${y}" width="${ACROSS.layers}" height="${ROW}" rx="4" ${box}/>`,
    `<rect x="${x}" y="${y}" width="6" height="${ROW}" rx="2" fill="${wrong ? STATE_COLOURS.failed : colour}"/>`,
    drawText(String(index), {
      x: x + 34,
      y: base,
      room: 26,
      mono: true,
      size: 12,
      bold: true,
      anchor: 'end',
    }),
    drawText(shortDigest(digest), { x: x + 44, y: base, room: 150, mono: true, size: 12 }),
    size === null || label.length > 18 ? '' : drawSize(size, base),
    drawText(label, {
      x: x + ACROSS.layers - 10,
      y: base,
      room: label.length > 18 ? 175 : 105,
      size: 11,
      tone,
      anchor: 'end',
    }),
  ].join('');
}

function layerWords({ owner, state, evidence }: PictureLayer): string {
  if (owner === null) return 'no owner';
  if (state === 'failed') return 'not accepted';
  return state === 'unverified' ? 'claimed' : (evidence ?? 'unknown');
}

function drawSize(size: number, y: number): string {
  const x = ACROSS.margin + 256;
  return drawText(formatSize(size), { x, y, room: 70, size: 12, tone: 'soft', anchor: 'end' });
}

function drawNoLayers(y: number, kind: string): string {
  const box = `<rect x="${ACROSS.margin}" y="${y}" width="${ACROSS.layers}" height="${ROW}" rx="4" class="card" stroke-dasharray="4 3"/>`;
  const words = kind === 'config' ? 'config only, no layers' : 'layers not shown';
  return (
    box + drawText(words, { x: ACROSS.margin + 44, y: y + ROW / 2 + 4, room: 300, size: 12, tone: 'soft' })
  );
}

/** Drawn at the top; it is moved to its place. */
function drawCard(link: PictureLink, approvals: readonly PictureApproval[], colour: string) {
  const [x, width] = [ACROSS.card, ACROSS.right - ACROSS.card];
  const [left, room] = [x + CARD_PADDING + 6, width - 2 * CARD_PADDING - 6];
  const parts: string[] = [];
  let base = CARD_PADDING + 14;
  const teamRoom = Math.min(room * 0.5, estimateWidth(link.team, 17) + 8);
  parts.push(drawText(link.team, { x: left, y: base, room: teamRoom, size: 17, bold: true }));
  const role = link.step === link.team ? link.kind : `step ${link.step}, ${link.kind}`;
  parts.push(
    drawText(`${role}, ${formatSpan(link.span)}`, {
      x: x + width - CARD_PADDING,
      y: base,
      room: room - teamRoom - 16,
      tone: 'soft',
      anchor: 'end',
    }),
  );
  base += 24;
  parts.push(drawText(signedWords(link), { x: left, y: base, room: room - 250 }));
  const when = `${formatSince(link.age)}, ${link.time.slice(0, 10)}`;
  parts.push(
    drawText(when, { x: x + width - CARD_PADDING, y: base, room: 240, tone: 'soft', anchor: 'end' }),
  );
  if (link.state !== 'verified' || link.codes.length > 0) {
    base += 23;
    const tone = link.state === 'failed' ? 'bad' : link.state === 'indeterminate' ? 'open' : 'soft';
    const words = link.state === 'verified' ? 'noted' : MARKS[link.state].word;
    parts.push(
      drawText([words, ...(link.codes.length > 0 ? [link.codes.join(', ')] : [])].join(': '), {
        x: left,
        y: base,
        room,
        tone,
        bold: tone === 'bad',
      }),
    );
  }
  const badges = drawBadges(approvals.map(badgeOf), left, base + 14, room);
  const height = base + (badges.height === 0 ? 0 : badges.height + 14) + CARD_PADDING;
  const solid = link.state === 'failed' ? 'class="wrong"' : 'class="card"';
  const edge = link.state === 'unverified' ? `${solid} stroke-dasharray="6 4"` : solid;
  const box = `<rect x="${x}" y="0" width="${width}" height="${height}" rx="8" ${edge}/>`;
  const stripe = `<rect x="${x}" y="8" width="6" height="${height - 16}" rx="3" fill="${colour}"/>`;
  return { height, svg: [box, stripe, ...parts, badges.svg].join('\n') };
}

export function badgeOf(approval: PictureApproval) {
  const { step, team, age, state, codes } = approval;
  const given = team === null || age === null ? [] : [`${team}: ${signersOf(approval)}`, formatAge(age)];
  const text = [step, ...given, ...(state === 'verified' ? [] : [codes.join(', ') || MARKS[state].word])];
  return { text: text.join(' · '), state };
}

function drawNobody({ policy }: CustodyPicture, height: number) {
  const [words, box, tone] =
    policy === null
      ? (['no single claim covers these layers', 'card', 'soft'] as const)
      : (['nobody answers for these layers', 'wrong', 'bad'] as const);
  const width = ACROSS.right - ACROSS.card;
  const svg = [
    `<rect x="${ACROSS.card}" y="0" width="${width}" height="${height}" rx="8" class="${box}" stroke-dasharray="6 4"/>`,
    drawText(words, { x: ACROSS.card + 22, y: height / 2 + 5, room: 540, size: 14, bold: true, tone }),
  ].join('');
  return { height, svg };
}
