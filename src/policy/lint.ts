import type { CustodyPolicy, FlowStep, Team } from '../custody/policy.js';
import { teamsOf } from './cross-checks.js';
import type { Found, PolicyFinding } from './lint-finding.js';
import { lintFinished } from './lint-finished.js';
import { lintPaths } from './lint-paths.js';
import { lintSharing } from './lint-sharing.js';
import type { LoadedPolicy } from './load.js';
import { type DocumentPath, formatPath, type Position } from './problem.js';

/** Two weeks: time enough to look through a policy, and more than any holiday. */
const SOON = 14 * 86_400_000;

/** Looks for what is unwise, in the order of the document. `now`: to say that the policy has expired, or soon will. */
export function lintPolicy(loaded: LoadedPolicy, now?: Date): readonly PolicyFinding[] {
  const { policy, source } = loaded;
  return [
    ...lintDocument(policy, now),
    ...lintTeams(policy),
    ...lintSharing(policy),
    ...lintFlow(policy),
    ...lintApprovals(policy),
    ...lintFinished(loaded),
    ...lintPaths(policy),
  ]
    .map(({ path, ...finding }) => ({ ...finding, path: formatPath(path), position: place(source, path) }))
    .sort(
      ({ position: a }, { position: b }) =>
        (a?.line ?? 0) - (b?.line ?? 0) || (a?.column ?? 0) - (b?.column ?? 0),
    );
}

/** Where the nearest thing stands that is there: what is missing has no place of its own. */
function place(source: LoadedPolicy['source'], path: DocumentPath): Position | undefined {
  for (let length = path.length; length > 0; length--) {
    const position = source.locate(path.slice(0, length), 'key');
    if (position !== undefined) return position;
  }
  return source.locate([], 'value');
}

function lintDocument({ expires, repositories, evidence, identity }: CustodyPolicy, now?: Date): Found[] {
  const found: Found[] = [];
  if (expires === undefined)
    found.push({
      code: 'policy-expires-never',
      severity: 'warning',
      path: ['expires'],
      message: 'the policy never expires: whoever serves an old copy of it is believed for ever',
      hint: 'add expires, half a year ahead or less, and renew it',
    });
  else if (now !== undefined && expires <= now)
    found.push({
      code: 'policy-expired',
      severity: 'error',
      path: ['expires'],
      message: `the policy has expired on ${expires.toISOString().slice(0, 10)}: nothing is verified by it any more`,
      hint: 'look through it, raise its version and set a new time',
    });
  else if (now !== undefined && expires.getTime() - now.getTime() < SOON)
    found.push({
      code: 'policy-expires-soon',
      severity: 'warning',
      path: ['expires'],
      message: `the policy expires on ${expires.toISOString().slice(0, 10)}; from then on no image passes`,
      hint: 'look through it, raise its version and set a new time before that day',
    });
  for (const [i, pattern] of repositories.entries()) {
    if (matchesEverything(pattern))
      found.push({
        code: 'repositories-everything',
        severity: 'warning',
        path: ['scope', 'repositories', i],
        message: `${JSON.stringify(pattern)} is every repository of every registry`,
        hint: 'name the registry and the part of it that these teams own',
      });
  }
  if (evidence === 'marks')
    found.push({
      code: 'evidence-weak',
      severity: 'warning',
      path: ['evidence'],
      message: 'with level marks, the layers of the image are compared with nothing',
      hint: 'ask for manifest or blobs',
    });
  if (identity === 'content')
    found.push({
      code: 'identity-converted',
      severity: 'warning',
      path: ['identity'],
      message: 'any manifest with the same config and layers is accepted, whoever wrote it',
      hint: 'keep manifest unless images are converted on their way',
    });
  return found;
}

/** Is every part a bare wildcard? `*.*` hosts and the like are left to the reader. */
function matchesEverything(pattern: string): boolean {
  return pattern.split('/').every(segment => /^\*{1,2}$/.test(segment));
}

function lintTeams({ teams, flow, approvals }: CustodyPolicy): Found[] {
  const names = teams.map(({ name }) => name);
  const used = new Set([...flow, ...approvals].flatMap(({ team }) => teamsOf(team, names)));
  const unused = names
    .filter(name => !used.has(name))
    .map(
      (name): Found => ({
        code: 'team-unused',
        severity: 'warning',
        path: ['teams', name],
        message: `no step and no approval is for team ${JSON.stringify(name)}`,
        hint: 'remove the team, or give it its step',
      }),
    );
  // One finding for all of them, or a small shop would read little else.
  const single = teams.filter(({ signers }) => signers.length === 1).map(({ name }) => name);
  const [first] = single;
  if (first === undefined) return unused;
  const which = single.map(name => JSON.stringify(name)).join(', ');
  const have = single.length === 1 ? `team ${which} has one signer` : `teams ${which} have one signer each`;
  return [
    ...unused,
    {
      code: 'team-one-signer',
      severity: 'note',
      path: ['teams', first, 'signers'],
      message: `${have}: when that key is lost, the team stands still`,
      hint: 'add a second signer',
    },
  ];
}

function lintFlow({ flow, teams }: CustodyPolicy): Found[] {
  return flow.flatMap((step, i): Found[] => {
    const path = ['flow', i];
    const name = JSON.stringify(step.step);
    const found: Found[] = [];
    if (i === 0 && step.threshold === 1)
      found.push({
        code: 'first-step-one-signer',
        severity: 'warning',
        path: [...path, 'threshold'],
        message: `one stolen key of team ${JSON.stringify(step.team)} is enough to replace what everything is built on`,
        hint: 'ask for two signers of the first step',
      });
    const never = whyNever(step, flow.slice(0, i));
    if (never !== undefined) {
      const required = step.count[0] > 0;
      found.push({
        code: required ? 'policy-unsatisfiable' : 'step-never',
        severity: required ? 'error' : 'warning',
        path,
        message: `step ${name} can never occur: ${never.reason}${required ? '; as it must, no image can pass' : ''}`,
        hint: never.hint,
      });
    }
    if (step.maxAge === undefined)
      found.push({
        code: 'step-ageless',
        severity: 'warning',
        path,
        message: `step ${name} has no maxAge: an image that was replaced long ago still passes`,
        hint: 'add maxAge, a little more than the time between two builds',
      });
    found.push(...belowThreshold(step, teams, path));
    return found;
  });
}

/** Why a step cannot occur, whatever anybody signs. */
function whyNever(step: FlowStep, before: readonly FlowStep[]): { reason: string; hint: string } | undefined {
  if (step.count[1] === 0)
    return { reason: 'its count ends at 0', hint: 'remove the step, or raise its count' };
  if (step.kinds.some(kind => kind !== 'adopt')) return undefined;
  const first = before.find(({ count }) => count[0] > 0);
  if (first !== undefined)
    return {
      reason: `adopting is how a chain begins, and ${JSON.stringify(first.step)} always comes before it`,
      hint: 'move the step to the front, or let the one before it be absent: count [0, 1]',
    };
  if (step.upstream === undefined)
    return { reason: 'it may adopt and nothing may be adopted', hint: 'name the images under upstream' };
  if (step.count[0] > 1)
    return { reason: 'a chain begins once, and so adopts once', hint: 'set its count to [0, 1] or [1, 1]' };
  return undefined;
}

/** A pattern may mean several teams; some of them may be too small. */
function belowThreshold(
  { team, threshold }: { readonly team: string; readonly threshold: number },
  teams: readonly Team[],
  path: DocumentPath,
): Found[] {
  const meant = teamsOf(
    team,
    teams.map(({ name }) => name),
  );
  return teams
    .filter(({ name, signers }) => meant.includes(name) && signers.length < threshold)
    .map(({ name }) => ({
      code: 'team-below-threshold',
      severity: 'warning',
      path: [...path, 'threshold'],
      message: `team ${JSON.stringify(name)} has fewer signers than the ${threshold} that are asked for`,
      hint: 'add signers to the team, or leave it out of the pattern',
    }));
}

function lintApprovals({ approvals, teams }: CustodyPolicy): Found[] {
  return approvals.flatMap((rule, i): Found[] => {
    const path = ['approvals', i];
    const found = belowThreshold(rule, teams, path);
    if (rule.maxAge === undefined)
      found.push({
        code: 'approval-ageless',
        severity: 'warning',
        path,
        message: `approval ${JSON.stringify(rule.name)} has no maxAge: what was found since then does not count`,
        hint: 'add maxAge, such as 7d for a scan',
      });
    return found;
  });
}
