import type { Digest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import {
  type ClaimCheck,
  type CustodyChain,
  type CustodyPolicy,
  type CustodyVerdict,
  carriedMark,
  comparePrefix,
  type DraftBase,
  isContentClaim,
  mergeChains,
  readTeamMarks,
  type TeamMark,
} from '../custody/index.js';
import { formatPlatform, matchesPlatform } from '../oci/platform.js';
import { formatReference } from '../oci/reference.js';
import type { Store } from '../oci/store.js';
import { judgeImage } from '../verify/judge-custody.js';
import { type ImageFacts, type MarkTarget, platformOf, readImage } from './claimed-image.js';
import { type ReadOptions, readOptions } from './read-span.js';
import { checkOf, refuseFor } from './stand-on.js';

/** The image that a team built on, as it lies in its own repository. */
export interface MarkBase extends MarkTarget {
  readonly store: Store;
  /** The index that its name resolved through. */
  readonly index?: Digest | undefined;
}

export interface BaseOptions extends ReadOptions {
  /** The team that builds on it. */
  readonly team: string;
  readonly policy: CustodyPolicy;
  readonly now: Date;
  /** The tool and its version, `touchmark/1.4.0`. */
  readonly creator: string;
  /** Mark although the base does not pass; the claim says so, and policies refuse it. */
  readonly unchecked?: boolean | undefined;
}

/** A base whose chain was judged, and what the claim on top of it needs. */
export interface CheckedBase extends ImageFacts {
  readonly verdict: CustodyVerdict;
  readonly facts: DraftBase;
  readonly checked: ClaimCheck;
  /** What travels on: the base's chain, its manifest and its config. */
  readonly chain: CustodyChain;
}

/**
 * Checks the chain of a base under the policy.
 * @throws TouchmarkError the base's own reason when it does not pass; `no-marks` when there is no claim to build on
 */
export async function readBase(base: MarkBase, options: BaseOptions): Promise<CheckedBase> {
  const { policy, team, now } = options;
  const { verdict, config, collected } = await judgeImage(base.store, base, false, {
    policy,
    now,
    handover: team,
    ...readOptions(options),
  });
  if (verdict.verdict !== 'pass' && !options.unchecked) {
    const { store, raw } = base;
    refuseFor(verdict.findings[0], 'the base does not pass, so nothing is built on it', {
      base: formatReference({ ...store.reference, digest: raw.descriptor.digest }),
    });
  }
  const image = readImage({ raw: base.raw, config });
  const marks = await readTeamMarks(collected.marks, policy);
  const head = headOf(marks, verdict, base);
  return {
    ...image,
    verdict,
    facts: {
      claim: head.digest,
      team: head.claim.team,
      step: head.claim.step,
      seq: head.claim.seq,
      time: head.claim.time,
      manifest: base.raw.descriptor.digest,
      config: image.manifest.config.digest,
      ...(base.index && { index: base.index }),
      diffIDs: image.config.diffIDs,
    },
    checked: checkOf(verdict, options),
    chain: mergeChains([
      { marks: marks.map(({ mark }) => carriedMark(mark)), documents: collected.carried },
      { marks: [], documents: [base.raw.bytes, config] },
    ]),
  };
}

/** The claim that the next one links to: the one that the verdict is about. */
function headOf(marks: readonly TeamMark[], verdict: CustodyVerdict, { raw }: MarkBase) {
  const wanted = verdict.chain.at(-1)?.claim;
  for (const { claim, digest } of marks) {
    if (!isContentClaim(claim) || digest !== wanted) continue;
    if (claim.subject.manifest.digest === raw.descriptor.digest) return { claim, digest };
  }
  return fail('no-marks', 'no team has marked the base: there is no claim to build on', {
    details: { base: raw.descriptor.digest },
    hint: 'the team that built it marks it first; an image from elsewhere is adopted: touchmark custody adopt',
  });
}

/**
 * Holds an image to its base: same platform, same layers from the bottom.
 * @returns layers of the base that the image stores in other bytes
 * @throws TouchmarkError `platform-mismatch`, `base-mismatch`, `custody-collapsed`, `usage-argument` when it is the base itself
 */
export function checkStandsOn(base: ImageFacts, image: ImageFacts): readonly number[] {
  const [own, its] = [platformOf(image.config), platformOf(base.config)];
  if (!matchesPlatform(own, its)) {
    fail('platform-mismatch', `the image is for ${formatPlatform(own)}, its base for ${formatPlatform(its)}`);
  }
  if (image.manifest.config.digest === base.manifest.config.digest) {
    fail('usage-argument', 'the image is its own base: there is nothing to claim', {
      hint: 'to vouch for an image that another team made, approve it: touchmark custody approve',
    });
  }
  const lists = ({ manifest, config }: ImageFacts) => ({
    digests: manifest.layers.map(({ digest }) => digest),
    diffIDs: config.diffIDs,
  });
  const prefix = comparePrefix(lists(base), lists(image));
  if (prefix.holds) return prefix.recompressed;
  return fail(prefix.code, `the image does not stand on the base: ${prefix.message}`, { hint: prefix.hint });
}
