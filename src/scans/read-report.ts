import { fail } from '../base/errors.js';
import { Field } from '../base/fields.js';
import { type JsonObject, type JsonValue, parseJson } from '../base/json.js';
import { LIMITS } from '../base/limits.js';
import { readClair } from './clair.js';
import { readCycloneDx } from './cyclonedx.js';
import { readGrype } from './grype.js';
import { readSarif } from './sarif.js';
import { SCAN_FORMATS, type ScanFormat, type ScanReport } from './scan-report.js';
import { readSpdx } from './spdx.js';
import { readSpdx3 } from './spdx3.js';
import { readTrivy } from './trivy.js';

/** How each format is known, and read. No document is two of them. */
const READERS: Readonly<
  Record<
    ScanFormat,
    {
      readonly is: (document: JsonObject) => boolean;
      readonly read: (report: Field) => Omit<ScanReport, 'format'>;
    }
  >
> = {
  trivy: { is: has('SchemaVersion'), read: readTrivy },
  grype: { is: has('matches'), read: readGrype },
  clair: { is: has('package_vulnerabilities'), read: readClair },
  sarif: { is: has('runs', 'version'), read: readSarif },
  cyclonedx: { is: ({ bomFormat }) => bomFormat === 'CycloneDX', read: readCycloneDx },
  spdx: {
    is: document => 'spdxVersion' in document || isSpdx3(document),
    read: report => (isSpdx3(report.object()) ? readSpdx3(report) : readSpdx(report)),
  },
};

function has(...keys: readonly string[]): (document: JsonObject) => boolean {
  return document => keys.every(key => key in document);
}

function isSpdx3(document: JsonObject): boolean {
  return '@graph' in document && JSON.stringify(document['@context'] ?? '').includes('spdx.org/rdf/3');
}

/**
 * Reads a scanner's report in any of the formats. It is strict JSON, bounded; members that are not known are passed over, as
 * they are other people's formats, and numbers may be of any size, as none of them decides anything.
 *
 * @param format what it must be; default: what the document says it is
 * @throws TouchmarkError `report-invalid`, `limit-exceeded`; the message says where in the document
 */
export function readScanReport(bytes: Uint8Array, format?: ScanFormat): ScanReport {
  const value = parseJson(bytes, 'the report', {
    code: 'report-invalid',
    maxSize: LIMITS.reportSize,
    maxDepth: LIMITS.reportDepth,
    maxValues: LIMITS.reportValues,
    rounds: true,
  });
  const report = new Field(value, 'report', 'report-invalid');
  const chosen = format ?? detect(value);
  const read = READERS[chosen].read(report);
  const entries = read.findings.length + read.components.length;
  if (entries > LIMITS.reportEntries)
    fail('limit-exceeded', `the report has ${entries} findings; at most ${LIMITS.reportEntries} are read`);
  return { format: chosen, ...read };
}

function detect(value: JsonValue): ScanFormat {
  const document = isObject(value) ? value : {};
  const found = SCAN_FORMATS.find(format => READERS[format].is(document));
  return (
    found ??
    fail('report-invalid', 'the report is in none of the formats that are read', {
      hint:
        'trivy image --format json, grype -o json, Clair v4, SARIF 2.1.0, CycloneDX or SPDX, each as JSON; --format names it' +
        ('payloadType' in document ? '; this is a signed envelope: give what it holds' : ''),
    })
  );
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
