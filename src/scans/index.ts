/**
 * Reports of scanners, brought to one form: findings and components, with all that is said of where they lie.
 *
 * What must hold:
 * - a report is not signed: what it says is never evidence of who owns anything, only of what to look for;
 * - it is read strictly and within bounds, and what is not known in it is passed over;
 * - a severity that is not understood is `unknown`, never harmless;
 * - nothing is taken over that is a secret.
 */
export { type PackageUrl, parsePackageUrl } from './package-url.js';
export { readScanReport } from './read-report.js';
export {
  SCAN_FORMATS,
  type ScanComponent,
  type ScanFinding,
  type ScanFormat,
  type ScanPackage,
  type ScanPlace,
  type ScanReport,
  type ScanSubject,
} from './scan-report.js';
export {
  LEAST_SEVERITIES,
  type LeastSeverity,
  reaches,
  SEVERITIES,
  type Severity,
  severityOf,
  severityOfScore,
  worse,
} from './severity.js';
export { type ImageNames, matchSubject, type SubjectMatch } from './subject.js';
