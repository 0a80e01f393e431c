import { EXIT_CODES, type ReasonCode } from '../base/codes.js';
import { TouchmarkError } from '../base/errors.js';
import type { ImageVerdict, JudgedSignature, Release } from '../verify/index.js';
import { type Fragment, type Line, line } from './lines.js';

/** One verdict for people: the pinned reference first, then who signed, what was checked and what was not. */
export function presentVerdict(verdict: ImageVerdict): readonly Line[] {
  const name = verdict.pinned ?? verdict.reference;
  if (verdict.code !== null)
    return [line(name, '  ', { text: `not verified: ${verdict.code}`, style: 'red' })];
  const counted = verdict.signatures.filter(signature => signature.code === null);
  const rows: (readonly [string, string])[] = [
    ...(verdict.threshold.required === 0 ? [] : [['signed by', signers(verdict, counted)] as const]),
    ...(verdict.release ? [['released', releaseWords(verdict.release)] as const] : []),
    ...counted.map(signature => ['signature', `${signature.carrier} ${signature.source}`] as const),
    ...(checked(verdict, counted) === '' ? [] : [['checked', checked(verdict, counted)] as const]),
  ];
  const open = unchecked(verdict, counted);
  if (open !== '') rows.push(['not checked', open]);
  const heading: Fragment[] = [name, '  ', { text: 'verified', style: 'green' }];
  return [
    line(...heading),
    ...rows.map(([label, text]) => line('  ', { text: label.padEnd(12), style: 'dim' }, text)),
  ];
}

/** One verdict in one line, for many images. */
export function presentVerdictLine(verdict: ImageVerdict): Line {
  const name = verdict.pinned ?? verdict.reference;
  return verdict.code === null
    ? line({ text: 'verified', style: 'green' }, '      ', name)
    : line({ text: 'not verified', style: 'red' }, '  ', name, `  ${verdict.code}: ${verdict.message}`);
}

function releaseWords({ name, role }: Release): string {
  return `${name} by role ${role}`;
}

function signers(verdict: ImageVerdict, counted: readonly JudgedSignature[]): string {
  const names = new Map(counted.map(({ signer }) => [signer?.key.keyid ?? '', signer?.name ?? '']));
  const list = [...names].map(([keyid, name]) => `${name} (${keyid.slice(0, 12)})`).join(', ');
  return `${verdict.threshold.valid} of ${verdict.threshold.required} required keys: ${list}`;
}

function checked(verdict: ImageVerdict, counted: readonly JudgedSignature[]): string {
  const passed = new Set(
    counted.flatMap(({ checks }) => checks.filter(c => c.result === 'passed').map(c => c.id)),
  );
  const contents = verdict.level === 'blobs' ? ['config and every layer'] : [];
  const through = verdict.through === null ? [] : [`through the index ${verdict.through}`];
  return [...passed, ...contents, ...through].join(', ');
}

function unchecked(verdict: ImageVerdict, counted: readonly JudgedSignature[]): string {
  const reasons = new Set(
    counted.flatMap(({ checks }) =>
      checks.filter(c => c.result === 'not-checked').map(c => `${c.id} (${c.message})`),
    ),
  );
  const contents = verdict.level === 'manifest' ? ['config and layers (--level blobs reads them)'] : [];
  return [...reasons, ...contents].join('; ');
}

/** Why an image is not a yes, as an error for people and for the exit code; undefined for a yes. */
export function explainVerdict(verdict: ImageVerdict): TouchmarkError | undefined {
  if (verdict.code === null) return undefined;
  const { signatures, threshold } = verdict;
  const hint = verdict.error?.hint ?? hintFor(verdict.code, verdict);
  return new TouchmarkError(verdict.code, verdict.message, {
    details: {
      ...verdict.error?.details,
      image: verdict.pinned ?? verdict.reference,
      ...(signatures.length > 0 && { found: describeFound(signatures) }),
      ...(verdict.code === 'sig-threshold-not-met' && { required: `${threshold.required} distinct keys` }),
    },
    ...(hint !== undefined && { hint }),
    ...(verdict.error && { retryable: verdict.error.retryable, cause: verdict.error }),
  });
}

function describeFound(signatures: readonly JudgedSignature[]): string {
  const counts = new Map<string, number>();
  for (const { code, signer } of signatures) {
    const kind = code === null ? 'valid' : signer ? code : 'by a key that was not given';
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const parts = [...counts].map(([kind, count]) => `${count} ${kind}`);
  return `${signatures.length} signature${signatures.length === 1 ? '' : 's'}: ${parts.join(', ')}`;
}

function hintFor(code: ReasonCode, verdict: ImageVerdict): string | undefined {
  const image = verdict.pinned ?? verdict.reference;
  switch (code) {
    case 'sig-none':
      if (verdict.reference.startsWith('docker-archive:')) {
        return 'docker save leaves signatures behind: verify the image where it came from, or hand it on as oci-archive:FILE';
      }
      return `sign it: touchmark sign --key NAME.key ${image}`;
    case 'sig-no-match':
      return `touchmark inspect ${image} shows what is there; check that --key is the signer's public key`;
    case 'sig-threshold-not-met':
      return `another key holder runs: touchmark sign --key NAME.key ${image}`;
    case 'sig-wrong-reference':
      return 'an image that was relocated: --as REPOSITORY names the one it was signed for';
    case 'release-rollback':
      return verdict.release
        ? `released is ${verdict.release.name}@${verdict.release.digest}: use that, or ask who moved the tag`
        : undefined;
    default:
      return EXIT_CODES[code] >= 20 ? 'this is not a no: it could not be checked; run it again' : undefined;
  }
}
