import { utf8 } from '../../../src/base/bytes.js';
import { computeDigest, type Digest } from '../../../src/base/digest.js';
import type { ScannedImage } from '../../../src/inheritance/attribute-reports.js';
import { buildInheritance, type Inheritance } from '../../../src/inheritance/index.js';
import type { Lineage, Lookup, Lookups, OwnedSpan, Stage } from '../../../src/inheritance/lineage.js';
import type { Severity } from '../../../src/scans/index.js';
import type { AttributedFinding } from '../../../src/verify/attribute-report.js';

/** Lineages made of words: each layer and manifest has the digest of its name. */

export const NOW = new Date('2026-11-28T12:00:00Z');

export function digestOf(name: string): Digest {
  return computeDigest(utf8(name));
}

/** A stage of a chain: `name: [layers it adds]`; the team is the name's first word. */
export interface StageDraft {
  readonly name: string;
  readonly adds: readonly string[];
  readonly team?: string;
  readonly tag?: string;
  readonly days?: number;
  readonly more?: Partial<Stage>;
}

export interface LineageDraft {
  readonly reference: string;
  readonly stages: readonly StageDraft[];
  /** Default verified. */
  readonly state?: Lineage['state'];
  readonly code?: Lineage['code'];
  readonly more?: Partial<Lineage>;
}

const SIZES = [31_204_113, 1_048_576, 48_300_201, 812, 9_400_000];

/** An image by its stages. What is not verified has no marks, and all but itself is self-asserted. */
export function lineageOf({
  reference,
  stages,
  state = 'verified',
  code = null,
  more,
}: LineageDraft): Lineage {
  const layers: string[] = [];
  const spans: OwnedSpan[] = [];
  const made = stages.map(({ name, adds, team = name, tag, days = 3, more: edit }, at): Stage => {
    const from = layers.length;
    layers.push(...adds);
    if (state === 'verified' && adds.length > 0) spans.push({ from, to: layers.length, team, step: team });
    const isLast = at === stages.length - 1;
    const own = isLast && /:[^/]+$/.test(reference) ? [{ name: reference, from: 'asked' as const }] : [];
    const time = new Date(NOW.getTime() - days * 86_400_000).toISOString().replace('.000', '');
    return {
      manifest: digestOf(`manifest ${name}`),
      index: null,
      repository: `registry.example/shop/${name}`,
      platform: 'linux/amd64',
      depth: layers.length,
      basis: state === 'verified' ? 'proven' : isLast ? 'asked' : 'self-asserted',
      mark:
        state === 'verified'
          ? {
              claim: digestOf(`claim ${name}`),
              kind: adds.length > 0 ? 'add' : 'config',
              ...{ team, step: team, signers: [`${team}-1`], time },
            }
          : null,
      created: time,
      names: [...own, ...(tag === undefined ? [] : [{ name: tag, from: 'annotation' as const }])],
      channel: null,
      ...edit,
    };
  });
  return {
    ...{ reference, pinned: `${reference}@${made.at(-1)?.manifest}`, through: null, state, code },
    diffIDs: layers.map(digestOf),
    sizes: layers.map((_, at) => SIZES[at % SIZES.length] ?? 0),
    ...{ spans, stages: made, namedBase: null },
    ...more,
  };
}

/** Names that lead to the manifest of this name, by the registry unless said otherwise. */
export function leadsTo(
  name: string,
  by: 'store' | 'tuf' = 'store',
  children: readonly Digest[] = [],
): Lookup {
  return { kind: 'found', by, digest: digestOf(`manifest ${name}`), children };
}

export function lookupsOf(
  names: Readonly<Record<string, Lookup>> = {},
  channels: Lookups['channels'] = new Map(),
): Lookups {
  return { names: new Map(Object.entries(names)), channels };
}

/** A finding in a file of its name, in these layers. */
export function findingIn(id: string, severity: Severity, ...layers: readonly number[]): AttributedFinding {
  const path = `/${id}`;
  return {
    ...{
      id,
      severity,
      aliases: [],
      title: null,
      severityWord: null,
      package: null,
      fixedIn: [],
      source: null,
    },
    places: [{ path, layers: [] }],
    owners: layers.map(layer => ({ by: 'path', team: 'base', step: 'base', layer, adopted: false, path })),
    ...{ orphan: null, contradictions: [], unknownLayers: [] },
  };
}

export function treeOf(
  lineages: readonly Lineage[],
  lookups: Lookups = lookupsOf(),
  more: Partial<Inheritance> = {},
  scanned: readonly ScannedImage[] = [],
): Inheritance {
  return {
    policy: { name: 'shop', version: 1, digest: digestOf('policy') },
    images: lineages.map(({ reference, pinned, state, code, stages, through }) => ({
      ...{ reference, pinned, state, code, through, message: null, scan: null },
      digest: stages.at(-1)?.manifest ?? null,
    })),
    root: buildInheritance(lineages, lookups, NOW, scanned),
    ...more,
  };
}
