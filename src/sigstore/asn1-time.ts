import { DER, type DerElement } from '../crypto/der.js';

const UTC = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
const GENERALIZED = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{0,8}[1-9]))?Z$/;

/**
 * Milliseconds since 1970 of a UTCTime or GeneralizedTime in the forms of DER and RFC 5280 4.1.2.5: seconds given, zone Z.
 * A fraction, which only timestamps have (RFC 3161 2.4.2), is cut to milliseconds. Undefined for anything else, 30 February included.
 */
export function asn1Time(element: DerElement | undefined): number | undefined {
  if (element === undefined) return undefined;
  const text = Buffer.from(element.content).toString('latin1');
  const match =
    element.tag === DER.utcTime
      ? UTC.exec(text)
      : element.tag === DER.generalizedTime
        ? GENERALIZED.exec(text)
        : null;
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  // RFC 5280: two digits from 50 on are of the last century.
  const fullYear = element.tag === DER.utcTime ? year + (year >= 50 ? 1900 : 2000) : year;
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return undefined;
  const millisecond = Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'));
  const time = Date.UTC(fullYear, month - 1, day, hour, minute, second, millisecond);
  const date = new Date(time);
  return fullYear >= 1000 && date.getUTCDate() === day && date.getUTCMonth() === month - 1 ? time : undefined;
}
