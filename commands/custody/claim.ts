import { fail } from '../../src/base/errors.js';
import { shellQuote } from '../../src/base/shell-quote.js';
import { TouchmarkCommand } from '../../src/cli/base-command.js';
import { baseFlags, handoverFlags, policyFlag, stepFlag, teamFlag } from '../../src/cli/flags/custody.js';
import { platformFlag, repositoryFlag } from '../../src/cli/flags/image.js';
import { registryFlags } from '../../src/cli/flags/registry.js';
import { Args, Flags } from '../../src/cli/oclif.js';
import { planMarksOf } from '../../src/cli/plan-marks.js';
import type { Styler } from '../../src/cli/text.js';
import { cosignAnnotations } from '../../src/custody/carriers.js';
import type { Claim } from '../../src/custody/claim.js';
import { createStoreAccess, withImage } from '../../src/oci/open.js';
import { formatReference, parseReference, pinReference } from '../../src/oci/reference.js';
import { loadPolicy } from '../../src/policy/load.js';
import { publishChain } from '../../src/sign/publish-chain.js';

interface Result {
  readonly reference: string;
  readonly pinned: string;
  readonly claims: readonly {
    readonly subject: string;
    /** Digest of the claim, and the claim itself. */
    readonly claim: string;
    readonly document: Claim;
    /** Makes the mark with stock cosign, 2 or 3. */
    readonly command: string;
    /** The custody artifact that was written; null without --carry, and when there is nothing to carry. */
    readonly artifact: string | null;
  }[];
}

export default class CustodyClaim extends TouchmarkCommand<Result> {
  static override summary = 'Print the claim, and the cosign command that makes it a mark';
  static override description =
    'For a team that signs with cosign: checks and computes what custody mark would, and signs nothing. The printed command ' +
    'makes the mark. --carry writes the base’s marks beside the image, without which nobody can follow the chain; it ' +
    'needs no key.';
  static override schema = 'custody-claim';
  static override exitCodes = [10, 11, 12, 14, 15, 16, 18, 20, 21, 22, 24] as const;
  static override examples = [
    {
      description: 'On another team’s image',
      command:
        'touchmark custody claim --team app --step app --base registry.example/runtime:3 --carry --policy policy.yaml registry.example/app@sha256:…',
    },
  ];
  static override args = {
    image: Args.string({ required: true, description: 'registry reference' }),
  };
  static override flags = {
    ...policyFlag,
    ...teamFlag,
    ...stepFlag,
    ...baseFlags,
    ...handoverFlags,
    carry: Flags.boolean({ summary: 'write the base’s marks into the image’s custody artifact' }),
    key: Flags.string({
      char: 'k',
      default: 'cosign.key',
      helpValue: 'REF',
      summary: 'the key as cosign is to name it in the printed command',
    }),
    ...repositoryFlag,
    ...platformFlag,
    ...registryFlags,
  };

  protected override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(CustodyClaim);
    const reference = parseReference(args.image);
    if (reference.transport !== 'registry') {
      fail('usage-argument', 'cosign signs images in a registry; this one lies elsewhere', {
        hint: 'copy it into a registry first: touchmark copy',
      });
    }
    const { policy } = await loadPolicy(flags.policy);
    const access = createStoreAccess(await this.storeOptions(flags));
    try {
      return await withImage(access, reference, async (store, root) => {
        const { plan } = await planMarksOf(flags, {
          image: args.image,
          located: { store, root },
          access,
          policy,
          now: new Date(),
          creator: this.creator,
          signal: this.signal,
          note: line => this.note(line),
        });
        const claims: Result['claims'][number][] = [];
        for (const { claim, digest, carried, image } of plan.images) {
          const subject = image.raw.descriptor;
          const pinned = formatReference(pinReference(reference, subject.digest));
          const carries = flags.carry && carried.marks.length > 0;
          const artifact = carries ? await publishChain(store, subject, carried, []) : null;
          const annotations = cosignAnnotations(claim);
          const command = cosignCommand(flags.key, annotations, flags.as, pinned);
          claims.push({ subject: subject.digest, claim: digest, document: claim, command, artifact });
        }
        const pinned = formatReference(pinReference(reference, root.descriptor.digest));
        return { reference: args.image, pinned, claims };
      });
    } finally {
      await access.close();
    }
  }

  protected override text({ claims }: Result, style: Styler): string {
    return claims
      .map(({ document, command }) =>
        [
          style('dim', '# the claim'),
          JSON.stringify(document, null, 2),
          style('dim', '# sign it'),
          command,
        ].join('\n'),
      )
      .join('\n');
  }
}

/** For cosign 2 and 3 alike: the old format, and no public transparency log, which is for the team to decide. */
function cosignCommand(
  key: string,
  annotations: Readonly<Record<string, string>>,
  repository: string | undefined,
  pinned: string,
): string {
  const words = [
    'cosign',
    'sign',
    '--key',
    key,
    '--tlog-upload=false',
    '--new-bundle-format=false',
    '--use-signing-config=false',
    ...(repository === undefined ? [] : ['--sign-container-identity', repository]),
    ...Object.entries(annotations).flatMap(([name, value]) => ['-a', `${name}=${value}`]),
    pinned,
  ];
  return words.map(shellQuote).join(' ');
}
