import { ClaimingCommand } from '../../src/cli/claiming-command.js';
import type { ClaimingResult } from '../../src/cli/claiming-result.js';
import { claimingFlags, expiresFlag, readExpires, stepFlag } from '../../src/cli/flags/custody.js';
import { evidenceFlag, readEvidence } from '../../src/cli/flags/evidence.js';
import { registryFlags } from '../../src/cli/flags/registry.js';
import { Args } from '../../src/cli/oclif.js';
import { planApproval } from '../../src/sign/approve-image.js';
import { listImages } from '../../src/sign/mark-images.js';
import type { ClaimPlan } from '../../src/sign/plan-claim.js';
import { writeClaims } from '../../src/sign/write-claim.js';

export default class CustodyApprove extends ClaimingCommand {
  static override summary = 'Approve an image: a scan, a test, a release';
  static override description =
    'An approval hangs off the last team’s claim and adds no layer. The chain is checked under the policy first, and the ' +
    'approvals that the policy wants before this one must be there. --evidence names what the approval rests on; its digest ' +
    'stands in the claim. Giving one again renews it.';
  static override schema = 'custody-mark';
  static override exitCodes = [10, 11, 12, 14, 15, 16, 18, 20, 21, 22, 23, 24] as const;
  static override examples = [
    {
      description: 'After a scan',
      command:
        'touchmark custody approve --team security --step scan --evidence report=report.json --policy policy.yaml --key sec.key registry.example/app@sha256:…',
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
    ...evidenceFlag,
    ...expiresFlag,
    ...registryFlags,
  };

  protected readonly done = 'approved';

  protected override async execute(): Promise<ClaimingResult> {
    const { args, flags } = await this.parse(CustodyApprove);
    return this.claim(args.image, flags, async ({ located, policy, now }) => {
      const evidence = await readEvidence(flags.evidence, policy, flags.step);
      const plans: ClaimPlan[] = [];
      for (const target of await listImages(located, flags.platform)) {
        plans.push(
          await planApproval(located.store, target, {
            team: flags.team,
            step: flags.step,
            policy,
            now,
            creator: this.creator,
            repository: flags.as,
            evidence,
            expires: readExpires(flags.expires, now),
            signal: this.signal,
            onProgress: this.onProgress,
          }),
        );
      }
      return {
        plans,
        question: `Approve as ${flags.step} of team ${flags.team}`,
        write: signers => writeClaims(plans, signers),
      };
    });
  }
}
