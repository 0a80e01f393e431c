import { fail } from '../../src/base/errors.js';
import { TouchmarkCommand } from '../../src/cli/base-command.js';
import { readClaimDigest } from '../../src/cli/claiming-command.js';
import { policyFlag, teamFlag } from '../../src/cli/flags/custody.js';
import { platformFlag } from '../../src/cli/flags/image.js';
import { dryRunFlag, yesFlag } from '../../src/cli/flags/output.js';
import { registryFlags } from '../../src/cli/flags/registry.js';
import { signingFlags } from '../../src/cli/flags/signing.js';
import { loadSigners } from '../../src/cli/load-signers.js';
import { Args, Flags } from '../../src/cli/oclif.js';
import { printable, type Styler } from '../../src/cli/text.js';
import type { WithdrawClaim } from '../../src/custody/claim.js';
import { claimDigest } from '../../src/custody/claim-digest.js';
import type { Descriptor } from '../../src/oci/descriptor.js';
import { createStoreAccess, openStore, resolveImage } from '../../src/oci/open.js';
import { formatReference, parseReference, pinReference } from '../../src/oci/reference.js';
import { loadPolicy } from '../../src/policy/load.js';
import { line, renderLines } from '../../src/report/lines.js';
import { listImages } from '../../src/sign/mark-images.js';
import { planWithdrawals, type WithdrawPlan } from '../../src/sign/withdraw-claim.js';
import { writeStatement } from '../../src/sign/write-statement.js';

interface Withdrawal {
  readonly subject: string;
  readonly withdrawn: {
    readonly claim: string;
    readonly kind: string;
    readonly step: string;
    readonly time: string;
  };
  /** Digest of the withdrawing claim, and the claim itself. */
  readonly claim: string;
  readonly document: WithdrawClaim;
  readonly keyids: readonly string[];
  /** The custody artifact that holds it; null with --dry-run. */
  readonly artifact: string | null;
}

interface Result {
  readonly dryRun: boolean;
  readonly reference: string;
  readonly digest: string;
  readonly pinned: string;
  readonly withdrawals: readonly Withdrawal[];
}

export default class CustodyWithdraw extends TouchmarkCommand<Result> {
  static override summary = 'Take back what your team claimed of an image';
  static override description =
    'Whoever verifies the image afterwards gets a no, and so does whoever builds on it. The withdrawal lies in the ' +
    'custody artifact only, where cosign cannot take it for a yes. Images that were built before carry the chain of ' +
    'that time: withdraw those too. A registry can hide a withdrawal from those who verify.';
  static override schema = 'custody-withdraw';
  static override exitCodes = [10, 11, 12, 18, 20, 21, 22, 23, 24] as const;
  static override examples = [
    {
      description: 'All that the team claimed of it',
      command:
        'touchmark custody withdraw --team base --reason "CVE-2027-1234" --policy policy.yaml --key base.key registry.example/base@sha256:…',
    },
  ];
  static override args = {
    image: Args.string({
      required: true,
      description: 'registry reference, oci:DIR[:TAG], oci-archive:FILE',
    }),
  };
  static override flags = {
    ...policyFlag,
    ...teamFlag,
    claim: Flags.string({
      helpGroup: 'CUSTODY',
      helpValue: 'DIGEST',
      summary: 'only this claim; default: all that the team claimed of the image',
    }),
    reason: Flags.string({
      helpGroup: 'CUSTODY',
      helpValue: 'TEXT',
      summary: 'why; it stands in the signed claim',
    }),
    ...signingFlags,
    ...platformFlag,
    ...dryRunFlag,
    ...yesFlag,
    ...registryFlags,
  };

  protected override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(CustodyWithdraw);
    const chosen = readClaimDigest(flags.claim);
    const reference = parseReference(args.image);
    const { policy } = await loadPolicy(flags.policy);
    const access = createStoreAccess(await this.storeOptions(flags));
    try {
      const store = await openStore(reference, access);
      try {
        if (!store.writable) fail('usage-read-only', `${args.image} cannot hold claims: it is read-only`);
        const root = await resolveImage(store, reference);
        const { team, reason } = flags;
        const options = { team, policy, now: new Date(), claim: chosen, reason };
        const plans: (WithdrawPlan & { readonly subject: Descriptor })[] = [];
        for (const { raw } of await listImages({ store, root }, flags.platform)) {
          const planned = await planWithdrawals(store, raw, options);
          plans.push(...planned.map(plan => ({ ...plan, subject: raw.descriptor })));
        }
        const pinned = formatReference(pinReference(reference, root.descriptor.digest));
        const about = { reference: args.image, digest: root.descriptor.digest, pinned };
        if (flags['dry-run'])
          return { dryRun: true, ...about, withdrawals: plans.map(plan => factsOf(plan)) };
        const what = plans.map(({ withdrawn }) => `${withdrawn.step} of ${withdrawn.time}`).join(', ');
        await this.confirm(
          `Withdraw ${what} of ${pinned}? Every image built on it fails from then on.`,
          flags,
        );
        const signers = await loadSigners(flags.key, this.passwords(flags), message => this.warn(message));
        const withdrawals: Withdrawal[] = [];
        for (const { subject, withdrawn, claim } of plans) {
          const written = await writeStatement(store, subject, claim, signers, policy);
          const { document, keyids, artifact } = written;
          withdrawals.push({ ...factsOf({ withdrawn, claim: document }), keyids, artifact });
        }
        return { dryRun: false, ...about, withdrawals };
      } finally {
        await store.close();
      }
    } finally {
      await access.close();
    }
  }

  protected override text({ pinned, withdrawals, dryRun }: Result, style: Styler): string {
    const lines = withdrawals.flatMap(({ withdrawn, claim, document }) => [
      line(`  ${withdrawn.kind} ${withdrawn.step} of team ${document.team}, made at ${withdrawn.time}`),
      line({ text: `  claim     ${withdrawn.claim}`, style: 'dim' }),
      line({ text: `  taken back by ${claim}`, style: 'dim' }),
    ]);
    const word = dryRun ? 'nothing written' : 'withdrawn';
    return renderLines([line(pinned, '  ', { text: word, style: 'yellow' }), ...lines], style, printable);
  }
}

function factsOf({ withdrawn, claim }: WithdrawPlan): Withdrawal {
  return {
    subject: withdrawn.subject.manifest.digest,
    withdrawn: { claim: claim.prev.claim, kind: withdrawn.kind, step: withdrawn.step, time: withdrawn.time },
    claim: claimDigest(claim),
    document: claim,
    keyids: [],
    artifact: null,
  };
}
