import type { Severity } from './severity.js';

/** Forms of a report that are read. */
export const SCAN_FORMATS = ['trivy', 'grype', 'clair', 'sarif', 'cyclonedx', 'spdx'] as const;
export type ScanFormat = (typeof SCAN_FORMATS)[number];

/** What a scanner says about an image, whichever scanner it was. Nothing in it is signed: it is what the file says. */
export interface ScanReport {
  readonly format: ScanFormat;
  /** As the document gives it: `2`, `1.6`, `SPDX-2.3`. */
  readonly formatVersion: string | null;
  readonly tool: { readonly name: string; readonly version: string | null } | null;
  /** When it was made, as it says. */
  readonly created: string | null;
  readonly subject: ScanSubject;
  /** Somebody has looked for flaws, also where none was found. Not so for a mere bill of materials. */
  readonly searched: boolean;
  readonly findings: readonly ScanFinding[];
  /** What a bill of materials lists; empty for a report of findings alone. */
  readonly components: readonly ScanComponent[];
  /** Findings that the report itself says do not affect the image. They are not among `findings`. */
  readonly dismissed: number;
}

/** The image that the report says it is about. Digests are as written: they may be anything. */
export interface ScanSubject {
  readonly name: string | null;
  /** Digests of its manifest, of its config, of an index that lists it. */
  readonly images: readonly string[];
  /** Of its layers: of their blobs, or of what they unpack to. */
  readonly layers: readonly string[];
}

export interface ScanComponent {
  readonly package: ScanPackage;
  readonly places: readonly ScanPlace[];
}

export interface ScanFinding {
  /** `CVE-2023-0286`; the rule, for a finding about a file. */
  readonly id: string;
  /** Other names of the same flaw. */
  readonly aliases: readonly string[];
  readonly title: string | null;
  readonly severity: Severity;
  /** The report's own word or number for it. */
  readonly severityWord: string | null;
  /** Null for a finding about a file itself, such as a secret. */
  readonly package: ScanPackage | null;
  /** Versions without the flaw; empty: none is known. */
  readonly fixedIn: readonly string[];
  /** Where the scanner has it from. */
  readonly source: string | null;
  readonly places: readonly ScanPlace[];
}

export interface ScanPackage {
  /** As in a package URL: `deb`, `rpm`, `apk`, `npm`, …; null when the report does not say. */
  readonly ecosystem: string | null;
  readonly name: string;
  readonly version: string | null;
  readonly architecture: string | null;
  readonly purl: string | null;
}

export interface ScanPlace {
  /** As the report has it: with or without a slash in front. */
  readonly path: string | null;
  /** Names that the report gives one layer: digest of its blob, of what it unpacks to, or both. */
  readonly layers: readonly string[];
}
