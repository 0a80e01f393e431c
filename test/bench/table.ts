import { alignColumns } from '../markdown-table.js';

/** One line of the results: a ratio, and what it is made of. */
export interface Result {
  readonly what: string;
  readonly ours: string;
  readonly theirs: string;
  readonly ratio: string;
  /** What the ratio or value has to reach, where something was promised. */
  readonly bar?: string;
}

export const milliseconds = (value: number): string => `${value.toFixed(0)} ms`;
export const seconds = (value: number): string => `${(value / 1000).toFixed(1)} s`;
export const times = (value: number): string => value.toFixed(2);

export function renderResults(title: string, results: readonly Result[]): string {
  const head = ['', 'touchmark', 'beside it', 'ratio', 'bar'];
  const rows = results.map(({ what, ours, theirs, ratio, bar }) => [what, ours, theirs, ratio, bar ?? '']);
  return [`### ${title}`, '', ...alignColumns([head, ...rows]), ''].join('\n');
}
