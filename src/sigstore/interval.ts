import type { Field } from '../base/fields.js';

/** A span of time, both ends belonging to it, in milliseconds since 1970; without an end it is open. */
export interface Interval {
  readonly start: number;
  readonly end: number | undefined;
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;

/** Does this moment lie in the interval? Both ends belong to it, as RFC 5280 has it for certificates. */
export function contains(interval: Interval, time: number): boolean {
  return time >= interval.start && (interval.end === undefined || time <= interval.end);
}

/**
 * Reads a protobuf `TimeRange`. A missing start is an error, not "always": trust that begins at no time has been given by nobody.
 * @throws TouchmarkError with the field's code
 */
export function parseInterval(field: Field): Interval {
  field.onlyKeys(['start', 'end']);
  const start = parseTime(field.get('start'));
  const end = field.get('end').empty ? undefined : parseTime(field.get('end'));
  if (end !== undefined && end < start) field.fail('ends before it starts');
  return { start, end };
}

function parseTime(field: Field): number {
  const text = field.empty ? field.fail('is missing') : field.string(40);
  const time = TIME.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? field.fail('must be a time such as 2026-01-31T12:00:00Z') : time;
}
