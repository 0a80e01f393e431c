import { computeDigest } from '../../base/digest.js';
import { fail } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { ClaimEvidence } from '../../custody/claim.js';
import type { CustodyPolicy } from '../../custody/policy.js';
import { readSmallFile } from '../files.js';
import { Flags } from '../oclif.js';

/** For commands that approve: files that the approval rests on. */
export const evidenceFlag = {
  evidence: Flags.string({
    helpGroup: 'CUSTODY',
    multiple: true,
    helpValue: '[TYPE=]FILE',
    summary: 'what it rests on (repeatable); the type may be left out where the policy asks for one',
  }),
};

/**
 * Types and digests of the files of `--evidence`, for the approval `step`.
 * @throws TouchmarkError `usage-argument`, `usage-file`; `evidence-missing` when the policy asks for more
 */
export async function readEvidence(
  values: readonly string[] | undefined,
  policy: CustodyPolicy,
  step: string,
): Promise<readonly ClaimEvidence[]> {
  const asked = policy.approvals.find(({ name }) => name === step)?.evidence ?? [];
  const evidence: ClaimEvidence[] = [];
  for (const value of values ?? []) {
    const match = /^([A-Za-z0-9][A-Za-z0-9._-]*)=(.+)$/.exec(value);
    const [type, file] = match
      ? [match[1], match[2] as string]
      : [asked.length === 1 ? asked[0] : undefined, value];
    if (type === undefined) {
      const [likely = 'report'] = asked;
      const why =
        asked.length === 0 ? 'asks for no type, so any word will do' : `asks for ${asked.join(', ')}`;
      fail('usage-argument', `--evidence ${JSON.stringify(value)} does not say of which type it is`, {
        hint: `write --evidence ${likely}=${value.replace(/^[^=]*=/, '') || 'FILE'}: the policy ${why}`,
      });
    }
    const bytes = await readSmallFile(file, LIMITS.evidenceFileSize, '--evidence');
    evidence.push({ type: type as string, digest: computeDigest(bytes) });
  }
  const missing = asked.filter(type => !evidence.some(given => given.type === type));
  if (missing.length > 0) {
    fail('evidence-missing', `the policy asks ${step} for ${missing.join(', ')}`, {
      hint: missing.map(type => `--evidence ${type}=FILE`).join(' '),
    });
  }
  return evidence;
}
