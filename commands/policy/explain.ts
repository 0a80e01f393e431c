import { TouchmarkCommand } from '../../src/cli/base-command.js';
import { custodyLevelFlag, policyFlag } from '../../src/cli/flags/custody.js';
import { platformFlag, repositoryFlag } from '../../src/cli/flags/image.js';
import { registryFlags } from '../../src/cli/flags/registry.js';
import { Args } from '../../src/cli/oclif.js';
import { printable, type Styler } from '../../src/cli/text.js';
import type { EvidenceLevel } from '../../src/custody/policy.js';
import type { CustodyVerdict } from '../../src/custody/verdict.js';
import { createStoreAccess } from '../../src/oci/open.js';
import { explainRules, presentRules, type RuleReport, renderLines } from '../../src/report/index.js';
import { judgeCustody } from '../../src/verify/show-custody.js';

interface Result extends Pick<CustodyVerdict, 'verdict' | 'code' | 'level' | 'policy'> {
  readonly reference: string;
  readonly pinned: string;
  readonly through: string | null;
  readonly rules: readonly RuleReport[];
}

export default class PolicyExplain extends TouchmarkCommand<Result> {
  static override summary = 'Say what a policy asks of an image, rule by rule, and what would make it pass';
  static override description =
    'For each rule: whether it holds, which claims fill it, how many signers they have and until when they are recent enough, ' +
    'and the command that mends what does not. It explains and does not judge: exit code 0 says that the question was answered.';
  static override schema = 'policy-explain';
  static override exitCodes = [11, 18, 20, 21, 22, 24] as const;
  static override examples = [
    {
      description: 'Why does this image not pass?',
      command: 'touchmark policy explain --policy policy.yaml registry.example/app:1.4',
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
    ...custodyLevelFlag,
    ...repositoryFlag,
    ...platformFlag,
    ...registryFlags,
  };

  protected override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(PolicyExplain);
    const { loadPolicy } = await import('../../src/policy/load.js');
    const { policy } = await loadPolicy(flags.policy);
    const access = createStoreAccess(await this.storeOptions(flags));
    try {
      const { verdict, pinned, through } = await judgeCustody(access, args.image, {
        policy,
        now: new Date(),
        repository: flags.as,
        platform: flags.platform,
        level: flags.level as EvidenceLevel | undefined,
        signal: this.signal,
        onProgress: (done, total) => this.progress().report({ phase: 'reading layers', done, total }),
      });
      const rules = explainRules(verdict, policy, { verdict, policy, pinned, file: flags.policy });
      const { code, level, policy: about } = verdict;
      return {
        ...{ reference: args.image, pinned, through },
        ...{ verdict: verdict.verdict, code, level, policy: about, rules },
      };
    } finally {
      await access.close();
    }
  }

  protected override text({ rules, pinned, ...verdict }: Result, style: Styler): string {
    return renderLines(presentRules(rules, verdict, pinned), style, printable);
  }
}
