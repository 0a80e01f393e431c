import { computeDigest, type Digest } from '../base/digest.js';
import { TouchmarkError } from '../base/errors.js';
import type { JsonObject } from '../base/json.js';
import { LIMITS } from '../base/limits.js';
import { authenticateMarks, type FoundMark } from './authenticate.js';
import type { ConfigSource } from './config-rules.js';
import type { ContentJudge } from './content.js';
import { explainAbsence, findLifted, findShadowed, type UnreadSource } from './explain.js';
import { type Finding, failure } from './finding.js';
import { type Image, type ImageInput, readConfigDocument, readImage } from './image.js';
import { claimedDiffIDs } from './invariants.js';
import { judgeFinished } from './judge-finished.js';
import { type HeadContext, type JudgedHead, judgeHead } from './judge-head.js';
import type { LayerFact } from './layers.js';
import { type Ledger, openLedger } from './ledger.js';
import { openListing } from './listing.js';
import { type CustodyPolicy, MARK_CARRIERS } from './policy.js';
import { report } from './report.js';
import { gatherKeys } from './signers.js';
import { applyTrust, type TrustFacts } from './trust.js';
import { checkTrust } from './trust-checks.js';
import { uniteMarks } from './unite-marks.js';
import type { CustodyVerdict } from './verdict.js';
import { type Link, walkChain, whereOf } from './walk.js';
import { gatherWithdrawals } from './withdrawals.js';

export interface VerifyInput {
  readonly image: ImageInput;
  readonly marks: readonly FoundMark[];
  /** Manifests and configs of ancestors, in any order; each is known by its digest alone. */
  readonly carried: readonly Uint8Array[];
  readonly layerEvidence: readonly LayerFact[];
  /** Of the files in those layers; undefined: nobody has looked at them. */
  readonly judgeContent?: ContentJudge | undefined;
  readonly policy: CustodyPolicy;
  /** What TUF says of teams, marks, channels and the policy; undefined: it was not asked. */
  readonly trust?: TrustFacts | undefined;
  /** What was found about the reference itself; it counts with the rest. */
  readonly about?: readonly Finding[];
  readonly now: Date;
  /** The user named the image by a tag. */
  readonly tagGiven: boolean;
  /** The tag, and what TUF has released under it; for facts alone. */
  readonly tag?: string | undefined;
  readonly release?: { readonly name: string; readonly role: string } | undefined;
  /** The verdict is to have the facts, also when no rule is about them. */
  readonly wantFacts?: boolean;
  /** Places that may hold marks and could not be read. A no that may rest on them is not definite. */
  readonly unread?: readonly UnreadSource[];
  /** The image is on its way to this team: later steps and rules about the final image do not apply yet. */
  readonly handover?: { readonly team: string | undefined };
}

/**
 * Decides who put every layer into an image and whether they were entitled to. No I/O, no clock: everything enters
 * through the argument, and whatever the bytes in it are, the answer is a verdict.
 *
 * @throws TouchmarkError `policy-invalid` for a pattern that is none; otherwise only for a fault of this program
 */
export async function verify(input: VerifyInput): Promise<CustodyVerdict> {
  const { now, trust, about = [] } = input;
  const policy = applyTrust(input.policy, trust);
  const found = uniteMarks(input.marks);
  const early = [...checkLimits(found, input.carried), ...checkTrust(policy, trust)];
  if (policy.expires !== undefined && policy.expires.getTime() <= now.getTime()) {
    const message = `the policy ${policy.name} expired at ${policy.expires.toISOString()}`;
    early.push(failure('policy-expired', `policy ${policy.name}`, message));
  }
  const image = readImage(input.image);
  if ('severity' in image) return report(input, undefined, undefined, [...early, ...about, image]);
  if (early.length > 0) return report(input, image, undefined, [...early, ...about]);

  const ring = gatherKeys(policy);
  const listing = openListing(policy, trust);
  const indexed = listing.mode !== 'off';
  const marks = await authenticateMarks(found, ring, policy.carriers ?? MARK_CARRIERS, indexed);
  const ledger = openLedger(marks.records);
  const withdrawals = gatherWithdrawals(ledger, trust);
  const context: HeadContext = {
    image,
    ledger,
    withdrawals,
    listing,
    policy,
    clock: { now, skew: policy.skew },
    configOf: configSource(image, input.carried),
    layerFacts: input.layerEvidence,
    judgeContent: input.judgeContent,
    handover: input.handover,
  };
  const heads = findHeads(ledger, image, policy);
  const judged = heads.slice(0, LIMITS.chainHeads).map(head => judgeHead(head, context));
  const best = chooseHead(judged);
  const judgement = best ? best.findings : findNoHead(ledger, image);
  const finished = best
    ? judgeFinished({ ...input, image, head: best, configOf: context.configOf })
    : undefined;
  const findings = [
    ...about,
    ...explainAbsence([...judgement, ...(finished?.findings ?? [])], marks, ring, input.unread ?? []),
    // What nobody of its own team has signed comes last and cannot hold, so it takes no other claim's place.
    ...checkAgreement(judged, heads.filter(({ signers }) => signers.size > 0).length),
    ...marks.findings,
    ...withdrawals.findings,
    ...findLifted(ledger, image, best),
    ...(best ? findShadowed(best.head, found) : []),
  ];
  return report(input, image, best, findings, finished?.facts);
}

function checkLimits(marks: readonly FoundMark[], carried: readonly Uint8Array[]): Finding[] {
  const over = (what: string, count: number, most: number): Finding[] =>
    count > most
      ? [failure('limit-exceeded', 'image', `${count} ${what} were found; at most ${most} are looked at`)]
      : [];
  return [
    ...over('signatures', marks.length, LIMITS.marks),
    ...over('bytes under signatures', sizeOf(marks), LIMITS.marksSize),
    ...over('manifests and configs', carried.length, LIMITS.carriedBlobs),
  ];
}

function sizeOf(marks: readonly FoundMark[]): number {
  return marks.reduce((sum, { payload }) => sum + payload.length, 0);
}

/** Configs by digest, parsed when first asked for. What is no strict JSON is as good as not there. */
function configSource(image: Image, carried: readonly Uint8Array[]): ConfigSource {
  const readable = carried.filter(blob => blob.length <= LIMITS.configSize);
  const bytes = new Map(readable.map(blob => [computeDigest(blob), blob]));
  const parsed = new Map<Digest, JsonObject | undefined>([[image.configDigest, image.configDocument]]);
  return digest => {
    const blob = bytes.get(digest);
    if (blob && !parsed.has(digest)) parsed.set(digest, tryReadConfig(blob));
    return parsed.get(digest);
  };
}

function tryReadConfig(bytes: Uint8Array): JsonObject | undefined {
  try {
    return readConfigDocument(bytes);
  } catch (error) {
    if (error instanceof TouchmarkError) return undefined;
    throw error;
  }
}

/** Content claims about this image, those with the most signers and then the newest first. */
function findHeads(ledger: Ledger, image: Image, policy: CustodyPolicy): readonly Link[] {
  return ledger.content
    .filter(
      link =>
        link.claim.subject.manifest.digest === image.descriptor.digest ||
        (policy.identity === 'content' && hasSameContent(link, ledger, image)),
    )
    .sort(
      (a, b) =>
        b.signers.size - a.signers.size ||
        Date.parse(b.claim.time) - Date.parse(a.claim.time) ||
        (a.digest < b.digest ? -1 : 1),
    );
}

/** Is it about this config and these layers, whatever the manifest around them? */
function hasSameContent(link: Link, ledger: Ledger, image: Image): boolean {
  const { config } = link.claim.subject;
  if (config.digest !== image.configDigest || config.size !== image.configSize) return false;
  const claimed = claimedDiffIDs(walkChain(link, ledger.records).links);
  const { diffIDs } = image.config;
  return claimed.length === diffIDs.length && claimed.every((diffID, at) => diffID === diffIDs[at]);
}

function findNoHead(ledger: Ledger, image: Image): readonly Finding[] {
  const alike = ledger.content.find(
    link => link.claim.subject.config.digest === image.configDigest || hasSameContent(link, ledger, image),
  );
  if (!alike) return [failure('no-marks', 'image', 'no team has marked this image')];
  const message = `${whereOf(alike)} marked ${alike.claim.subject.manifest.digest}, which has the same config; this is ${image.descriptor.digest}`;
  const hint =
    'recompressed or converted on the way? copy it unchanged, or let the policy say identity: content';
  return [failure('subject-mismatch', 'image', message, hint)];
}

const WORTH = { pass: 0, indeterminate: 1, fail: 2 } as const;

/** A passing head; else one that lacks evidence; else the one with the least wrong. */
function chooseHead(judged: readonly JudgedHead[]): JudgedHead | undefined {
  const failing = ({ findings }: JudgedHead) => findings.filter(({ severity }) => severity === 'fail').length;
  return [...judged].sort((a, b) => WORTH[a.verdict] - WORTH[b.verdict] || failing(a) - failing(b))[0];
}

/** Any passing chain will do, as long as all of them name the same owner for every layer. */
function checkAgreement(judged: readonly JudgedHead[], count: number): readonly Finding[] {
  const [first, ...others] = judged.filter(({ verdict }) => verdict === 'pass');
  const ownersOf = ({ layers }: JudgedHead) => layers.map(({ team, step }) => `${team} ${step}`).join('\n');
  const other = first && others.find(candidate => ownersOf(candidate) !== ownersOf(first));
  const findings: Finding[] = [];
  if (first && other) {
    const message = `${whereOf(first.head)} and ${whereOf(other.head)} both hold and name different owners of layers`;
    findings.push(failure('custody-ambiguous', 'image', message, 'withdraw one of the two claims'));
  }
  if (count > LIMITS.chainHeads) {
    const message = `${count} claims speak about this image; at most ${LIMITS.chainHeads} are followed`;
    findings.push(failure('limit-exceeded', 'image', message));
  }
  return findings;
}
