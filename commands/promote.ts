import { fail, type TouchmarkError } from '../src/base/errors.js';
import { TouchmarkCommand } from '../src/cli/base-command.js';
import { variableOf } from '../src/cli/environment.js';
import { policyFlag } from '../src/cli/flags/custody.js';
import { evidenceFlag, readEvidence } from '../src/cli/flags/evidence.js';
import { dryRunFlag, yesFlag } from '../src/cli/flags/output.js';
import { patientRegistryFlags } from '../src/cli/flags/registry.js';
import { passwordFlags } from '../src/cli/flags/signing.js';
import { loadSigners } from '../src/cli/load-signers.js';
import { Args, Flags } from '../src/cli/oclif.js';
import { otherAccess } from '../src/cli/other-image.js';
import { type PromotionResult, promotionResult } from '../src/cli/promotion-result.js';
import { printable, type Styler } from '../src/cli/text.js';
import type { CustodyPolicy } from '../src/custody/index.js';
import { createStoreAccess, openStore, resolveImage } from '../src/oci/open.js';
import { formatReference, type ImageReference, parseReference, pinReference } from '../src/oci/reference.js';
import { loadPolicy } from '../src/policy/load.js';
import { explainPromotion, type PromotionNames, presentPromotion, renderLines } from '../src/report/index.js';
import { type Promotion, type PromotionApproval, promoteImage } from '../src/sign/index.js';

interface PromoteFlags {
  readonly approve?: string | undefined;
  readonly team?: string | undefined;
  readonly key?: readonly string[] | undefined;
  readonly evidence?: readonly string[] | undefined;
  readonly yes: boolean;
}

export default class Promote extends TouchmarkCommand<PromotionResult> {
  static override summary =
    'Hand an image on: verify it, copy it, approve it there, verify it there, then set the tag';
  static override description =
    'The policy decides twice. The source is judged as what it is going to be, under the destination’s repository, so that what ' +
    'would be refused there is never sent; only the approval that --approve gives is not asked of it yet. The image is copied with ' +
    'everything that refers to it, by digest, and what arrived is judged again, by every rule. Only then the tag moves: a no at ' +
    'either end leaves it as it was. Run it again to go on after an interruption, or for the next signer of an approval. ' +
    'Credentials given by flags are for the destination.';
  static override schema = 'promote';
  static override exitCodes = [10, 11, 12, 14, 15, 16, 18, 20, 21, 22, 23, 24] as const;
  static override examples = [
    {
      description: 'From development to production, approved by the release team',
      command:
        'touchmark promote --policy policy.yaml --approve promote --team release --key rob.key dev.example/app:1.4 prod.example/app:1.4',
    },
    {
      description: 'Into an archive for the air gap, and out of it',
      command: 'touchmark promote --policy policy.yaml registry.example/app:1.4 oci-archive:app.tar',
    },
  ];
  static override args = {
    source: Args.string({
      required: true,
      description: 'registry reference, oci:DIR[:TAG], oci-archive:FILE',
    }),
    destination: Args.string({
      required: true,
      description: 'registry reference, oci:DIR[:TAG], oci-archive:FILE',
    }),
  };
  static override flags = {
    ...policyFlag,
    approve: Flags.string({
      helpGroup: 'CUSTODY',
      helpValue: 'NAME',
      summary: 'an approval of the policy to give at the destination; needs --team and --key',
    }),
    team: Flags.string({
      helpGroup: 'CUSTODY',
      helpValue: 'TEAM',
      env: variableOf('team'),
      summary: 'the team that approves, as the policy names it',
    }),
    ...evidenceFlag,
    // No variable: a forgotten one would hold an image to another repository than the one it goes to.
    as: Flags.string({
      helpGroup: 'CUSTODY',
      helpValue: 'REPOSITORY',
      summary: 'the repository that it is meant for, when the destination is a layout or archive',
    }),
    key: Flags.string({
      helpGroup: 'SIGNING',
      char: 'k',
      multiple: true,
      helpValue: 'REF',
      env: variableOf('key'),
      summary: 'private key of the approval: a file, or env://VARIABLE (repeatable)',
    }),
    ...passwordFlags,
    ...dryRunFlag,
    ...yesFlag,
    ...patientRegistryFlags,
  };

  #outcome:
    | { readonly promotion: Promotion; readonly names: PromotionNames; readonly policy: CustodyPolicy }
    | undefined;

  protected override async execute(): Promise<PromotionResult> {
    const { args, flags } = await this.parse(Promote);
    const [from, to] = [parseReference(args.source), parseReference(args.destination)];
    if (to.transport === 'docker-archive') {
      fail('usage-read-only', 'a docker archive can be read and not written', {
        hint: 'oci-archive:FILE is one file too',
      });
    }
    if (flags.as !== undefined && to.transport === 'registry') {
      fail('usage-argument', '--as names the repository of a destination that has none; this one has', {
        hint: 'leave --as out',
      });
    }
    const { policy } = await loadPolicy(flags.policy);
    const approval = await this.#readApproval(flags, policy, () =>
      loadSigners(flags.key ?? [], this.passwords(flags), message => this.warn(message)),
    );
    const access = createStoreAccess(await this.storeOptions(flags));
    const sourceAccess = otherAccess(to, from, access);
    const progress = this.progress();
    try {
      const source = await openStore(from, sourceAccess);
      const target = await openStore(to, access);
      try {
        const root = await resolveImage(source, from);
        const { digest } = root.descriptor;
        if (to.digest && to.digest !== digest) {
          fail('usage-argument', `the source is ${digest}; it cannot become ${to.digest}`);
        }
        // A layout without a tag keeps the one the image came with, so that it can be found again.
        const tag = to.digest ? undefined : (to.tag ?? from.tag);
        const names = namesOf(from, to, tag, digest);
        const promotion = await promoteImage(source, target, root, {
          policy,
          now: new Date(),
          tag,
          repository: flags.as,
          approval,
          dryRun: flags['dry-run'],
          confirm: planned => this.#ask(from, planned, names, flags),
          signal: this.signal,
          onCopy: ({ manifests, blobs, bytes }) =>
            progress.report({ phase: 'copying', done: manifests + blobs, bytes }),
          onRead: (done, total) => progress.report({ phase: 'reading layers', done, total }),
        });
        this.#outcome = { promotion, names, policy };
        const asked = { dryRun: flags['dry-run'], destination: args.destination, tag, policy };
        return promotionResult(promotion, asked);
      } finally {
        await target.close();
        await source.close();
      }
    } finally {
      await access.close();
      if (sourceAccess !== access) await sourceAccess.close();
    }
  }

  /** Asks before a tag moves away from another image, and before what a tag names now is approved. */
  async #ask(
    from: ImageReference,
    planned: Promotion,
    names: PromotionNames,
    flags: PromoteFlags,
  ): Promise<void> {
    const { replaced, digest } = planned;
    const moves = replaced !== null && replaced !== digest;
    const signsTag = planned.planned.length > 0 && from.digest === undefined;
    if (!moves && !signsTag) return;
    const approves = planned.planned.length > 0 ? `, approve it as ${flags.approve},` : '';
    const question = `Promote ${names.source}${approves} to ${names.tagged ?? names.destination}`;
    await this.confirm(`${question}${moves ? `, which is ${replaced} now` : ''}?`, flags);
  }

  async #readApproval(
    flags: PromoteFlags,
    policy: CustodyPolicy,
    signers: PromotionApproval['signers'],
  ): Promise<PromotionApproval | undefined> {
    const { approve: step, team, key, evidence } = flags;
    if (step === undefined) {
      if (evidence) fail('usage-argument', '--evidence belongs to an approval, and none is to be given');
      return undefined;
    }
    if (team === undefined || key === undefined) {
      fail('usage-argument', 'an approval is given by a team with a key', {
        hint: `add --team TEAM and --key REF to --approve ${step}`,
      });
    }
    const read = await readEvidence(evidence, policy, step);
    return { team, step, creator: this.creator, evidence: read, signers };
  }

  protected override problems(): readonly TouchmarkError[] {
    const problem = this.#outcome && explainPromotion(this.#outcome.promotion, this.#outcome.names);
    return problem ? [problem] : [];
  }

  protected override text(_: PromotionResult, style: Styler): string {
    if (!this.#outcome) return '';
    const { promotion, names, policy } = this.#outcome;
    return renderLines(presentPromotion(promotion, names, policy), style, printable);
  }
}

function namesOf(
  from: ImageReference,
  to: ImageReference,
  tag: string | undefined,
  digest: Promotion['digest'],
): PromotionNames {
  const { transport, location } = to;
  return {
    source: formatReference(pinReference(from, digest)),
    destination: formatReference(pinReference(to, digest)),
    tagged: tag === undefined ? null : formatReference({ transport, location, tag }),
  };
}
