import { mapConcurrently } from '../base/concurrency.js';
import { type TouchmarkError, toTouchmarkError } from '../base/errors.js';
import type { StoreAccess } from '../oci/open.js';
import type { CustodyOutcome } from '../verify/verify-custody.js';
import { attributeReports, type GivenReport, type ScannedImage } from './attribute-reports.js';
import { buildInheritance } from './build-tree.js';
import { nameToLookUp } from './currency.js';
import { summarizeScan } from './findings.js';
import { createBaseReader } from './follow-bases.js';
import type { AskedImage, Inheritance } from './inheritance.js';
import type { Lookup } from './lineage.js';
import { lookUpNames } from './look-up.js';
import { createReach } from './reach.js';
import { type ReadLineage, type ReadLineageOptions, readLineage } from './read-lineage.js';

/** Images that are read at once. */
const CONCURRENCY = 8;

export interface CollectOptions extends ReadLineageOptions {
  /** Registries (`host[:port]`) that may be asked for bases, besides those of the images. */
  readonly registries?: readonly string[];
  /** Reports of scanners; they need a policy. */
  readonly reports?: readonly GivenReport[];
  /** Where indexes of layers are kept; needed for reports. */
  readonly cacheFolder?: string;
  readonly onImage?: (done: number, total: number) => void;
}

export interface CollectedInheritance {
  readonly inheritance: Inheritance;
  /** Images that could not be read at all, and reports that could not be joined to one. */
  readonly errors: readonly TouchmarkError[];
  /** With a policy: what the check of each image that was read came to. */
  readonly outcomes: readonly CustodyOutcome[];
}

/**
 * The inheritance tree of several images. What concerns one image is in its entry, and never ends the whole.
 *
 * Requests, besides signing in: with a policy those of a custody check of each image; without one two for each image, and for
 * each base that an annotation names two, or three where it names an index. And one for each tag that is not an image asked
 * for. Each is made once, however many images need it. A report costs one more custody check of its image, and its layers.
 * @throws TouchmarkError `interrupted`
 */
export async function collectInheritance(
  access: StoreAccess,
  references: readonly string[],
  options: CollectOptions,
): Promise<CollectedInheritance> {
  const { policy, facts, releaseOf, now, signal, registries = [], reports = [], onImage } = options;
  const wanted = [...new Set(references)];
  const reach = createReach(access, wanted, registries);
  const bases = createBaseReader(reach);
  let done = 0;
  const read = await mapConcurrently(wanted, CONCURRENCY, async reference => {
    const found = await tryRead(reference, () => readLineage(access, reference, bases, options));
    signal?.throwIfAborted();
    onImage?.(++done, wanted.length);
    return found;
  });
  const good = read.flatMap(found => ('lineage' in found ? [found] : []));
  const lineages = good.map(({ lineage }) => lineage);
  const names = lineages.flatMap(({ stages, namedBase }) => [
    ...stages.flatMap(stage => stage.names.map(({ name }) => name)),
    ...(namedBase ? nameToLookUp(namedBase) : []),
  ]);
  const opened = new Map<string, Lookup>(good.flatMap(found => (found.opened ? [found.opened] : [])));
  const lookups = {
    names: await lookUpNames(names, opened, reach, releaseOf),
    channels: facts?.channels ?? new Map(),
  };
  const outcomes = good.flatMap(({ outcome }) => outcome ?? []);
  const { cacheFolder, repository } = options;
  const scanned =
    policy && cacheFolder !== undefined && reports.length > 0
      ? await attributeReports(access, reports, outcomes, { policy, now, repository, cacheFolder, signal })
      : { images: [], errors: [] };
  return {
    inheritance: {
      policy: policy ? { name: policy.name, version: policy.version, digest: policy.digest } : null,
      images: read.map(found => askedImage(found, scanned.images)),
      root: buildInheritance(lineages, lookups, now, scanned.images),
    },
    errors: [...read.flatMap(found => ('error' in found ? [found.error] : [])), ...scanned.errors],
    outcomes,
  };
}

interface Unread {
  readonly reference: string;
  readonly error: TouchmarkError;
}

async function tryRead(reference: string, read: () => Promise<ReadLineage>): Promise<ReadLineage | Unread> {
  try {
    return await read();
  } catch (error) {
    return { reference, error: toTouchmarkError(error) };
  }
}

function askedImage(found: ReadLineage | Unread, scanned: readonly ScannedImage[]): AskedImage {
  if ('error' in found) {
    const { reference, error } = found;
    return {
      ...{ reference, pinned: null, digest: null, through: null },
      ...{ state: 'indeterminate', code: error.code, message: error.message, scan: null },
    };
  }
  const { reference, pinned, through, state, code, stages } = found.lineage;
  const digest = stages.at(-1)?.manifest ?? null;
  const scan = scanned.find(image => image.reference === reference);
  return {
    reference,
    pinned,
    digest,
    through,
    state,
    code,
    message: found.outcome?.custody?.findings[0]?.message ?? null,
    scan: scan ? summarizeScan(scan) : null,
  };
}
