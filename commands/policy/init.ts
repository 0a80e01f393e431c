import { lstat } from 'node:fs/promises';
import { basename, dirname, extname, resolve } from 'node:path';
import { utf8 } from '../../src/base/bytes.js';
import { fail } from '../../src/base/errors.js';
import { shellQuote } from '../../src/base/shell-quote.js';
import { completeWishes } from '../../src/cli/ask-policy.js';
import { TouchmarkCommand } from '../../src/cli/base-command.js';
import { writeOutputFile } from '../../src/cli/files.js';
import { dryRunFlag, yesFlag } from '../../src/cli/flags/output.js';
import { inlineKeys, planPolicy } from '../../src/cli/new-policy.js';
import { Args, Flags } from '../../src/cli/oclif.js';
import {
  type FindingFacts,
  formatFinding,
  formatPolicyFacts,
  type PolicyFacts,
  toFindingFacts,
  toPolicyFacts,
} from '../../src/cli/policy-findings.js';
import { printable, type Styler } from '../../src/cli/text.js';
import {
  formatPolicyTemplate,
  lintPolicy,
  loadKeys,
  parsePolicy,
  policyKeyReader,
} from '../../src/policy/index.js';

interface Result {
  readonly dryRun: boolean;
  readonly file: string;
  readonly document: string;
  readonly policy: PolicyFacts;
  readonly findings: readonly FindingFacts[];
}

export default class PolicyInit extends TouchmarkCommand<Result> {
  static override summary = 'Write a policy: the teams, their keys, and the order in which they build';
  static override description =
    'Writes YAML with a comment on every part, to go on from. Teams become steps in the order in which they are given, but ' +
    'for those that approve. What is missing is asked for. Every key is loaded first: only public ones are taken, and their ' +
    'paths are written relative to the file.';
  static override schema = 'policy-init';
  static override exitCodes = [20, 22] as const;
  static override examples = [
    {
      description: 'Three teams, one after the other',
      command:
        "touchmark policy init policy.yaml --repository 'registry.example/*' --team base=base.pub --team runtime=runtime.pub --team app=app.pub",
    },
    {
      description: 'Two of two must sign the base, which begins with Debian; security scans the result',
      command:
        "touchmark policy init shop.yaml --repository 'registry.example/shop/*' --team base=linus.pub,grace.pub --adopt docker.io/library/debian --team app=ada.pub --team security=hopper.pub --approval scan=security --max-age scan=7d",
    },
  ];
  static override args = {
    file: Args.string({ required: true, description: 'the policy file to write, such as policy.yaml' }),
  };
  static override flags = {
    name: Flags.string({ helpValue: 'NAME', summary: 'name of the policy; default: the file’s' }),
    repository: Flags.string({
      multiple: true,
      helpValue: 'GLOB',
      summary: 'images it is about: registry.example/shop/* (repeatable)',
    }),
    team: Flags.string({
      multiple: true,
      helpValue: 'NAME=KEY,…',
      summary: 'a team and its public keys, a signer each; NAME:SIGNER=KEY names the signer (repeatable)',
    }),
    approval: Flags.string({
      multiple: true,
      helpValue: 'NAME=TEAM',
      summary: 'an approval of the finished image by a team that builds nothing (repeatable)',
    }),
    threshold: Flags.string({
      multiple: true,
      helpValue: 'NAME=N',
      summary: 'how many signers a step or approval needs; default 2, or 1 of 1 (repeatable)',
    }),
    'max-age': Flags.string({
      multiple: true,
      helpValue: 'NAME=TIME',
      summary: 'how old it may be; default 90d for a step, 7d for an approval (repeatable)',
    }),
    adopt: Flags.string({
      multiple: true,
      helpValue: 'GLOB',
      summary: 'images from elsewhere that the first team may begin with (repeatable)',
    }),
    'valid-for': Flags.string({
      default: '180d',
      helpValue: 'TIME',
      summary: 'when the policy expires, from now',
    }),
    'inline-keys': Flags.boolean({
      summary: 'write the keys themselves, not where they lie: for a policy in a TUF repository',
    }),
    ...dryRunFlag,
    ...yesFlag,
  };

  protected override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(PolicyInit);
    const { file } = args;
    const dryRun = flags['dry-run'];
    if (file === '-' || /\.json$/i.test(file))
      fail('usage-argument', `the policy is written as YAML, into a file: not to ${JSON.stringify(file)}`, {
        hint: file === '-' ? '--dry-run prints it' : `name it ${shellQuote(file.replace(/json$/i, 'yaml'))}`,
      });
    const overwrite = !dryRun && (await this.#mayOverwrite(file, flags));
    const folder = dirname(resolve(file));
    const missing = { repository: flags.repository ?? [], team: flags.team ?? [] };
    const asked = await completeWishes(missing, folder, this.terminal(), message =>
      this.note(printable(message)),
    );
    const now = new Date();
    const planned = planPolicy(
      {
        ...asked,
        name: flags.name ?? basename(file, extname(file)),
        threshold: flags.threshold ?? [],
        'max-age': flags['max-age'] ?? [],
        approval: flags.approval ?? [],
        adopt: flags.adopt ?? [],
        'valid-for': flags['valid-for'],
      },
      now,
    );
    const template = flags['inline-keys'] ? await inlineKeys(planned, policyKeyReader(folder)) : planned;
    const document = formatPolicyTemplate(template);
    // Read as whoever checks with it will read it: what is not sound is not written.
    const loaded = await loadKeys(parsePolicy(utf8(document), file, 'yaml'), policyKeyReader(folder));
    const findings = lintPolicy(loaded, now).map(toFindingFacts);
    if (!dryRun) await writeOutputFile(file, utf8(document), { overwrite });
    return { dryRun, file, document, policy: toPolicyFacts(loaded), findings };
  }

  /** Asked before anything else: nobody should answer questions for a file that is then refused. */
  async #mayOverwrite(file: string, flags: { readonly yes: boolean }): Promise<boolean> {
    const there = await lstat(file).catch(() => undefined);
    if (there?.isDirectory())
      fail('usage-file', 'the policy file is a folder', {
        details: { file },
        hint: `name a file in it: ${shellQuote(`${file}/policy.yaml`)}`,
      });
    if (there === undefined) return false;
    if (!flags.yes && this.terminal() === undefined)
      fail('usage-file-exists', 'the policy file exists already and was not touched', {
        details: { file },
        hint: 'choose another name, or add --yes to replace it',
      });
    await this.confirm(`Overwrite ${file}? What it holds is lost.`, flags);
    return true;
  }

  protected override text({ dryRun, file, document, policy, findings }: Result, style: Styler): string {
    const found = findings.map(finding => formatFinding(file, finding, style));
    if (dryRun) {
      // Standard output is the file itself, and nothing else.
      for (const text of found) this.note(text);
      return document.trimEnd();
    }
    return [
      `${printable(file)}: written: ${formatPolicyFacts(policy)}`,
      ...found,
      `next  look through it, then: touchmark policy check ${shellQuote(file)}`,
    ].join('\n');
  }
}
