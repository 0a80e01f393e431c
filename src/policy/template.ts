import { utf8 } from '../base/bytes.js';
import { formatTime } from '../base/time.js';
import { parsePolicy } from './compile.js';

export interface TemplateTeam {
  readonly name: string;
  readonly signers: readonly { readonly name: string; readonly keys: readonly string[] }[];
}

export interface TemplateStep {
  readonly step: string;
  readonly team: string;
  /** Default: two, or one when the team has a single signer. */
  readonly threshold?: number;
  /** Default 90d. */
  readonly maxAge?: string;
}

export interface PolicyTemplate {
  readonly name: string;
  readonly repositories: readonly string[];
  /** Written to the second. */
  readonly expires: Date;
  readonly teams: readonly TemplateTeam[];
  /** Content steps in their order. */
  readonly steps: readonly TemplateStep[];
  /** Patterns over repositories: the team of the first step may begin with an image from these that it did not build. */
  readonly adopt?: readonly string[];
  readonly approvals?: readonly TemplateStep[];
}

/**
 * A commented policy in YAML, for people to go on from.
 * @throws TouchmarkError `policy-invalid` when a name, pattern or key reference given cannot stand in a policy
 */
export function formatPolicyTemplate(template: PolicyTemplate): string {
  const text = `${[
    header(template),
    scope(template.repositories),
    teams(template.teams),
    settings(),
    flow(template),
    approvals(template),
    distinctSigners(),
  ].join('\n\n')}\n`;
  parsePolicy(utf8(text), 'policy.yaml', 'yaml');
  return text;
}

/** JSON's quoted text is YAML's as well. */
const quote = (text: string): string => JSON.stringify(text);
/** Bare where every YAML reader takes it for the same text. */
const word = (text: string): string =>
  /^(?:[a-z][a-z0-9-]+|[1-9][0-9]*[smhd])$/.test(text) && !/^(?:true|false|null|yes|no|on|off)$/.test(text)
    ? text
    : quote(text);
const list = (texts: readonly string[]): string => `[${texts.map(quote).join(', ')}]`;

function header({ name, expires }: PolicyTemplate): string {
  return `# Who may add what to these images, in which order, how recently.
# Whatever this file does not allow is denied. Check it with: touchmark policy check FILE
# How to write it, and how editors complete it: touchmark help policy
custody: 1
name: ${word(name)}
version: 1                  # raise it with every change
expires: ${formatTime(expires)}   # behind this time nothing is verified: renew it before`;
}

function scope(repositories: readonly string[]): string {
  return `# The images it is about. * stays within one part of the name, ** is any number of parts.
scope:
  repositories: ${list(repositories)}`;
}

function teams(all: readonly TemplateTeam[]): string {
  const lines = all.flatMap(({ name, signers }) => [
    `  ${word(name)}:`,
    '    signers:',
    ...signers.map(signer => `      ${word(signer.name)}: { keys: ${list(signer.keys)} }`),
  ]);
  return `# Teams and the people or robots who sign for them. Keys are public keys: a path relative to this file,
# env://VARIABLE, or the PEM text itself. Several keys of one signer count as one.
teams:
${lines.join('\n')}`;
}

function settings(): string {
  return `# How far layers are looked at: manifest trusts a digest that its team signed, blobs reads every layer, content looks at
# every file: write that to say which files a step may touch, such as
#   paths:
#     STEP: { allow: ["/opt/app/**"], delete: [] }
evidence: blobs
marks:
  skew: 5m                  # by how much clocks may disagree`;
}

function flow({ steps, adopt = [], teams: all }: PolicyTemplate): string {
  const rule = ({ step, team, threshold, maxAge }: TemplateStep, kinds: string, count: string) =>
    `  - step: ${word(step)}
    team: ${word(team)}
    kinds: ${kinds}
    count: ${count}           # least and most
    threshold: ${threshold ?? usualThreshold(team, all)}            # different signers
    maxAge: ${word(maxAge ?? '90d')}`;
  const [first] = steps;
  const lines = steps.map((step, i) => {
    if (i > 0) return rule(step, '[add, config]', '[1, 1]');
    // A team that adopts need not add anything of its own.
    return adopt.length > 0 ? rule(step, '[add, config]', '[0, 1]') : rule(step, '[add]', '[1, 1]');
  });
  if (adopt.length > 0 && first !== undefined)
    lines.unshift(`${rule({ ...first, step: 'upstream' }, '[adopt]', '[1, 1]')}
    upstream: ${list(adopt)}  # whose images may be adopted
    upstreamVerified: true  # the team must have recorded how it checked the image`);
  return `# The steps that build an image, first to last; each checks the one before and adds its layers.
# Kinds: add (layers), config (settings only), adopt (an image from elsewhere, as the first step, with upstream: [...]).
flow:
${lines.join('\n')}`;
}

function approvals({ approvals: rules = [], teams: all }: PolicyTemplate): string {
  if (rules.length === 0) {
    return `# Approvals of the finished image, such as a scan:
#   - { name: scan, team: security, threshold: 1, maxAge: 7d }
approvals: []`;
  }
  const lines = rules.map(
    ({ step, team, threshold, maxAge }) => `  - name: ${word(step)}
    team: ${word(team)}
    threshold: ${threshold ?? usualThreshold(team, all)}
    maxAge: ${word(maxAge ?? '7d')}`,
  );
  return `# Approvals of the finished image. on: STEP asks for one of a step, after: [NAME] for one that has seen another.
approvals:
${lines.join('\n')}`;
}

function distinctSigners(): string {
  return `# Nobody signs for two teams.
distinctSigners: true`;
}

function usualThreshold(team: string, all: readonly TemplateTeam[]): number {
  const signers = all.find(({ name }) => name === team)?.signers.length ?? 1;
  return Math.min(2, Math.max(1, signers));
}
