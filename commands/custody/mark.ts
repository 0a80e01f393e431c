import { ClaimingCommand } from '../../src/cli/claiming-command.js';
import type { ClaimingResult } from '../../src/cli/claiming-result.js';
import { baseFlags, claimingFlags, handoverFlags, stepFlag } from '../../src/cli/flags/custody.js';
import { registryFlags } from '../../src/cli/flags/registry.js';
import { Args } from '../../src/cli/oclif.js';
import { planMarksOf } from '../../src/cli/plan-marks.js';
import { writeMarks } from '../../src/sign/mark-images.js';

export default class CustodyMark extends ClaimingCommand {
  static override summary = 'Put your team’s stamp on an image: check the base, prove your layers, sign';
  static override description =
    'With --base the base’s chain of custody is checked under the policy first, and the image must begin with its layers. ' +
    'The layers your team added are read, hashed and, where the policy has rules about paths, held to them; then one claim about ' +
    'them is signed, in both formats that cosign reads, and everything that proves the chain travels with the image. Of an index every image is marked, and the index itself. ' +
    'A claim that a team mate made of the same is signed once more, so that both count.';
  static override schema = 'custody-mark';
  static override exitCodes = [10, 11, 12, 14, 15, 16, 18, 20, 21, 22, 23, 24] as const;
  static override examples = [
    {
      description: 'The first step, from scratch',
      command:
        'touchmark custody mark --team base --step base --policy policy.yaml --key base.key registry.example/base@sha256:…',
    },
    {
      description: 'On another team’s image',
      command:
        'touchmark custody mark --team app --step app --base registry.example/runtime:3 --policy policy.yaml --key app.key --yes registry.example/app:1.4',
    },
    {
      description: 'With a promise that binds whoever builds on it',
      command:
        "touchmark custody mark --team base --step base --seal '/usr/lib/**' --seal '/etc/passwd:delete' --policy policy.yaml --key base.key registry.example/base@sha256:…",
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
    ...baseFlags,
    ...handoverFlags,
    ...registryFlags,
  };

  protected readonly done = 'marked';

  protected override async execute(): Promise<ClaimingResult> {
    const { args, flags } = await this.parse(CustodyMark);
    if (flags['insecure-unchecked-base'])
      this.warn('the base is not checked; policies refuse a claim that says so');
    return this.claim(args.image, flags, async ({ located, access, policy, now }) => {
      const { plan, base } = await planMarksOf(flags, {
        image: args.image,
        located,
        access,
        policy,
        now,
        creator: this.creator,
        signal: this.signal,
        onProgress: this.onProgress,
        note: line => this.note(line),
      });
      for (const { joined, claim } of plan.images) {
        if (joined) this.note(`signs the claim that team ${claim.team} made at ${claim.time}`);
      }
      return {
        plans: plan.images,
        question: `Mark as step ${flags.step} of team ${flags.team}`,
        base,
        write: signers => writeMarks(plan, signers),
      };
    });
  }
}
