/** A number and a unit, as policies write times. */
export const DURATION = /^[1-9][0-9]{0,4}[smhd]$/;

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `60d`, `12h`, `5m`, `30s`, which the schema has already held to that form. */
export function durationOf(text: string): number {
  return Number(text.slice(0, -1)) * (UNITS[text.slice(-1)] as number);
}
