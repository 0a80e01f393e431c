import { type Detail, TouchmarkError } from '../base/errors.js';
import { formatTime } from '../base/time.js';
import { type ClaimCheck, type CustodyVerdict, type Finding, sayFinding } from '../custody/index.js';

/** What a claim says about the check of what it stands on. */
export function checkOf(
  { verdict, level }: CustodyVerdict,
  { now, creator }: { readonly now: Date; readonly creator: string },
): ClaimCheck {
  return {
    verdict: verdict === 'pass' ? 'pass' : 'skipped',
    ...(level && { level }),
    at: formatTime(now),
    tool: creator,
  };
}

/** Refuses to stand on what does not hold, with the code and the fix of the finding that says why. */
export function refuseFor(
  finding: Pick<Finding, 'code' | 'where' | 'message' | 'hint'> | undefined,
  said: string,
  details: Readonly<Record<string, Detail>>,
): never {
  throw new TouchmarkError(
    finding?.code ?? 'internal',
    `${said}${finding ? `: ${sayFinding(finding)}` : ''}`,
    { details, ...(finding?.hint !== undefined && { hint: finding.hint }) },
  );
}
