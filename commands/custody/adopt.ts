import type { Digest } from '../../src/base/digest.js';
import { fail } from '../../src/base/errors.js';
import { ClaimingCommand, type ClaimingFlags } from '../../src/cli/claiming-command.js';
import type { ClaimingResult } from '../../src/cli/claiming-result.js';
import { claimingFlags, handoverFlags, stepFlag } from '../../src/cli/flags/custody.js';
import { registryFlags } from '../../src/cli/flags/registry.js';
import { Args, Flags } from '../../src/cli/oclif.js';
import { otherAccess } from '../../src/cli/other-image.js';
import { planMarksOf } from '../../src/cli/plan-marks.js';
import { loadTrustedKeys } from '../../src/cli/trusted-keys.js';
import type { StoreAccess } from '../../src/oci/open.js';
import { formatReference, parseReference, pinReference } from '../../src/oci/reference.js';
import type { Adoption } from '../../src/sign/mark-image.js';
import { writeMarks } from '../../src/sign/mark-images.js';
import { verifyImage } from '../../src/verify/verify-image.js';

export default class CustodyAdopt extends ClaimingCommand {
  static override summary = 'Vouch for an upstream image that carries no mark: the start of a chain';
  static override description =
    'Most chains start at somebody else’s image. Copy it unchanged into a repository of yours and adopt it there: the team ' +
    'answers for every layer without having built it. What was checked about the upstream stands in the claim: its signature ' +
    '(--upstream-key), or the digest it was pinned to (--upstream NAME@DIGEST). With neither the claim says that nothing was.';
  static override schema = 'custody-mark';
  static override exitCodes = [10, 11, 12, 14, 15, 16, 18, 20, 21, 22, 23, 24] as const;
  static override examples = [
    {
      description: 'Pinned by digest',
      command:
        'touchmark custody adopt --team base --step upstream --upstream docker.io/library/debian@sha256:… --policy policy.yaml --key base.key registry.example/debian@sha256:…',
    },
  ];
  static override args = {
    image: Args.string({
      required: true,
      description: 'registry reference, oci:DIR[:TAG], oci-archive:FILE',
    }),
  };
  static override flags = {
    ...claimingFlags,
    ...stepFlag,
    upstream: Flags.string({
      helpGroup: 'CUSTODY',
      required: true,
      helpValue: 'IMAGE',
      summary: 'where the image comes from, as the policy names it',
    }),
    'upstream-key': Flags.string({
      helpGroup: 'CUSTODY',
      multiple: true,
      helpValue: 'REF',
      summary: 'public key that must have signed it there (repeatable)',
    }),
    ...handoverFlags,
    ...registryFlags,
  };

  protected readonly done = 'adopted';

  protected override async execute(): Promise<ClaimingResult> {
    const { args, flags } = await this.parse(CustodyAdopt);
    return this.claim(args.image, flags, async ({ located, access, policy, now }) => {
      const { digest } = located.root.descriptor;
      const verifiedBy = await this.#checkUpstream(args.image, digest, flags, access);
      if (verifiedBy.length === 0) this.warn('nothing is checked about the upstream, and the claim says so');
      const adopt: Adoption = {
        ref: flags.upstream,
        verifiedBy: verifiedBy.length === 0 ? ['none'] : verifiedBy,
      };
      const { plan } = await planMarksOf(flags, {
        image: args.image,
        located,
        access,
        policy,
        now,
        creator: this.creator,
        adopt,
        signal: this.signal,
        onProgress: this.onProgress,
        note: line => this.note(line),
      });
      return {
        plans: plan.images,
        question: `Adopt for team ${flags.team}`,
        write: signers => writeMarks(plan, signers),
      };
    });
  }

  /** What holds about the upstream: its digest is the one that was pinned, its signatures verify where it comes from. */
  async #checkUpstream(
    image: string,
    digest: Digest,
    flags: ClaimingFlags & {
      readonly upstream: string;
      readonly 'upstream-key'?: readonly string[] | undefined;
    },
    access: StoreAccess,
  ): Promise<readonly string[]> {
    const upstream = parseReference(flags.upstream);
    if (upstream.transport !== 'registry') {
      fail('usage-argument', '--upstream takes the name of an image in a registry');
    }
    if (upstream.digest && upstream.digest !== digest) {
      fail('subject-mismatch', `the image is ${digest}; the upstream was pinned to ${upstream.digest}`, {
        hint: 'adopt the image that was pinned, copied unchanged: touchmark copy',
      });
    }
    const pinned = upstream.digest ? [`digest:${upstream.digest}`] : [];
    const keys = await loadTrustedKeys(flags['upstream-key'] ?? []);
    if (keys.length === 0) return pinned;
    const own = otherAccess(parseReference(image), upstream, access);
    try {
      const verdict = await verifyImage(own, formatReference(pinReference(upstream, digest)), { keys });
      if (verdict.code !== null) {
        fail(verdict.code, `the upstream does not verify, so it is not adopted: ${verdict.message}`, {
          details: { upstream: flags.upstream },
        });
      }
      return [...pinned, ...keys.map(({ key }) => `cosign-key:${key.keyid}`)];
    } finally {
      if (own !== access) await own.close();
    }
  }
}
