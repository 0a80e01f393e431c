import type { Digest } from '../base/digest.js';
import type { ContentStep } from '../base/path-rules.js';
import { checkBaseAnnotations } from './annotations.js';
import { type ApprovalOutcome, checkApprovals } from './approvals.js';
import { type ConfigSource, checkConfigRules, checkHistory } from './config-rules.js';
import { type ContentJudge, contentSteps, neededLevel } from './content.js';
import { checkCurrency } from './currency.js';
import { checkDistinctSigners, type Requirement } from './distinct-signers.js';
import { concludeFrom, type Finding, failure, warning } from './finding.js';
import { checkFlow } from './flow.js';
import { checkIdentity } from './identity.js';
import type { Image } from './image.js';
import { type Clock, checkInvariants, checkSubject } from './invariants.js';
import {
  type CheckedLayers,
  checkLayers,
  type LayerFact,
  type LayerVerdict,
  levelReached,
  reaches,
} from './layers.js';
import { type Ledger, nameOf } from './ledger.js';
import { checkComplete, checkListed, type Listing } from './listing.js';
import type { CustodyPolicy, EvidenceLevel } from './policy.js';
import { type Chain, type Link, walkChain, whereOf } from './walk.js';
import { checkWithdrawn, type Withdrawals } from './withdrawals.js';

/** Everything that one head is judged by. */
export interface HeadContext {
  readonly image: Image;
  readonly ledger: Ledger;
  readonly withdrawals: Withdrawals;
  readonly listing: Listing;
  readonly policy: CustodyPolicy;
  readonly clock: Clock;
  readonly configOf: ConfigSource;
  readonly layerFacts: readonly LayerFact[];
  readonly judgeContent: ContentJudge | undefined;
  /** The image is on its way to this team, or to any; undefined: it must be finished. */
  readonly handover: { readonly team: string | undefined } | undefined;
}

export interface JudgedHead {
  readonly head: Link;
  readonly chain: Chain;
  readonly verdict: 'pass' | 'fail' | 'indeterminate';
  readonly findings: readonly Finding[];
  readonly approvals: ApprovalOutcome['counted'];
  readonly layers: readonly LayerVerdict[];
  readonly level: EvidenceLevel | null;
  readonly identity: 'manifest' | 'content';
}

/** Follows one head's chain to its start and holds it to everything; what is wrong is said, nothing stops half-way. */
export function judgeHead(head: Link, context: HeadContext): JudgedHead {
  const { image, ledger, policy, clock, withdrawals, listing } = context;
  const partial = context.handover !== undefined;
  const identity = head.claim.subject.manifest.digest === image.descriptor.digest ? 'manifest' : 'content';
  const chain = walkChain(head, ledger.records);
  const invariants = checkInvariants(chain, image, ledger, clock);
  const approvals = checkApprovals({
    links: chain.links,
    ledger,
    policy,
    clock,
    withdrawals,
    listing,
    repository: image.repository,
    partial,
  });
  const covered = chain.complete && !invariants.some(finding => COVERAGE.has(finding.code));
  const ruled = chain.links.map(({ claim }) => claim);
  const needed = neededLevel(ruled, policy);
  const known = covered ? checkLayers(chain.links, image, context.layerFacts, needed) : undefined;
  const layers = known && checkContent(known, contentSteps(ruled, policy), context.judgeContent);
  const level = layers ? levelReached(layers.layers) : null;
  const findings = [
    ...(identity === 'manifest' ? checkSubject(head, image) : [otherManifest(head, image)]),
    ...checkIdentity(head, image.repository, policy, approvals.counted, partial),
    ...chain.findings,
    ...invariants,
    ...checkHandedTo(head, context.handover?.team),
    ...checkWithdrawn(chain.links, withdrawals),
    ...checkListed(chain.links, listing),
    ...checkComplete([image.descriptor.digest, head.claim.subject.manifest.digest], ledger, policy, listing),
    ...checkCurrency(chain.links, policy, listing.trust),
    ...checkFlow(chain, policy, clock, partial),
    ...approvals.findings,
    ...(policy.distinctSigners ? checkDistinctSigners(requirementsOf(chain, approvals, policy)) : []),
    ...checkConfigRules(chain, policy, context.configOf),
    ...checkHistory(chain, image, context.configOf),
    ...checkBaseAnnotations(chain.links, image),
    ...(layers?.findings ?? []),
    ...checkLevel(level, needed, layers?.findings ?? [], policy),
    ...findDuplicates(chain.links, ledger),
  ];
  return {
    head,
    chain,
    verdict: concludeFrom(findings).verdict,
    findings,
    approvals: approvals.counted,
    layers: layers?.layers ?? [],
    level,
    identity,
  };
}

/** With one of these nobody can say whose a layer is. */
const COVERAGE: ReadonlySet<string> = new Set([
  'coverage-gap',
  'coverage-overlap',
  'coverage-short',
  'coverage-excess',
  'layer-count-mismatch',
  'chain-mismatch',
]);

function otherManifest(head: Link, image: Image): Finding {
  const message = `accepted for its config and layers: ${whereOf(head)} marked ${head.claim.subject.manifest.digest}, this is ${image.descriptor.digest}`;
  return warning('identity-content', 'image', message);
}

function checkHandedTo(head: Link, team: string | undefined): readonly Finding[] {
  const { next } = head.claim;
  if (team === undefined || next === undefined || next.includes(team)) return [];
  const message = `team ${head.claim.team} handed its image to ${next.join(', ') || 'nobody'}, not to ${team}`;
  return [failure('handover-denied', whereOf(head), message)];
}

/** Every claim that counts; those below their threshold have their own finding. */
function requirementsOf(
  chain: Chain,
  approvals: ApprovalOutcome,
  policy: CustodyPolicy,
): readonly Requirement[] {
  const links = chain.links.map(record => ({
    record,
    threshold: policy.flow.find(step => step.step === record.claim.step)?.threshold ?? 1,
  }));
  const leaves = policy.approvals.flatMap(({ name, threshold }) => {
    const record = approvals.counted.get(name);
    return record ? { record, threshold } : [];
  });
  return [...links, ...leaves].filter(({ record, threshold }) => record.signers.size >= threshold);
}

/**
 * Has the files of layers judged that were all read and are their owners'. How far those can be put on one another is how far
 * level `content` is reached.
 */
function checkContent(
  known: CheckedLayers,
  steps: readonly ContentStep[],
  judge: ContentJudge | undefined,
): CheckedLayers {
  const isRead = known.layers.every(({ evidence }) => evidence === 'content');
  const outcome = isRead && judge ? judge(steps) : { findings: [], applied: 0 };
  const layers = known.layers.map(layer =>
    layer.evidence === 'content' && layer.index >= outcome.applied
      ? { ...layer, evidence: 'blobs' as const }
      : layer,
  );
  return { layers, findings: [...known.findings, ...outcome.findings] };
}

/** A level that is missed for a reason named already needs no second finding. */
function checkLevel(
  level: EvidenceLevel | null,
  needed: EvidenceLevel,
  layerFindings: readonly Finding[],
  policy: CustodyPolicy,
): readonly Finding[] {
  if (level === null || reaches(level, needed)) return [];
  if (layerFindings.some(finding => finding.severity !== 'warning')) return [];
  const why =
    needed === policy.evidence
      ? `the policy asks for ${needed}`
      : 'steps are held to seals or rules over paths, which needs content';
  const message = `the layers were checked at level ${level}; ${why}`;
  return [failure('evidence-insufficient', 'image', message, `check it at level ${needed}`)];
}

/** Two claims where one was meant: usually two signers who did not co-sign. */
function findDuplicates(links: readonly Link[], ledger: Ledger): readonly Finding[] {
  return links.flatMap(link => {
    const key = likenessOf(link);
    const twins = ledger.content.filter(other => other.digest !== link.digest && likenessOf(other) === key);
    if (twins.length === 0) return [];
    const message = `there ${twins.length === 1 ? 'is another claim' : `are ${twins.length} other claims`} by ${nameOf(link.claim)} about the same image; their signatures do not add up`;
    return [
      warning(
        'duplicate-claims',
        whereOf(link),
        message,
        'the second signer co-signs the first claim instead',
      ),
    ];
  });
}

function likenessOf({ claim }: Link): string {
  const prev: Digest | '' = claim.prev?.claim ?? '';
  return [claim.team, claim.step, prev, claim.subject.manifest.digest].join(' ');
}
