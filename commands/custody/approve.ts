import { computeDigest } from '../../src/base/digest.js';
import { fail } from '../../src/base/errors.js';
import { LIMITS } from '../../src/base/limits.js';
import { ClaimingCommand, type ClaimingResult } from '../../src/cli/claiming-command.js';
import { readSmallFile } from '../../src/cli/files.js';
import { claimingFlags, expiresFlag, readExpires, stepFlag } from '../../src/cli/flags/custody.js';
import { registryFlags } from '../../src/cli/flags/registry.js';
import { Args, Flags } from '../../src/cli/oclif.js';
import type { ClaimEvidence } from '../../src/custody/claim.js';
import type { CustodyPolicy } from '../../src/custody/policy.js';
import { planApproval } from '../../src/sign/approve-image.js';
import { listImages } from '../../src/sign/mark-images.js';
import { type ClaimPlan, writeClaims } from '../../src/sign/write-claim.js';

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
        'touchmark custody approve --team security --step scan --evidence report.json --policy policy.yaml --key sec.key registry.example/app@sha256:…',
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
    evidence: Flags.string({
      helpGroup: 'CUSTODY',
      multiple: true,
      helpValue: '[TYPE=]FILE',
      summary: 'what it rests on (repeatable); the type may be left out where the policy asks for one',
    }),
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

/** @throws TouchmarkError `usage-argument`, `usage-file` */
async function readEvidence(
  values: readonly string[] | undefined,
  policy: CustodyPolicy,
  step: string,
): Promise<readonly ClaimEvidence[]> {
  const asked = policy.approvals.find(({ name }) => name === step)?.evidence ?? [];
  const evidence: ClaimEvidence[] = [];
  for (const value of values ?? []) {
    const match = /^([A-Za-z0-9][A-Za-z0-9._-]*)=(.+)$/.exec(value);
    const [type, file] = match
      ? [match[1], match[2] as string]
      : [asked.length === 1 ? asked[0] : undefined, value];
    if (type === undefined) {
      const known = asked.length === 0 ? 'none' : asked.join(', ');
      fail('usage-argument', `--evidence ${JSON.stringify(value)} does not say of which type it is`, {
        hint: `write --evidence TYPE=${value}; the policy asks ${step} for: ${known}`,
      });
    }
    const bytes = await readSmallFile(file, LIMITS.evidenceFileSize, '--evidence');
    evidence.push({ type: type as string, digest: computeDigest(bytes) });
  }
  const missing = asked.filter(type => !evidence.some(given => given.type === type));
  if (missing.length > 0) {
    fail('evidence-missing', `the policy asks ${step} for ${missing.join(', ')}`, {
      hint: missing.map(type => `--evidence ${type}=FILE`).join(' '),
    });
  }
  return evidence;
}
