import { ClaimingCommand, readClaimDigest } from '../../src/cli/claiming-command.js';
import type { ClaimingResult } from '../../src/cli/claiming-result.js';
import { claimingFlags } from '../../src/cli/flags/custody.js';
import { registryFlags } from '../../src/cli/flags/registry.js';
import { Args, Flags } from '../../src/cli/oclif.js';
import { planCoSignature } from '../../src/sign/co-sign-claim.js';
import { listImages } from '../../src/sign/mark-images.js';
import type { ClaimPlan } from '../../src/sign/plan-claim.js';
import { writeClaims } from '../../src/sign/write-claim.js';

export default class CustodyCoSign extends ClaimingCommand {
  static override summary = 'Sign the claim that a team mate made';
  static override description =
    'For steps and approvals with a threshold above one. The layers that the claim speaks of are read and the chain is judged ' +
    'again before the same claim is signed: signatures of one claim add up, two claims do not.';
  static override schema = 'custody-mark';
  static override exitCodes = [10, 11, 12, 14, 15, 16, 18, 20, 21, 22, 23, 24] as const;
  static override examples = [
    {
      description: 'The second of two signers',
      command:
        'touchmark custody co-sign --team base --policy policy.yaml --key grace.key registry.example/base@sha256:…',
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
    claim: Flags.string({
      helpGroup: 'CUSTODY',
      helpValue: 'DIGEST',
      summary: 'which claim; default: the only one, or the only one that lacks signers',
    }),
    ...registryFlags,
  };

  protected readonly done = 'co-signed';

  protected override async execute(): Promise<ClaimingResult> {
    const { args, flags } = await this.parse(CustodyCoSign);
    const claim = readClaimDigest(flags.claim);
    return this.claim(args.image, flags, async ({ located, policy, now }) => {
      const plans: ClaimPlan[] = [];
      for (const target of await listImages(located, flags.platform)) {
        plans.push(
          await planCoSignature(located.store, target, {
            team: flags.team,
            policy,
            now,
            creator: this.creator,
            claim,
            repository: flags.as,
            signal: this.signal,
            onProgress: this.onProgress,
          }),
        );
      }
      return {
        plans,
        question: `Co-sign for team ${flags.team}`,
        write: signers => writeClaims(plans, signers),
      };
    });
  }
}
