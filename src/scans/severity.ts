/** Gravest first; `unknown` stands beside the scale. */
export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'negligible', 'unknown'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Those on the scale. */
export const LEAST_SEVERITIES = ['critical', 'high', 'medium', 'low', 'negligible'] as const;
export type LeastSeverity = (typeof LEAST_SEVERITIES)[number];

/** Words that scanners and databases use (Red Hat, Alpine, Clair's `Defcon1`, CycloneDX `info`). */
const WORDS: ReadonlyMap<string, Severity> = new Map([
  ['critical', 'critical'],
  ['defcon1', 'critical'],
  ['high', 'high'],
  ['important', 'high'],
  ['medium', 'medium'],
  ['moderate', 'medium'],
  ['low', 'low'],
  ['negligible', 'negligible'],
  ['unimportant', 'negligible'],
  ['informational', 'negligible'],
  ['info', 'negligible'],
  ['none', 'negligible'],
]);

/** What a word means; one that nobody knows is `unknown`, never harmless. */
export function severityOf(word: string | null): Severity {
  return WORDS.get(word?.trim().toLowerCase() ?? '') ?? 'unknown';
}

/** The qualitative scale of CVSS 3.1, section 5, and of 4.0, section 6. */
export function severityOfScore(score: number): Severity {
  if (!(score >= 0 && score <= 10)) return 'unknown';
  if (score >= 9) return 'critical';
  if (score >= 7) return 'high';
  if (score >= 4) return 'medium';
  return score > 0 ? 'low' : 'negligible';
}

/** The graver of two; what is unknown gives way to what is known. */
export function worse(a: Severity, b: Severity): Severity {
  return SEVERITIES.indexOf(a) <= SEVERITIES.indexOf(b) ? a : b;
}

/** Whether it is at least as grave as `least`. What is unknown may be: whoever asks decides about it separately. */
export function reaches(severity: Severity, least: LeastSeverity): boolean {
  return SEVERITIES.indexOf(severity) <= SEVERITIES.indexOf(least);
}
