import { type Finding, failure } from './finding.js';
import type { CustodyPolicy } from './policy.js';
import type { TrustFacts } from './trust.js';

/** Is there what the policy goes by, and is it the policy that its owners go by today? */
export function checkTrust(policy: CustodyPolicy, trust: TrustFacts | undefined): readonly Finding[] {
  const where = `policy ${policy.name}`;
  if (!trust) {
    const rule = rulesOverTrust(policy);
    if (rule === undefined) return [];
    const message = `${rule} can only be judged with the teams’ TUF metadata, and none was given`;
    const hint =
      'verify with --root root.json --tuf PLACE; a policy to mark with leaves marks.index away, which with TUF is present';
    return [failure('tuf-root-missing', where, message, hint)];
  }
  const current = trust.policy;
  if (!current) return [];
  if (policy.digest === current.digest) return [];
  const message =
    policy.version === current.version
      ? `is another document than version ${current.version} of it in TUF`
      : `is version ${policy.version}; the one that its owners signed is version ${current.version}`;
  return [failure('policy-rollback', where, message, 'use the policy that TUF has: leave --policy away')];
}

function rulesOverTrust({ index, flow }: CustodyPolicy): string | undefined {
  if (index !== undefined && index !== 'off') return `marks: index: ${index}`;
  const step = flow.find(({ currency }) => currency !== undefined);
  return step && `the channel of step ${step.step}`;
}
