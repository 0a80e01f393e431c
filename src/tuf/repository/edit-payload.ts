import { fail } from '../../base/errors.js';
import type { ExactJsonObject } from '../../base/json.js';
import { formatTime } from '../../base/time.js';
import { objectAt, record, withMember } from './objects.js';

/**
 * Members of payloads that only authors need: other clients pass them over and keep them. The period, in days, that the next
 * version is given; and what keys are called, by keyid.
 */
export const EXPIRY_DAYS = 'x-touchmark-expiry-days';
export const LABELS = 'x-touchmark-labels';
/** In root: how many days a snapshot and a timestamp hold. */
export const ONLINE_DAYS = 'x-touchmark-online-days';

/** What this writes is by the specification of this version. */
const SPEC_VERSION = '1.0.34';
const DAY = 86_400_000;
/** A hundred years: beyond, "expires" says nothing. */
const MOST_DAYS = 36_500;

/** A payload of which nothing is there yet but what all have; {@link renew} gives it version and expiry. */
export function newPayload(type: string, expiryDays: number): ExactJsonObject {
  if (!Number.isInteger(expiryDays) || expiryDays < 1 || expiryDays > MOST_DAYS)
    fail('usage-argument', `metadata expires after 1 to ${MOST_DAYS} days, not ${expiryDays}`);
  return record({ _type: type, spec_version: SPEC_VERSION, [EXPIRY_DAYS]: expiryDays });
}

/** How long versions of a role hold, in days; without a word about it, as long as the version before did not say: 90. */
export function expiryDaysOf(payload: ExactJsonObject): number {
  const days = payload[EXPIRY_DAYS];
  return typeof days === 'number' && Number.isInteger(days) && days >= 1 && days <= MOST_DAYS ? days : 90;
}

/** The payload as a version of its own, which holds from now for the role's period. */
export function renew(payload: ExactJsonObject, version: number, now: Date): ExactJsonObject {
  const expires = formatTime(new Date(now.getTime() + expiryDaysOf(payload) * DAY));
  return withMember(withMember(payload, 'version', version), 'expires', expires);
}

/** Remembers what a key is called; without a label, what it was called stays. */
export function withLabel(
  payload: ExactJsonObject,
  keyid: string,
  label: string | undefined,
): ExactJsonObject {
  if (label === undefined) return payload;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they have no place in a name that terminals show
  if (label === '' || label.length > 100 || /[\u0000-\u001f\u007f-\u009f]/.test(label))
    fail('usage-argument', 'a label of a key is 1 to 100 printable characters', {
      details: { label: label.slice(0, 120) },
    });
  return withMember(payload, LABELS, withMember(objectAt(payload, LABELS), keyid, label));
}

/** What a key is called there; undefined when nobody said, or it cannot be shown. */
export function labelOf(payload: ExactJsonObject, keyid: string): string | undefined {
  const label = objectAt(payload, LABELS)[keyid];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what would write on a terminal is no label
  return typeof label === 'string' && !/[\u0000-\u001f\u007f-\u009f]/.test(label)
    ? label.slice(0, 100)
    : undefined;
}

/** Leaves out the labels of keys that are no longer there. */
export function dropLabels(payload: ExactJsonObject, keys: ExactJsonObject): ExactJsonObject {
  const labels = objectAt(payload, LABELS);
  const kept = Object.keys(labels).filter(keyid => Object.hasOwn(keys, keyid));
  if (kept.length === Object.keys(labels).length) return payload;
  const rest = record(Object.fromEntries(kept.map(keyid => [keyid, labels[keyid] ?? ''])));
  return withMember(payload, LABELS, kept.length > 0 ? rest : undefined);
}
