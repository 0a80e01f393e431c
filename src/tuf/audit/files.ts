import { LIMITS } from '../../base/limits.js';
import { readableSize } from '../readable-size.js';
import type { Findings } from './finding.js';

/** A file that some clients stop reading before its end, or do not find. */
export function auditFile(
  role: string,
  file: string,
  { size, isListed }: { readonly size: number; readonly isListed: boolean },
  findings: Findings,
): void {
  const cap = readableSize(role);
  if (size > cap && !isListed) {
    findings.add(
      'warning',
      'file-large',
      `${file} has ${size} bytes; other clients read at most ${cap}`,
      role === 'root' || role === 'timestamp'
        ? 'make it smaller: fewer keys'
        : 'spread targets over bins, or list lengths in the file that names it',
      { role, file },
    );
  }
  // So much is read by nobody, whatever is listed.
  if (size > LIMITS.tufTargetsSize / 2)
    findings.add('note', 'file-huge', `${file} has ${size} bytes`, 'spread targets over bins', {
      role,
      file,
    });
  if (!/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/.test(role)) {
    findings.add(
      'note',
      'role-name-odd',
      `the name of the role ${JSON.stringify(role.slice(0, 80))} is encoded in file names, and servers and clients differ in how`,
      'use letters, digits, dots, dashes and underscores',
      { role, file },
    );
  }
}

const DAY = 86_400_000;

/** Expired, or about to: two weeks for what people sign. Files that machines renew are only looked at for being late. */
export function auditExpiry(role: string, expires: Date, now: Date, file: string, findings: Findings): void {
  const left = expires.getTime() - now.getTime();
  const date = expires.toISOString().slice(0, 16);
  const isOnline = role === 'snapshot' || role === 'timestamp';
  const remedy = isOnline ? 'touchmark tuf refresh' : `sign a new version of ${role}: touchmark tuf sign`;
  if (left <= 0) {
    findings.add('error', 'tuf-expired', `${role} expired at ${date}Z`, remedy, { role, file });
  } else if (!isOnline && left < 14 * DAY) {
    const days = Math.floor(left / DAY);
    findings.add('warning', 'expires-soon', `${role} expires in ${days} days, at ${date}Z`, remedy, {
      role,
      file,
    });
  }
}
