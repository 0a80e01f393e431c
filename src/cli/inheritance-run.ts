import { fail, type TouchmarkError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import type { EvidenceLevel } from '../custody/policy.js';
import { collectInheritance, type GivenReport, type Inheritance } from '../inheritance/index.js';
import type { StoreOptions } from '../oci/context.js';
import { createStoreAccess } from '../oci/open.js';
import { renderInheritanceDot, renderInheritanceMermaid } from '../report/inheritance-graph.js';
import { renderInheritanceSvg } from '../report/inheritance-svg.js';
import { presentInheritance } from '../report/inheritance-text.js';
import { type Line, renderLines } from '../report/lines.js';
import { explainOutcome } from '../report/outcome-text.js';
import type { TrustReport } from '../verify/trust-report.js';
import { cacheFolder } from './cache-folder.js';
import { readSmallFile } from './files.js';
import type { TufFlagValues } from './flags/tuf.js';
import { choosePolicy, openImageTrust, type PolicyFlagValues, policyFileOf } from './image-trust.js';
import { requireOneRegistry } from './one-registry.js';
import type { Progress } from './progress.js';
import { printable, type Styler } from './text.js';

export interface InheritanceRunFlags extends PolicyFlagValues, TufFlagValues {
  readonly platform?: string | undefined;
  readonly level?: string | undefined;
  readonly 'base-registry'?: readonly string[] | undefined;
  readonly report?: readonly string[] | undefined;
}

/** What a run has in the command around it. */
export interface InheritanceRunContext {
  readonly options: StoreOptions;
  readonly now: Date;
  readonly signal: AbortSignal;
  readonly progress: () => Progress;
  readonly onWarning: (text: string) => void;
}

/** The JSON document of `tree --inheritance`. */
export type InheritanceDocument = Inheritance & {
  /** Only with --tuf. */
  readonly trust?: TrustReport;
};

/** The inheritance of images, and how it is said. */
export interface InheritanceRun {
  readonly document: InheritanceDocument;
  /** Images that could not be read, and with a policy those whose chain does not hold. */
  readonly problems: readonly TouchmarkError[];
  text(style: Styler): string;
  /** In a form for other programs; undefined for a format that is none of them. */
  render(format: string): string | undefined;
}

const RENDERERS: Readonly<Record<string, (tree: Inheritance) => string>> = {
  dot: renderInheritanceDot,
  svg: renderInheritanceSvg,
  mermaid: renderInheritanceMermaid,
};

/**
 * Reads images and what they are built on. What concerns one image is in the result.
 * @throws TouchmarkError `usage-argument`, `policy-…`, `tuf-…`
 */
export async function runInheritance(
  references: readonly string[],
  flags: InheritanceRunFlags,
  { options, now, signal, progress, onWarning }: InheritanceRunContext,
): Promise<InheritanceRun> {
  const registries = flags['base-registry'] ?? [];
  requireOneRegistry([...references, ...registries.map(host => `${host}/x`)], options);
  const trust = await openImageTrust(references, flags, { options, now, onWarning });
  const access = createStoreAccess(options);
  try {
    const policy = await choosePolicy(references, flags, trust?.view);
    if (!policy && flags.report)
      fail('usage-argument', 'whose layers findings are in can only be said under a policy', {
        hint: 'add --policy policy.yaml',
      });
    const reports = await readReports(flags.report ?? [], references);
    const facts = policy && (await trust?.view.factsFor(policy));
    // Who says so goes by the file, whatever TUF has under its name.
    const held = flags['insecure-local-policy'] ? facts && { ...facts, policy: undefined } : facts;
    const { inheritance, errors, outcomes } = await collectInheritance(access, references, {
      policy,
      facts: held,
      releaseOf: trust?.view.releaseOf,
      now,
      signal,
      registries,
      reports,
      cacheFolder: cacheFolder('layers'),
      repository: flags.as,
      platform: flags.platform,
      level: flags.level as EvidenceLevel | undefined,
      onImage: (done, total) => progress().report({ phase: 'reading images', done, total }),
    });
    const noes = policy
      ? outcomes.flatMap(outcome => explainOutcome(outcome, policy, policyFileOf(flags.policy)) ?? [])
      : [];
    return {
      document: { ...inheritance, ...(trust && { trust: trust.report }) },
      problems: [...noes, ...errors],
      text: style => renderLines(textOf(inheritance, trust?.line), style, printable),
      render: format => RENDERERS[format]?.(inheritance),
    };
  } finally {
    await access.close();
    await trust?.close();
  }
}

/** `IMAGE=FILE` where IMAGE is one of the references, longest first, else the name of a file. */
function readReports(
  values: readonly string[],
  references: readonly string[],
): Promise<readonly GivenReport[]> {
  const named = [...references].sort((a, b) => b.length - a.length);
  return Promise.all(
    values.map(async value => {
      const image = named.find(reference => value.startsWith(`${reference}=`)) ?? null;
      const source = image === null ? value : value.slice(image.length + 1);
      return { source, image, bytes: await readSmallFile(source, LIMITS.reportSize, '--report') };
    }),
  );
}

function textOf(inheritance: Inheritance, trust: Line | undefined): readonly Line[] {
  return [...presentInheritance(inheritance), ...(trust ? [trust] : [])];
}
