import { fail } from '../base/errors.js';
import {
  type CustodyPolicy,
  contentSteps,
  type Finding,
  type LayerFact,
  neededLevel,
  type RuledLink,
} from '../custody/index.js';
import type { Store } from '../oci/store.js';
import { collectContent } from '../verify/collect-content.js';
import type { ImageFacts } from './claimed-image.js';
import { checkDiffIDs, holdToConfig, type ReadOptions, readOptions } from './read-span.js';
import { refuseFor } from './stand-on.js';

/** What a claim will say, as far as its layers are held to something. */
export interface ClaimedSpan {
  /** The chain with the claim at its head, base first. */
  readonly links: readonly RuledLink[];
  /** What is wrong below the claim’s own layers was looked at before, and stands in nobody’s way. */
  readonly ownOnly?: boolean;
  /** Layers that are read where nobody asks for all of them. */
  readonly wanted: readonly number[];
}

/**
 * Reads layers before a team answers for them, and compares what they unpack to with what the config says. Where the policy or
 * a seal asks what is in them, all of them are read, and the team’s own are held to its rules: a mark that no verifier would
 * take is not made.
 * @throws TouchmarkError as `checkDiffIDs`; `path-denied` and its like; `seal-violated`; why a tar is refused
 */
export async function checkSpan(
  store: Store,
  facts: ImageFacts,
  { links, wanted, ownOnly = false }: ClaimedSpan,
  policy: CustodyPolicy,
  options: ReadOptions,
): Promise<void> {
  if (neededLevel(links, policy) !== 'content') return checkDiffIDs(store, facts, wanted, options);
  const content = await collectContent(store, facts.manifest, readOptions(options));
  holdToConfig(content.facts, facts, [...facts.manifest.layers.keys()]);
  for (const fact of content.facts) refuseUnsound(fact);
  const { findings, applied } = content.judge(contentSteps(links, policy));
  const from = links.at(-1)?.span.from ?? 0;
  const isOwn = ({ where }: Finding) => Number(/^layer ([0-9]+)/.exec(where)?.[1]) >= Math.min(from, applied);
  const wrong = findings.filter(found => found.severity === 'fail' && (!ownOnly || isOwn(found)));
  const [first] = wrong;
  const own = links.at(-1)?.step ?? '';
  if (first === undefined) return;
  refuseFor({ ...first, hint: hintFor(first, own) }, 'the layers do what the policy does not allow', {
    step: own,
    findings: wrong.slice(0, 20).map(({ code, where, message }) => `${code}: ${where}: ${message}`),
  });
}

function refuseUnsound(fact: LayerFact): void {
  const layer = `layer ${fact.index}`;
  const details = { layer: fact.index, digest: fact.digest };
  const tar = fact.outcome === 'read' ? fact.tar : undefined;
  if (tar !== 'sound' && tar !== undefined)
    fail(tar.code, `${layer}: ${tar.message}`, {
      details,
      hint: 'build the layer again with a tool that writes plain tars',
    });
}

/** What the team can do about it, and what only the owner of the policy can. */
function hintFor({ code }: Finding, step: string): string | undefined {
  const rules = `paths.${step}`;
  switch (code) {
    case 'path-denied':
      return `build it without the change, or have the policy allow the path: ${rules}.allow`;
    case 'path-delete-denied':
      return `build it without the deletion, or have the policy allow it: ${rules}.delete`;
    case 'path-mode-denied':
      return `build it with another mode or owner, or have the policy allow it: ${rules}.modes`;
    case 'path-link-denied':
    case 'hardlink-cross-layer':
      return 'copy the file instead of linking to it';
    case 'path-symlink-traversal':
      return 'write to the real path: where the link leads the layers below decide';
    case 'layer-dual-view':
      return `push it without its table of contents, or have the policy allow it: ${rules}.tables`;
    case 'seal-violated':
      return 'leave the file as it is below; only seals.override of the policy loosens a seal';
    default:
      return undefined;
  }
}
