import type { TrustAudit } from '../trust/audit.js';
import type { AuditFinding } from '../tuf/audit/index.js';
import { countOf } from './custody-words.js';
import { type Line, line, type TextStyle } from './lines.js';

const STYLES: Readonly<Record<AuditFinding['severity'], TextStyle>> = {
  error: 'red',
  warning: 'yellow',
  note: 'dim',
};

/** What an audit saw and found, for people. */
export function presentAudit(audit: TrustAudit): readonly Line[] {
  const { place, roots, roles, bins, history, contents, findings } = audit;
  const isBroken = findings.some(({ severity }) => severity === 'error');
  const verdict = isBroken ? 'broken' : findings.length > 0 ? 'holds' : 'holds, nothing found';
  const looked = [
    `roots ${roots.first} to ${roots.last}`,
    ...(history === null ? [] : [countOf(history, 'earlier version')]),
    ...(contents === null ? [] : [`${countOf(contents, 'target')} read`]),
  ].join(', ');
  return [
    line(place, '  ', { text: verdict, style: isBroken ? 'red' : 'green' }),
    line(`  from root ${roots.given}; ${looked}`),
    line(),
    ...table(roles),
    ...(bins
      ? [
          line(
            `  and ${countOf(bins.count, 'bin')} with ${countOf(bins.targets, 'target')}, the first until ${day(bins.nextExpiry)}`,
          ),
        ]
      : []),
    ...(findings.length > 0 ? [line()] : []),
    ...findings.flatMap(({ severity, code, message, hint }) => [
      line({ text: severity, style: STYLES[severity] }, ` ${code}: ${message}`),
      line(`    fix: ${hint}`),
    ]),
  ];
}

function table(roles: TrustAudit['roles']): readonly Line[] {
  const width = Math.min(40, Math.max(4, ...roles.map(({ name }) => name.length)));
  const row = (name: string, version: string, expires: string, signed: string, more: string) =>
    line(
      `  ${name.padEnd(width)}  ${version.padStart(7)}  ${expires.padEnd(10)}  ${signed.padEnd(8)}  ${more}`,
    );
  return [
    row('role', 'version', 'until', 'signed', 'targets'),
    ...roles.map(({ name, version, expires, signed, threshold, targets }) =>
      row(name, `${version}`, day(expires), `${signed} of ${threshold}`, targets > 0 ? `${targets}` : ''),
    ),
  ];
}

const day = (time: string): string => time.slice(0, 10);
