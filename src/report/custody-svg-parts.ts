import { STATE_COLOURS, visible } from './custody-drawing.js';
import { cut } from './custody-layout.js';
import type { PictureState } from './custody-picture.js';

/** Shapes and words of the picture, each as a piece of SVG. Every text goes through {@link escapeXml}. */

export function escapeXml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return visible(text).replace(/[&<>"']/g, character => entities[character] ?? '');
}

export interface TextOptions {
  readonly x: number;
  /** Of the baseline. */
  readonly y: number;
  /** Pixels that the text may take; more is cut in the middle and shown whole as a tooltip. */
  readonly room: number;
  readonly size?: number;
  readonly mono?: boolean;
  readonly bold?: boolean;
  /** Class names: `strong`, `soft`, `bad`, `open`, `inverse`. */
  readonly tone?: string;
  readonly anchor?: 'start' | 'middle' | 'end';
}

/** Widths are estimates: nothing here can measure a font. Capitals and wide letters are allowed for. */
export function estimateWidth(text: string, size: number, mono = false): number {
  return Math.round([...text].length * size * (mono ? 0.62 : 0.56));
}

export function drawText(text: string, options: TextOptions): string {
  const { x, y, room, size = 13, mono = false, bold = false, tone = 'strong', anchor = 'start' } = options;
  const shown = cut(
    visible(text),
    Math.max(4, Math.floor((100 * room) / estimateWidth('m'.repeat(100), size, mono))),
  );
  const tooltip = shown === visible(text) ? '' : `<title>${escapeXml(text)}</title>`;
  const classes = [tone, ...(mono ? ['mono'] : []), ...(bold ? ['bold'] : [])].join(' ');
  const place = anchor === 'start' ? '' : ` text-anchor="${anchor}"`;
  return `<text x="${x}" y="${y}" font-size="${size}" class="${classes}"${place}>${tooltip}${escapeXml(shown)}</text>`;
}

const SIGNS: Readonly<Record<PictureState, string>> = {
  verified: 'M-4 0.5l3 3l5.5-6.5',
  failed: 'M-3.5-3.5l7 7M3.5-3.5l-7 7',
  indeterminate: 'M-2.6-2.2c0-3.6 5.4-3.4 5.2 0c-0.1 1.8-2.6 1.8-2.6 3.6M0 4.2v0.4',
  unverified: 'M-3.5 0h7',
};

/** A round sign: a tick, a cross, a question mark or a dash. Its shape says what its colour says. */
export function drawSign(state: PictureState, x: number, y: number, radius = 9): string {
  const scale = (radius / 9).toFixed(2);
  return `<g transform="translate(${x} ${y}) scale(${scale})"><circle r="9" fill="${STATE_COLOURS[state]}"/><path d="${SIGNS[state]}" fill="none" stroke="#fff" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/></g>`;
}

export interface Badge {
  readonly text: string;
  /** Shown as a tooltip: what there is no room for. */
  readonly about?: string;
  readonly state: PictureState;
}

const BADGE_HEIGHT = 26;
const BADGE_GAP = 8;

/** Pills in rows, as many to a row as fit. */
export function drawBadges(
  badges: readonly Badge[],
  x: number,
  y: number,
  room: number,
): { readonly svg: string; readonly height: number } {
  let [left, top] = [0, 0];
  const parts = badges.map(({ text, about, state }) => {
    const width = Math.min(room, estimateWidth(visible(text), 12) + 40);
    if (left > 0 && left + width > room) [left, top] = [0, top + BADGE_HEIGHT + BADGE_GAP];
    const at = x + left;
    left += width + BADGE_GAP;
    const middle = y + top + BADGE_HEIGHT / 2;
    const tone = state === 'failed' ? 'bad' : state === 'indeterminate' ? 'open' : 'strong';
    return [
      about === undefined ? '' : `<g><title>${escapeXml(about)}</title>`,
      `<rect x="${at}" y="${y + top}" width="${width}" height="${BADGE_HEIGHT}" rx="13" class="badge" stroke="${STATE_COLOURS[state]}"/>`,
      drawSign(state, at + 14, middle, 7),
      drawText(text, { x: at + 27, y: middle + 4, room: width - 36, size: 12, tone }),
      about === undefined ? '' : '</g>',
    ].join('');
  });
  return { svg: parts.join('\n'), height: badges.length === 0 ? 0 : top + BADGE_HEIGHT };
}

/** Works on light and on dark paper, for it brings its own; fonts are whatever the reader has. */
export const STYLE = `<style>
text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"DejaVu Sans",sans-serif}
.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.bold{font-weight:600}
.paper{fill:#ffffff}.card{fill:#f6f8fa;stroke:#d0d7de}.badge{fill:#ffffff}.rail{stroke:#afb8c1}
.strong{fill:#1f2328}.soft{fill:#59636e}.bad{fill:#cf222e}.open{fill:#9a6700}.inverse{fill:#ffffff}
.wrong{fill:#cf222e;fill-opacity:.09;stroke:#cf222e}
@media (prefers-color-scheme:dark){
.paper{fill:#0d1117}.card{fill:#161b22;stroke:#30363d}.badge{fill:#0d1117}.rail{stroke:#484f58}
.strong{fill:#e6edf3}.soft{fill:#9198a1}.bad{fill:#ff7b72}.open{fill:#d29922}
.wrong{fill:#f85149;fill-opacity:.16;stroke:#f85149}
}
</style>`;
