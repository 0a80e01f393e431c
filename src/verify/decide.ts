import { EXIT_CODES, type ReasonCode } from '../base/codes.js';
import type { Problem } from './evidence.js';
import type { JudgedSignature } from './judge.js';

/** What all signatures of one image together come to. */
export interface Decision {
  /** Null is yes. */
  readonly code: ReasonCode | null;
  readonly message: string;
  readonly threshold: Threshold;
}

export interface Threshold {
  readonly required: number;
  /** Distinct keys with a signature that counts. */
  readonly valid: number;
  /** The names of those keys. */
  readonly signers: readonly string[];
}

/**
 * Counts distinct keys against the threshold. A no names the one reason that explains it best:
 * bytes that do not match first, then what could not be asked (there may be more signatures than were seen),
 * then too few, then why those that were seen do not count. "Could not check" is never "unsigned".
 */
export function decide(
  signatures: readonly JudgedSignature[],
  problems: readonly Problem[],
  required: number,
): Decision {
  const counting = new Map<string, string>();
  for (const { code, signer } of signatures) {
    if (code === null && signer) counting.set(signer.key.keyid, signer.name);
  }
  const threshold: Threshold = { required, valid: counting.size, signers: [...counting.values()] };
  if (counting.size >= required) {
    const keys = required === 1 ? 'by a trusted key' : `by ${counting.size} of ${required} required keys`;
    return { code: null, message: `signed ${keys}: ${threshold.signers.join(', ')}`, threshold };
  }
  const no = (code: ReasonCode, message: string): Decision => ({ code, message, threshold });

  const broken =
    problems.find(p => EXIT_CODES[p.error.code] === 18) ?? problems.find(p => EXIT_CODES[p.error.code] >= 20);
  if (broken) return no(broken.error.code, `${broken.source}: ${broken.error.message}`);
  if (counting.size > 0) {
    return no(
      'sig-threshold-not-met',
      `${counting.size} of ${required} required keys signed: ${threshold.signers.join(', ')}`,
    );
  }
  const ours = signatures.find(s => s.signer !== null);
  if (ours) return no(ours.code ?? 'internal', `signed by ${ours.signer?.name}, but it ${failureOf(ours)}`);
  if (signatures.length > 0) {
    return no(
      'sig-no-match',
      `${signatures.length} signature${signatures.length === 1 ? '' : 's'} found, none by a given key`,
    );
  }
  return no('sig-none', 'no signature was found');
}

function failureOf(signature: JudgedSignature): string {
  return signature.checks.find(check => check.result === 'failed')?.message ?? 'does not count';
}
