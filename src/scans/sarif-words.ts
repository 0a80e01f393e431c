import type { Field } from '../base/fields.js';
import { parsePackageUrl } from './package-url.js';
import { dig, packageOf, readText, readTexts } from './report-fields.js';
import type { ScanFinding, ScanPackage } from './scan-report.js';
import { SEVERITIES, type Severity, severityOf, severityOfScore } from './severity.js';

const LEVELS: ReadonlyMap<string, Severity> = new Map([
  ['error', 'high'],
  ['warning', 'medium'],
  ['note', 'low'],
  ['none', 'negligible'],
]);

/** A word among the tags, else the score that code scanners agree on, else the level (section 3.27.10). */
export function readSarifSeverity(
  result: Field,
  rule: Field | undefined,
): Pick<ScanFinding, 'severity' | 'severityWord'> {
  const properties = [result, ...(rule ? [rule] : [])].map(holder => holder.get('properties'));
  const words = properties.flatMap(holder => readTexts(dig(holder, 'tags')));
  const word = words.find(tag => (SEVERITIES as readonly string[]).includes(tag.toLowerCase()));
  if (word !== undefined) return { severity: severityOf(word), severityWord: word };
  for (const holder of properties) {
    const score = dig(holder, 'security-severity');
    if (typeof score.value !== 'string' && typeof score.value !== 'number') continue;
    const text = String(score.value);
    return { severity: severityOfScore(text.trim() === '' ? Number.NaN : Number(text)), severityWord: text };
  }
  const level =
    readText(result.get('level')) ??
    (rule && readText(dig(rule, 'defaultConfiguration', 'level'))) ??
    'warning';
  return { severity: LEVELS.get(level) ?? 'unknown', severityWord: level };
}

/** Sentences of Grype, of today and before. */
const GRYPE = [
  /^An? \S+ vulnerability in (?<type>\S+) package: (?<name>\S+), version (?<version>\S+) was found /,
  /^The path \S+ reports (?<name>\S+) at version (?<version>\S+) [^(]*\((?<type>\S+)\) package/,
];

/** Trivy's message has a line each; Grype's rule has package URLs, and its message a sentence. */
export function readSarifPackage(message: string, rule: Field | undefined): ScanPackage | null {
  const trivy = /^Package: (.+)\nInstalled Version: (.*)$/m.exec(message);
  if (trivy) return packageOf({ name: trivy[1] as string, version: trivy[2] || null, purl: null });
  const [purl] = rule ? readTexts(dig(rule.get('properties'), 'purls')) : [];
  const url = parsePackageUrl(purl ?? null);
  if (url && purl !== undefined) {
    const grouped = url.namespace !== null && !['deb', 'apk', 'rpm'].includes(url.type);
    return packageOf({ name: grouped ? `${url.namespace}/${url.name}` : url.name, version: null, purl });
  }
  const grype = GRYPE.map(pattern => pattern.exec(message)?.groups).find(groups => groups !== undefined);
  if (grype?.['name'] === undefined) return null;
  const { name, version = null, type = null } = grype;
  return packageOf({ name, version, purl: null, ecosystem: type });
}
