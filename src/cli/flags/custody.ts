import { fail } from '../../base/errors.js';
import { pathPatternProblem, SEALED_OPERATIONS } from '../../base/path-rules.js';
import type { ClaimSeal } from '../../custody/claim.js';
import { EVIDENCE_LEVELS } from '../../custody/policy.js';
import { variableOf } from '../environment.js';
import { Flags } from '../oclif.js';
import { platformFlag, repositoryFlag } from './image.js';
import { dryRunFlag, yesFlag } from './output.js';
import { signingFlags } from './signing.js';

const group = { helpGroup: 'CUSTODY' };

export const policyFlag = {
  policy: Flags.string({
    ...group,
    required: true,
    helpValue: 'FILE',
    env: variableOf('policy'),
    summary: 'the policy: teams and their keys, and the flow',
  }),
};

/** For verifying: with TUF, the policy may come from there. */
export const policyOrTufFlag = {
  policy: Flags.string({
    ...group,
    helpValue: 'FILE',
    env: variableOf('policy'),
    summary: 'the policy: a file, or tuf:NAME; default with --tuf: the one that it has for the image',
  }),
};

/** For commands that show what there is, also when nobody says whom to trust. */
export const optionalPolicyFlag = {
  policy: Flags.string({
    ...group,
    helpValue: 'FILE',
    env: variableOf('policy'),
    summary: 'verify what is shown under this policy; without it all of it is only claimed',
  }),
};

/** For comparing images of any origin. */
export const comparisonPolicyFlag = {
  policy: Flags.string({
    ...group,
    helpValue: 'FILE',
    env: variableOf('policy'),
    summary: 'teams, where both chains of custody hold under this policy; without it layers alone',
  }),
};

/** How far a check of custody goes. */
export const custodyLevelFlag = {
  level: Flags.string({
    options: [...EVIDENCE_LEVELS],
    helpValue: EVIDENCE_LEVELS.join('|'),
    env: variableOf('level'),
    summary: 'how far layers are looked into; default what the policy asks, on disk at least blobs',
  }),
};

export const custodyCheckFlags = {
  ...custodyLevelFlag,
  handover: Flags.string({
    ...group,
    helpValue: 'TEAM',
    summary: 'the image is on its way to this team: later steps do not apply yet',
  }),
  explain: Flags.boolean({
    summary: 'say what each rule made of it, what the level means, what is not guaranteed',
  }),
};

export const teamFlag = {
  team: Flags.string({
    ...group,
    required: true,
    helpValue: 'TEAM',
    env: variableOf('team'),
    summary: 'the team that claims, as the policy names it',
  }),
};

export const stepFlag = {
  step: Flags.string({
    ...group,
    required: true,
    helpValue: 'STEP',
    env: variableOf('step'),
    summary: 'what it did: a step of the policy',
  }),
};

export const expiresFlag = {
  expires: Flags.string({
    ...group,
    helpValue: 'TIME',
    summary: 'the claim ends then: a date, 2027-01-31T00:00:00Z, or a time from now, 90d',
  }),
};

export const handoverFlags = {
  next: Flags.string({
    ...group,
    multiple: true,
    helpValue: 'TEAM',
    summary: 'a team that this image is meant for (repeatable); default: any',
  }),
  seal: Flags.string({
    ...group,
    multiple: true,
    helpValue: 'PATTERN[:OPS]',
    summary:
      'promise that steps above leave these files alone (repeatable), such as /usr/lib/**:modify,delete',
  }),
  ...expiresFlag,
  renew: Flags.boolean({ summary: 'make a new claim beside one that stands already' }),
};

export const baseFlags = {
  base: Flags.string({
    ...group,
    helpValue: 'IMAGE',
    summary: 'the image it was built on; its chain is checked first',
  }),
  // No variable: a forgotten one would let every later mark stand on something nobody checked.
  'insecure-unchecked-base': Flags.boolean({
    summary: 'mark although the base does not pass; the claim says so, and policies refuse it',
    dependsOn: ['base'],
  }),
};

/** For every command that signs a claim about an image. */
export const claimingFlags = {
  ...policyFlag,
  ...teamFlag,
  ...signingFlags,
  ...repositoryFlag,
  ...platformFlag,
  ...dryRunFlag,
  ...yesFlag,
};

/** What a seal forbids when it does not say: all but new files beside those that are there. */
const USUAL_OPERATIONS = ['modify', 'metadata', 'link', 'delete'];

/**
 * Seals as `--seal` gives them: a pattern over paths, and behind a colon what may not be done there.
 * @throws TouchmarkError `usage-argument`
 */
export function readSeals(texts: readonly string[] | undefined): readonly ClaimSeal[] | undefined {
  return texts?.map(text => {
    const colon = text.lastIndexOf(':');
    const named = colon > text.lastIndexOf('/') ? text.slice(colon + 1).split(',') : undefined;
    const paths = [named ? text.slice(0, colon) : text];
    const unknown = named?.find(word => !(SEALED_OPERATIONS as readonly string[]).includes(word));
    const problem = pathPatternProblem(paths[0] as string);
    if (problem !== undefined)
      fail('usage-argument', `--seal ${JSON.stringify(text)}: the pattern ${problem}`, {
        hint: 'such as --seal "/usr/lib/**", where * stays within one folder and ** goes through all',
      });
    if (unknown !== undefined)
      fail('usage-argument', `--seal ${JSON.stringify(text)}: ${JSON.stringify(unknown)} is no operation`, {
        hint: `the operations are ${SEALED_OPERATIONS.join(', ')}; a path with a colon needs them behind another one`,
      });
    return { paths, ops: [...new Set(named ?? USUAL_OPERATIONS)].sort() };
  });
}

const DAY = 86_400_000;

/**
 * A point in time from `--expires`: absolute, or a number of days or hours from now.
 * @throws TouchmarkError `usage-argument`
 */
export function readExpires(text: string | undefined, now: Date): Date | undefined {
  if (text === undefined) return undefined;
  const relative = /^([1-9][0-9]{0,4})([dh])$/.exec(text);
  const time = relative
    ? new Date(now.getTime() + Number(relative[1]) * (relative[2] === 'd' ? DAY : DAY / 24))
    : /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}:\d{2}Z)?$/.test(text)
      ? new Date(text.length === 10 ? `${text}T00:00:00Z` : text)
      : undefined;
  // A day that a month does not have would become one of the next month.
  const isDay =
    time && !Number.isNaN(time.getTime()) && (relative || time.toISOString().startsWith(text.slice(0, 10)));
  if (isDay && time > now) return time;
  return fail('usage-argument', `--expires takes a time to come, not ${JSON.stringify(text)}`, {
    hint: 'write --expires 90d, --expires 12h, or --expires 2027-01-31',
  });
}
