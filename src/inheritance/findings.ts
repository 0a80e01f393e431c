import { SEVERITIES, type Severity, worse } from '../scans/index.js';
import type { AttributedFinding } from '../verify/attribute-report.js';
import type { ScannedImage } from './attribute-reports.js';
import type { ImageScan, LayerFindings } from './inheritance.js';

/** Severities by what tells findings apart. */
export type Findings = Map<string, Severity>;

/** The same flaw of the same package in the same files is one finding, whichever image it was found in. */
export function identify({ id, package: part, places }: AttributedFinding): string {
  const paths = places.flatMap(({ path }) => path?.replace(/^\/+/, '') ?? []).sort();
  return JSON.stringify([id, part?.name ?? null, part?.version ?? null, paths]);
}

/** Where reports differ the graver word counts. */
export function addFinding(all: Findings | null | undefined, id: string, severity: Severity): void {
  all?.set(id, worse(severity, all.get(id) ?? severity));
}

/** Of layers that lie on each other; null where nobody has scanned. */
export function countFindings(layers: readonly (Findings | null)[]): LayerFindings | null {
  const all: Findings = new Map();
  let isScanned = false;
  for (const layer of layers) {
    isScanned ||= layer !== null;
    for (const [id, severity] of layer ?? []) addFinding(all, id, severity);
  }
  if (!isScanned) return null;
  const severities = [...all.values()];
  const counts = SEVERITIES.map(
    severity => [severity, severities.filter(s => s === severity).length] as const,
  );
  return { total: all.size, bySeverity: Object.fromEntries(counts) as Record<Severity, number> };
}

export function summarizeScan({ reports, findings }: ScannedImage): ImageScan {
  const loose = findings.filter(({ owners }) => owners.length === 0);
  return {
    reports,
    findings: new Set(findings.map(identify)).size,
    unattributed: new Set(loose.map(identify)).size,
  };
}
