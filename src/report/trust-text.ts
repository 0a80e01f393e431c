import type { TrustReport } from '../verify/trust-report.js';
import { formatAge, formatSince } from './custody-words.js';
import { type Line, line } from './lines.js';

/** `trust root 4, targets 14, timestamp expires in 6 days`. */
export function presentTrust({ offline, age, checked, roles }: TrustReport): Line {
  const { root, targets, timestamp } = roles;
  const left = (Date.parse(timestamp.expires) - Date.parse(checked)) / 1000 - age;
  const words = [
    `root ${root.version}`,
    `targets ${targets.version}`,
    `timestamp expires in ${formatAge(left)}`,
    ...(offline ? [`offline, as of ${formatSince(age)}`] : []),
  ];
  return line({ text: 'trust', style: 'dim' }, ` ${words.join(', ')}`);
}
