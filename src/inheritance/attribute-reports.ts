import { mapConcurrently } from '../base/concurrency.js';
import { fail, type TouchmarkError, toTouchmarkError, withDetails } from '../base/errors.js';
import type { CustodyPolicy } from '../custody/index.js';
import type { StoreAccess } from '../oci/open.js';
import { matchSubject, readScanReport, type ScanReport } from '../scans/index.js';
import { attributeImage } from '../verify/attribute-image.js';
import type { AttributedFinding } from '../verify/attribute-report.js';
import type { CustodyOutcome } from '../verify/verify-custody.js';

/** A scanner's report as it was given. */
export interface GivenReport {
  /** The file, for messages. */
  readonly source: string;
  /** The reference that it was said to be about; null: the report says which image that is. */
  readonly image: string | null;
  readonly bytes: Uint8Array;
}

export interface AttributeReportsOptions {
  readonly policy: CustodyPolicy;
  readonly now: Date;
  readonly repository?: string | undefined;
  /** Where indexes of layers are kept. */
  readonly cacheFolder: string;
  readonly signal?: AbortSignal | undefined;
}

/** What the reports about one image find, joined to its layers. */
export interface ScannedImage {
  readonly reference: string;
  readonly reports: number;
  readonly findings: readonly AttributedFinding[];
}

export interface AttributedReports {
  readonly images: readonly ScannedImage[];
  /** Reports that could not be read or joined to an image. */
  readonly errors: readonly TouchmarkError[];
}

/** Reports that are joined at once: each holds the files of an image. */
const CONCURRENCY = 2;

/**
 * Joins reports to the images that they are about. The image is opened by the digest that was judged, and checked again down
 * to its layers; what cannot be joined is an error of its report, never "no findings".
 * @throws TouchmarkError `interrupted`
 */
export async function attributeReports(
  access: StoreAccess,
  reports: readonly GivenReport[],
  outcomes: readonly CustodyOutcome[],
  { signal, ...options }: AttributeReportsOptions,
): Promise<AttributedReports> {
  const joined = await mapConcurrently(reports, CONCURRENCY, async report => {
    try {
      const about = chooseImages(report, outcomes);
      return await Promise.all(
        about.map(async ({ reference, pinned }) => {
          const more = { ...options, report: report.bytes, ...(signal && { signal }) };
          const { findings } = await attributeImage(access, pinned ?? reference, more);
          return { reference, findings };
        }),
      );
    } catch (error) {
      signal?.throwIfAborted();
      return withDetails(toTouchmarkError(error), { report: report.source });
    }
  });
  const parts = joined.flatMap(found => (Array.isArray(found) ? found : []));
  return {
    images: [...new Set(parts.map(({ reference }) => reference))].map(reference => {
      const own = parts.filter(part => part.reference === reference);
      return { reference, reports: own.length, findings: own.flatMap(({ findings }) => findings) };
    }),
    errors: joined.flatMap(found => (Array.isArray(found) ? [] : [found as TouchmarkError])),
  };
}

/** @throws TouchmarkError `report-invalid`, `report-other-image`, `usage-argument` */
function chooseImages(
  { image, bytes }: GivenReport,
  outcomes: readonly CustodyOutcome[],
): readonly CustodyOutcome[] {
  const scan = readScanReport(bytes);
  if (!scan.searched)
    fail('report-invalid', 'the report lists components alone: nobody has looked for findings', {
      hint: 'give the report of a scan, such as grype makes of a bill of materials',
    });
  if (image !== null) return outcomes.filter(({ reference }) => reference === image);
  const matches = outcomes.map(outcome => ({ outcome, match: matchOf(scan, outcome) }));
  const about = matches.filter(({ match }) => match !== 'other' && match !== 'unstated');
  if (about.length > 0) return about.map(({ outcome }) => outcome);
  const [only] = outcomes;
  if (matches.some(({ match }) => match === 'unstated') && only) {
    if (outcomes.length === 1) return [only];
    fail('usage-argument', 'the report does not say which image it is about', {
      hint: `--report ${only.reference}=FILE says it`,
    });
  }
  return fail('report-other-image', 'the report is about none of these images', {
    hint: 'scan the very images, or add the image that it is about',
  });
}

function matchOf({ subject }: ScanReport, { custody, through }: CustodyOutcome) {
  if (!custody) return 'other';
  const { manifest, config } = custody.subject;
  return matchSubject(subject, { manifest, index: through, config, layers: custody.layers });
}
