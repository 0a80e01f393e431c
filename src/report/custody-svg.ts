import { sayFinding } from '../custody/index.js';
import {
  approvalsOf,
  STATE_COLOURS,
  startWords,
  teamColours,
  verdictWords,
  visible,
} from './custody-drawing.js';
import { wrap } from './custody-layout.js';
import type { CustodyPicture } from './custody-picture.js';
import { ACROSS, badgeOf, bandsOf, drawBand } from './custody-svg-bands.js';
import { drawBadges, drawSign, drawText, escapeXml, estimateWidth, STYLE } from './custody-svg-parts.js';
import { countOf } from './custody-words.js';

/** Space between two links. */
const GAP = 26;
/** Findings that are written under the picture. */
const WRITTEN = 8;

interface Piece {
  readonly svg: string;
  /** Where the next piece may begin. */
  readonly bottom: number;
}

/**
 * A chain of custody as a picture that stands alone: the stack of layers with the base at the bottom, coloured by team, and
 * beside it who signed what and when. No scripts, no fonts, nothing is fetched.
 */
export function renderCustodySvg(picture: CustodyPicture): string {
  const header = drawHeader(picture);
  const chain = drawChain(picture, header.bottom);
  const footer = drawFindings(picture, chain.bottom);
  const name = `${picture.subject.repository ?? ''}@${picture.subject.manifest}`;
  const size = `width="${ACROSS.width}" height="${footer.bottom}" viewBox="0 0 ${ACROSS.width} ${footer.bottom}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-labelledby="title summary">`,
    `<title id="title">${escapeXml(`Chain of custody of ${name}`)}</title>`,
    `<desc id="summary">${escapeXml(`${verdictWords(picture)}; ${countOf(picture.links.length, 'step')}, ${countOf(picture.layers.length, 'layer')}`)}</desc>`,
    STYLE,
    `<rect width="${ACROSS.width}" height="${footer.bottom}" rx="12" class="paper"/>`,
    header.svg,
    chain.svg,
    footer.svg,
    '</svg>',
    '',
  ].join('\n');
}

function drawHeader(picture: CustodyPicture): Piece {
  const { subject, policy, level, state } = picture;
  const words = verdictWords(picture);
  const width = Math.min(560, estimateWidth(words, 16.5) + 56);
  const left = ACROSS.right - width;
  const policyWords =
    policy === null
      ? 'no policy was given: all of this is only claimed'
      : `policy ${policy.name}, version ${policy.version}`;
  const facts = [policyWords, ...(level === null ? [] : [`level ${level}`])].join(' · ');
  return {
    bottom: 148,
    svg: [
      drawText('CHAIN OF CUSTODY', {
        x: ACROSS.margin,
        y: 44,
        room: 300,
        size: 11,
        tone: 'soft',
        bold: true,
      }),
      drawText(subject.repository ?? 'an image without a repository', {
        x: ACROSS.margin,
        y: 72,
        room: left - ACROSS.margin - 24,
        size: 20,
        bold: true,
      }),
      drawText([subject.manifest, ...(subject.platform === null ? [] : [subject.platform])].join(' · '), {
        x: ACROSS.margin,
        y: 98,
        room: 660,
        size: 12,
        mono: true,
        tone: 'soft',
      }),
      `<rect x="${left}" y="32" width="${width}" height="38" rx="19" fill="${STATE_COLOURS[state]}"/>`,
      drawSign(state, left + 22, 51),
      drawText(words, { x: left + 40, y: 56, room: width - 52, size: 15, bold: true, tone: 'inverse' }),
      drawText(facts, { x: ACROSS.right, y: 98, room: 330, size: 12, tone: 'soft', anchor: 'end' }),
      `<path d="M${ACROSS.margin} 118H${ACROSS.right}" class="rail" stroke-width="1"/>`,
    ].join('\n'),
  };
}

function drawChain(picture: CustodyPicture, top: number): Piece {
  const { start, state, layers } = picture;
  const colours = teamColours(picture);
  const loose = drawBadges(
    approvalsOf(picture, null).map(badgeOf),
    ACROSS.card,
    top,
    ACROSS.right - ACROSS.card,
  );
  let y = top + (loose.height === 0 ? 0 : loose.height + GAP);
  const first = y;
  const bands = bandsOf(picture)
    .toReversed()
    .map(band => {
      const team = band.link && colours.get(band.link.team);
      const colour = team ?? STATE_COLOURS[picture.policy === null ? 'unverified' : 'failed'];
      const { svg, height } = drawBand(band, picture, colour, y);
      y += height + GAP;
      return svg;
    });
  const missing = start.kind === 'missing';
  const ground = [
    `<path d="M${ACROSS.margin} ${y}H${ACROSS.right}" class="rail" stroke-width="2" stroke-dasharray="${missing ? '3 5' : 'none'}"/>`,
    drawText(startWords(picture), {
      x: ACROSS.card,
      y: y + 22,
      room: 560,
      tone: missing && state === 'failed' ? 'bad' : 'soft',
      bold: missing,
    }),
    drawText(layers.length === 0 ? '' : 'layers, the base at the bottom', {
      x: ACROSS.margin,
      y: y + 22,
      room: 340,
      size: 12,
      tone: 'soft',
    }),
  ];
  // Behind the cards, so that only the gaps between them show it.
  const rail =
    bands.length === 0 ? '' : `<path d="M${ACROSS.rail} ${first}V${y}" class="rail" stroke-width="3"/>`;
  return { bottom: y + 44, svg: [loose.svg, rail, ...bands, ...ground].join('\n') };
}

function drawFindings({ findings }: CustodyPicture, top: number): Piece {
  const bad = findings.filter(({ severity }) => severity !== 'warning');
  const x = ACROSS.margin;
  const behind = x + 260;
  const room = ACROSS.right - behind;
  let y = top + 8;
  const rows = bad.slice(0, WRITTEN).flatMap(({ code, where, message, severity }) => {
    const tone = severity === 'fail' ? 'bad' : 'open';
    const said = wrap(visible(sayFinding({ where, message })), Math.floor(room / 6.8));
    const lines = said
      .slice(0, 3)
      .map((text, at) => drawText(text, { x: behind, y: y + at * 18, room, size: 12 }));
    const name = drawText(code, { x, y, room: 250, mono: true, size: 12, bold: true, tone });
    y += 4 + 18 * lines.length;
    return [name, ...lines];
  });
  const more = bad.length - WRITTEN;
  if (more > 0) {
    rows.push(drawText(`and ${more} more`, { x, y, room: 250, size: 12, tone: 'soft' }));
    y += 22;
  }
  return { bottom: y + 12, svg: rows.join('\n') };
}
