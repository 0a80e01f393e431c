import type { CustodyPicture, PictureApproval, PictureLayer, PictureLink } from './custody-picture.js';
import { MARKS, signedWords, signersOf } from './custody-table.js';
import { formatSince, formatSpan, nameStep, shortDigest } from './custody-words.js';
import { formatSize } from './inspect-text.js';

/** What the graphic forms share: colours, folded layers, and words that fit into a box. */

/** Okabe and Ito's colours, which the colour-blind tell apart; without the red, which means failure here. */
const PALETTE = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#b3a200', '#7a5ea8'] as const;

/** A colour for each team that built something, in the order of the chain. Where they run out they begin again. */
export function teamColours({ links }: CustodyPicture): ReadonlyMap<string, string> {
  return coloursOf(links.map(({ team }) => team));
}

export function coloursOf(teams: readonly string[]): ReadonlyMap<string, string> {
  return new Map([...new Set(teams)].map((team, at) => [team, PALETTE[at % PALETTE.length] ?? PALETTE[0]]));
}

export const STATE_COLOURS = {
  verified: '#1a7f37',
  failed: '#cf222e',
  indeterminate: '#9a6700',
  unverified: '#6e7781',
} as const;

/** Controls, marks that reorder or hide text, halves of characters: none is drawn, and for some XML has no form. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Cn}\p{Zl}\p{Zp}]/gu, '\ufffd');
}

/** Rows of layers that are drawn for one owner. */
const DRAWN = 8;
const KEPT = 3;

/** One row of the column of layers: a layer, or several that are only counted. */
export type LayerRow = { readonly layer: PictureLayer } | { readonly folded: readonly PictureLayer[] };

/** The middle of many layers is counted; the layers that something is wrong with are drawn before others. */
export function foldLayers(layers: readonly PictureLayer[]): readonly LayerRow[] {
  if (layers.length <= DRAWN) return layers.map(layer => ({ layer }));
  const middle = layers.slice(KEPT, -KEPT);
  const wrong = middle.filter(({ codes }) => codes.length > 0).slice(0, DRAWN);
  const rest = middle.filter(layer => !wrong.includes(layer));
  return [
    ...layers.slice(0, KEPT).map(layer => ({ layer })),
    ...wrong.map(layer => ({ layer })),
    ...(rest.length > 0 ? [{ folded: rest }] : []),
    ...layers.slice(-KEPT).map(layer => ({ layer })),
  ];
}

export function rowWords(row: LayerRow): string {
  if ('layer' in row) {
    const { index, digest, size } = row.layer;
    return `${index}  ${shortDigest(digest)}${size === null ? '' : `  ${formatSize(size)}`}`;
  }
  return `… ${row.folded.length} more`;
}

/** A link in a few short lines, its name first. */
export function linkLabel(link: PictureLink): readonly string[] {
  return [
    `${MARKS[link.state].sign} ${nameStep(link)}`,
    `${link.kind}, ${formatSpan(link.span)}`,
    signedWords(link),
    `${formatSince(link.age)}, ${link.time.slice(0, 10)}`,
    ...stateLabel(link),
  ];
}

export function approvalLabel(approval: PictureApproval): readonly string[] {
  const { team, age, state, step } = approval;
  return [
    `${MARKS[state].sign} approval ${step}`,
    ...(team === null ? [] : [`${team}: ${signersOf(approval)}`]),
    ...(age === null ? [] : [formatSince(age)]),
    ...stateLabel(approval),
  ];
}

function stateLabel({ state, codes }: Pick<PictureLink, 'state' | 'codes'>): readonly string[] {
  if (state === 'verified') return [];
  return [codes.length === 0 ? MARKS[state].word : `${MARKS[state].word}: ${codes.join(', ')}`];
}

export function verdictWords({ state, code }: CustodyPicture): string {
  if (state === 'verified') return 'verified';
  return code === null ? 'not verified' : `not verified: ${code}`;
}

/** Approvals of a link, and with null those that hang off no link that is there. */
export function approvalsOf({ approvals, links }: CustodyPicture, link: PictureLink | null) {
  if (link !== null) return approvals.filter(({ on }) => on === link.claim);
  return approvals.filter(({ on }) => !links.some(({ claim }) => claim === on));
}

/** What the chain stands on. */
export function startWords({ start: { kind, name }, links }: CustodyPicture): string {
  if (links.length === 0) return 'no chain of custody is known';
  if (kind === 'scratch') return 'scratch';
  if (kind === 'upstream') return name === null ? 'an upstream image' : `upstream ${name}`;
  return name === null ? 'a step whose mark was not found' : `step ${name}, whose mark was not found`;
}
