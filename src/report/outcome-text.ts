import { TouchmarkError } from '../base/errors.js';
import type { CustodyPolicy, CustodyVerdict } from '../custody/index.js';
import { formatPlatform } from '../oci/platform.js';
import { messageOf } from '../verify/outcome-report.js';
import type { CustodyOutcome } from '../verify/verify-custody.js';
import { explainCustody } from './custody-explain.js';
import { presentCustodyIndex } from './custody-index-text.js';
import { presentCustody } from './custody-text.js';
import { fixOf } from './custody-words.js';
import { type Line, line } from './lines.js';
import { fixFor } from './policy-fixes.js';

/** The outcome of one custody check in full; with `explain` also what each rule made of it. */
export function presentOutcome(
  outcome: CustodyOutcome,
  policy: CustodyPolicy,
  { explain = false }: { readonly explain?: boolean } = {},
): readonly Line[] {
  const { custody, index, layers, pinned, reference, code } = outcome;
  const options = pinned === null ? {} : { pinned };
  if (custody) {
    const lines = presentCustody(custody, { ...options, layers });
    return explain ? [...lines, line(''), ...explainCustody(custody, policy)] : lines;
  }
  if (index) {
    const lines = presentCustodyIndex(index, options);
    return explain ? [...lines, ...index.children.flatMap(child => explainChild(child, policy))] : lines;
  }
  return [line(reference, '  ', { text: `not verified: ${code}`, style: 'red' })];
}

function explainChild(verdict: CustodyVerdict, policy: CustodyPolicy): readonly Line[] {
  const { platform, manifest } = verdict.subject;
  const name = platform ? formatPlatform(platform) : manifest;
  return [line(''), line({ text: name, style: 'bold' }), ...explainCustody(verdict, policy)];
}

/** The outcome in one line, for many images. */
export function presentOutcomeLine(outcome: CustodyOutcome): Line {
  const name = outcome.pinned ?? outcome.reference;
  return outcome.code === null
    ? line({ text: 'verified', style: 'green' }, '      ', name)
    : line({ text: 'not verified', style: 'red' }, '  ', name, `  ${outcome.code}: ${messageOf(outcome)}`);
}

/**
 * Why an image is not a yes, as an error for people and for the exit code; undefined for a yes.
 * @param file the policy, as commands name it
 */
export function explainOutcome(
  outcome: CustodyOutcome,
  policy: CustodyPolicy,
  file = 'FILE',
): TouchmarkError | undefined {
  const { code, custody, index, error, pinned, reference } = outcome;
  if (code === null) return undefined;
  const [first] = custody?.findings ?? index?.findings ?? [];
  const fix =
    custody && first
      ? fixFor(first, { verdict: custody, policy, pinned: pinned ?? reference, file })
      : first && fixOf(first);
  const hint = error ? error.hint : fix;
  return new TouchmarkError(code, messageOf(outcome), {
    details: {
      ...error?.details,
      image: pinned ?? reference,
      policy: `${policy.name}, version ${policy.version}`,
    },
    ...(hint !== undefined && { hint }),
    ...(error && { retryable: error.retryable, cause: error }),
  });
}
