import type { Digest } from '../base/digest.js';
import { type Cell, type Column, table } from './custody-layout.js';
import type { CustodyPicture, PictureLayer, PictureLink, PictureState } from './custody-picture.js';
import { formatAge, shortDigest } from './custody-words.js';
import { formatSize } from './inspect-text.js';
import type { Line, TextStyle } from './lines.js';

const LAYER_COLUMNS: readonly Column[] = [
  { title: 'layer', right: true },
  { title: 'digest' },
  { title: 'size', right: true },
  { title: 'team', flexible: true },
  { title: 'step', flexible: true },
  { title: 'signed by', flexible: true },
  { title: 'age', right: true },
  { title: 'evidence' },
];

/** Layers that are listed one by one; of more, the middle of each run of the same owner is counted. */
const LISTED = 40;

/** Whose each layer is: index, digest, size, team, step, signers, age, and how that is known. */
export function layerTable({ layers, links }: CustodyPicture): readonly Line[] {
  if (layers.length === 0) return [];
  const byClaim = new Map(links.map(link => [link.claim, link]));
  const rows = layers.map(layer => ({ layer, cells: rowOf(layer, byClaim) }));
  const folded = rows.length > LISTED ? runsOf(rows).flatMap(foldRun) : rows.map(({ cells }) => cells);
  return table(LAYER_COLUMNS, folded);
}

interface Row {
  readonly layer: PictureLayer;
  readonly cells: readonly Cell[];
}

/** Neighbours that differ in index, digest and size only. */
function runsOf(rows: readonly Row[]): readonly (readonly Row[])[] {
  const key = ({ cells }: Row) =>
    cells
      .slice(3)
      .map(({ text }) => text)
      .join('\n');
  const runs: Row[][] = [];
  for (const row of rows) {
    const last = runs.at(-1)?.at(-1);
    if (last && key(last) === key(row)) runs.at(-1)?.push(row);
    else runs.push([row]);
  }
  return runs;
}

function foldRun(run: readonly Row[]): readonly (readonly Cell[])[] {
  const cells = run.map(row => row.cells);
  if (run.length <= 4) return cells;
  const sizes = run.slice(1, -1).map(({ layer }) => layer.size);
  const total = sizes.reduce((sum, size) => (sum === null || size === null ? null : sum + size), 0);
  const middle = [{ text: '…' }, { text: `${run.length - 2} more` }, { text: sizeOf(total) }];
  return [...cells.slice(0, 1), [...middle, ...(cells[0] ?? []).slice(3)], ...cells.slice(-1)];
}

function rowOf(layer: PictureLayer, links: ReadonlyMap<Digest, PictureLink>): readonly Cell[] {
  const link = layer.owner ? links.get(layer.owner.claim) : undefined;
  return [
    { text: String(layer.index) },
    { text: shortDigest(layer.digest) },
    { text: sizeOf(layer.size) },
    layer.owner ? { text: layer.owner.team } : { text: 'nobody', style: 'red' },
    { text: layer.owner?.step ?? '–' },
    { text: link ? signersOf(link) : '–' },
    { text: link ? formatAge(link.age) : '–' },
    evidenceOf(layer),
  ];
}

function sizeOf(size: number | null): string {
  return size === null ? '–' : formatSize(size);
}

/** Names, or what there is instead of names. */
export function signersOf({
  signers,
  keyids,
  state,
}: Pick<PictureLink, 'signers' | 'keyids' | 'state'>): string {
  if (signers.length > 0) return listNames(signers);
  if (state !== 'unverified') return 'nobody of the team';
  return keyids.length > 0 ? listNames(keyids.map(keyid => `key ${keyid.slice(0, 12)}`)) : 'unknown';
}

function listNames(names: readonly string[]): string {
  return names.length <= 8
    ? names.join(', ')
    : `${names.slice(0, 7).join(', ')} and ${names.length - 7} more`;
}

export function signedWords(link: Pick<PictureLink, 'signers' | 'keyids' | 'state'>): string {
  return link.state === 'unverified'
    ? `signature not checked: ${signersOf(link)}`
    : `signed by ${signersOf(link)}`;
}

function evidenceOf({ state, evidence, owner }: PictureLayer): Cell {
  if (state === 'verified') return { text: evidence ?? '' };
  if (owner === null && state === 'failed') return { text: '✗ no owner', style: 'red' };
  return { text: `${MARKS[state].sign} ${MARKS[state].word}`, style: MARKS[state].style };
}

/** How each state is shown; the word says what the sign and the colour say. */
export const MARKS: Readonly<
  Record<PictureState, { readonly sign: string; readonly word: string; readonly style: TextStyle }>
> = {
  verified: { sign: '✓', word: 'verified', style: 'green' },
  failed: { sign: '✗', word: 'failed', style: 'red' },
  indeterminate: { sign: '?', word: 'undecided', style: 'yellow' },
  unverified: { sign: '·', word: 'not verified', style: 'yellow' },
};
