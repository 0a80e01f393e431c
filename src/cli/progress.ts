import { printable } from './text.js';

/** What a long piece of work says about itself; a use case calls back with these. */
export interface ProgressEvent {
  /** What is being done, as a verb: `verifying`, `copying`. */
  readonly phase: string;
  readonly done: number;
  readonly total?: number;
  /** Bytes moved so far. */
  readonly bytes?: number;
  /** One finished thing, for a line of its own: `registry.example/app@sha256:… verified`. */
  readonly finished?: string;
}

export interface Progress {
  report(event: ProgressEvent): void;
  /** Writes a line above the progress line. */
  line(text: string): void;
  /** Clears the line; nothing is drawn afterwards. */
  end(): void;
}

export interface ProgressOptions {
  readonly write: (text: string) => void;
  readonly isTTY: boolean;
  readonly columns: number;
  /** Milliseconds, any origin. */
  readonly now: () => number;
  /** GitHub Actions folds what stands between its group marks. */
  readonly groups: boolean;
}

/** Nothing appears for work that is over in less. */
const PATIENCE = 400;
const REDRAW = 100;
const HEARTBEAT = 10_000;
const CLEAR = '\r\u001b[2K';

/** A terminal gets one line that changes; anything else one line a phase and one every ten seconds. */
export function createProgress(options: ProgressOptions): Progress {
  const { write, isTTY, now } = options;
  const started = now();
  let phase: string | undefined;
  let drawnAt = Number.NEGATIVE_INFINITY;
  let visible = false;
  let open = false;

  const clear = () => {
    if (visible) write(CLEAR);
    visible = false;
  };
  const closeGroup = () => {
    if (open) write('::endgroup::\n');
    open = false;
  };

  const plain = (event: ProgressEvent, time: number) => {
    if (event.phase !== phase) {
      closeGroup();
      phase = event.phase;
      open = options.groups;
      write(options.groups ? `::group::${printable(event.phase)}\n` : `touchmark: ${describe(event, 0)}\n`);
    } else if (time - drawnAt >= HEARTBEAT) {
      write(`touchmark: ${describe(event, time - started)}\n`);
    } else return;
    drawnAt = time;
  };

  return {
    report(event) {
      const time = now();
      if (time - started < PATIENCE) return;
      if (event.finished !== undefined) {
        clear();
        write(`${printable(event.finished)}\n`);
      }
      if (!isTTY) return plain(event, time);
      if (time - drawnAt < REDRAW && event.phase === phase) return;
      phase = event.phase;
      drawnAt = time;
      visible = true;
      write(CLEAR + [...describe(event, time - started)].slice(0, options.columns - 1).join(''));
    },
    line(text) {
      clear();
      write(`${text}\n`);
    },
    end() {
      clear();
      closeGroup();
    },
  };
}

function describe({ phase, done, total, bytes }: ProgressEvent, elapsed: number): string {
  return [
    printable(phase),
    total === undefined ? (done > 0 ? `${done} items` : '') : `${done}/${total}`,
    bytes === undefined ? '' : `${formatBytes(bytes)} sent`,
    elapsed >= 1000 ? `${Math.floor(elapsed / 1000)}s` : '',
  ]
    .filter(part => part !== '')
    .join(' ');
}

/** Bytes in decimal units, as registries bill them. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let value = bytes;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 9.95 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
