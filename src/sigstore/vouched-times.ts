import { type Problem, problem } from './certificate-chain.js';
import type { LogEvidence } from './log-evidence.js';
import type { TimestampEvidence } from './timestamp-evidence.js';
import type { BundlePolicy } from './verify-policy.js';

/** A moment at which the signature existed, and who says so. */
export interface VouchedTime {
  readonly source: 'log' | 'timestamp-authority';
  /** Hex SHA-256 of the source's key. */
  readonly keyid: string;
  /** Address of the source, as the trusted root has it. */
  readonly uri: string;
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** All times that trusted sources signed, earliest first. */
export function vouchedTimes(
  logged: readonly LogEvidence[],
  stamped: readonly TimestampEvidence[],
): readonly VouchedTime[] {
  const fromLogs = logged.flatMap(({ log, time }) =>
    time === undefined
      ? []
      : [{ source: 'log' as const, keyid: log.publicKey.keyid, uri: log.baseUrl, time }],
  );
  const fromAuthorities = stamped.map(({ authority, uri, time }) => ({
    source: 'timestamp-authority' as const,
    keyid: authority,
    uri,
    time,
  }));
  return [...fromLogs, ...fromAuthorities].sort((a, b) => a.time - b.time);
}

/** The earliest of each source. */
export function distinctSources(times: readonly VouchedTime[]): readonly VouchedTime[] {
  return times.filter((time, i) => times.findIndex(({ keyid }) => keyid === time.keyid) === i);
}

/** Do enough sources vouch for a time? */
export function checkSources(
  times: readonly VouchedTime[],
  { time: rule }: BundlePolicy,
): Problem | undefined {
  if (rule.kind !== 'vouched') return undefined;
  const sources = distinctSources(times);
  const authorities = sources.filter(({ source }) => source === 'timestamp-authority');
  return (
    enough('time-threshold-not-met', sources.length, rule.sources, 'sources of time') ??
    enough(
      'time-threshold-not-met',
      authorities.length,
      rule.timestampAuthorities ?? 0,
      'timestamp authorities',
    )
  );
}

/** The moments at which a certificate must have been valid: all that are known, and now where the policy takes that for a time. */
export function momentsOf(times: readonly VouchedTime[], { time: rule }: BundlePolicy): readonly number[] {
  const known = times.map(({ time }) => time);
  return rule.kind === 'unsafe-now' ? [rule.now, ...known] : known;
}

/** Is a threshold reached? */
export function enough(
  code: Problem['code'],
  found: number,
  wanted: number,
  what: string,
): Problem | undefined {
  return found < wanted
    ? problem(code, `${found} of ${wanted} trusted ${what} vouch for the signature`)
    : undefined;
}
