import { fail } from '../base/errors.js';

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
/** setTimeout takes no more: 2^31 - 1 milliseconds. */
const LONGEST = 24 * UNITS.h;

/**
 * Milliseconds of `30s`, `5m`, `1h`, `250ms`; `0` is no limit at all.
 * @throws TouchmarkError `usage-argument`
 */
export function parseDuration(text: string, flag: string): number {
  if (text === '0') return 0;
  const match = /^(\d{1,9})(ms|s|m|h)$/.exec(text);
  const milliseconds = match ? Number(match[1]) * UNITS[match[2] as keyof typeof UNITS] : 0;
  if (milliseconds > 0 && milliseconds <= LONGEST) return milliseconds;
  return fail('usage-argument', `--${flag} takes a time between 1ms and 24h, not ${JSON.stringify(text)}`, {
    hint: `write a number and a unit, such as --${flag} 30s or --${flag} 5m; 0 means no limit`,
  });
}
