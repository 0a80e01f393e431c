import { TouchmarkCommand } from '../../src/cli/base-command.js';
import { custodyLevelFlag, policyOrTufFlag } from '../../src/cli/flags/custody.js';
import { platformFlag, repositoryFlag } from '../../src/cli/flags/image.js';
import { registryFlags } from '../../src/cli/flags/registry.js';
import { localPolicyFlag, tufFlags } from '../../src/cli/flags/tuf.js';
import { Args, Flags } from '../../src/cli/oclif.js';
import { printable, type Styler } from '../../src/cli/text.js';
import { tryPredicates } from '../../src/cli/try-predicates.js';
import type { EvidenceLevel } from '../../src/custody/policy.js';
import type { CustodyVerdict } from '../../src/custody/verdict.js';
import { createStoreAccess } from '../../src/oci/open.js';
import { presentFacts, presentTried, type TriedPredicate } from '../../src/report/facts-text.js';
import { line, renderLines } from '../../src/report/lines.js';
import { type FactsReport, reportFacts } from '../../src/verify/facts-report.js';
import { judgeCustody } from '../../src/verify/show-custody.js';

interface Result extends FactsReport, Pick<CustodyVerdict, 'verdict' | 'code' | 'policy'> {
  readonly reference: string;
  readonly pinned: string;
  readonly through: string | null;
  readonly tried: readonly TriedPredicate[];
}

export default class PolicyFacts extends TouchmarkCommand<Result> {
  static override summary =
    'Show what is known of an image: the facts that rules and predicates of a policy see';
  static override description =
    'Each fact is proven, which takes nobody’s word, or asserted: somebody wrote it there. Without a chain that holds nothing is proven. ' +
    '--try evaluates an expression in CEL as a predicate would. It shows and does not judge: exit code 0 says that the question was answered.';
  static override schema = 'policy-facts';
  static override exitCodes = [10, 11, 12, 17, 18, 20, 21, 22, 24] as const;
  static override examples = [
    {
      description: 'All facts, as predicates see them',
      command: 'touchmark policy facts --policy policy.yaml -o json registry.example/app:1.4',
    },
    {
      description: 'Would this predicate hold?',
      command:
        'touchmark policy facts --policy policy.yaml --try \'!user.root && ports.all(p, p == "8080/tcp")\' registry.example/app:1.4',
    },
  ];
  static override args = {
    image: Args.string({
      required: true,
      description: 'registry reference, oci:DIR[:TAG], oci-archive:FILE',
    }),
  };
  static override flags = {
    ...policyOrTufFlag,
    try: Flags.string({
      multiple: true,
      helpValue: 'EXPRESSION',
      summary: 'evaluate this over the facts, and say what of it is not true (repeatable)',
    }),
    ...custodyLevelFlag,
    ...repositoryFlag,
    ...platformFlag,
    ...tufFlags,
    ...localPolicyFlag,
    ...registryFlags,
  };

  protected override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(PolicyFacts);
    const judgeTried = await tryPredicates(flags.try ?? []);
    const { openImageTrust, requirePolicyFor } = await import('../../src/cli/image-trust.js');
    const options = await this.storeOptions(flags);
    const now = new Date();
    const onWarning = (text: string) => this.warn(text);
    const trust = await openImageTrust([args.image], flags, { options, now, onWarning });
    const access = createStoreAccess(options);
    try {
      const policy = await requirePolicyFor([args.image], flags, trust?.view);
      const facts = await trust?.view.factsFor(policy);
      const { verdict, pinned, through } = await judgeCustody(access, args.image, {
        policy,
        now,
        wantFacts: true,
        ...(trust && facts && { trust: { facts, releaseOf: trust.view.releaseOf } }),
        repository: flags.as,
        platform: flags.platform,
        level: flags.level as EvidenceLevel | undefined,
        signal: this.signal,
        onProgress: (done, total) => this.progress().report({ phase: 'reading layers', done, total }),
      });
      const report = reportFacts(verdict, pinned);
      return {
        ...{ reference: args.image, pinned, through },
        ...{ verdict: verdict.verdict, code: verdict.code, policy: verdict.policy },
        ...report,
        tried: judgeTried(report.facts),
      };
    } finally {
      await access.close();
      await trust?.close();
    }
  }

  protected override text({ pinned, policy, code, tried, ...report }: Result, style: Styler): string {
    const because = report.holds ? '; its chain holds' : ', so that nothing is proven';
    const says = code === null ? 'the image passes' : `the image does not pass (${code})${because}`;
    const lines = [
      line({ text: pinned, style: 'bold' }),
      line(`  policy ${policy.name}, version ${policy.version}: ${says}`),
      line(''),
      ...presentFacts(report),
      ...(tried.length === 0 ? [] : [line(''), ...presentTried(tried)]),
    ];
    return renderLines(lines, style, printable);
  }
}
