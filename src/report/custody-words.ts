import type { ReasonCode } from '../base/codes.js';
import type { Digest } from '../base/digest.js';

/** Small words that every presenter of custody shares. */

/** `sha256:` and the first twelve digits: enough to recognise, not to deploy. */
export function shortDigest(digest: Digest): string {
  return digest.slice(0, digest.indexOf(':') + 13);
}

export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

const UNITS = [
  ['year', 31_557_600],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const;

/** Seconds as one number and its unit, rounded down; the first unit of which there are two, or the smallest. */
export function formatAge(seconds: number): string {
  if (seconds < 0) return 'ahead';
  const [noun, length] = UNITS.find(([, unit]) => seconds >= 2 * unit) ?? UNITS[4];
  return countOf(Math.floor(seconds / length), noun);
}

export function formatSince(seconds: number): string {
  return seconds < 0 ? 'in the future' : `${formatAge(seconds)} ago`;
}

/** `layer 4`, `layers 0–2`, `no layers` of a span `[from, to)`. */
export function formatSpan({ from, to }: { readonly from: number; readonly to: number }): string {
  if (to <= from) return 'no layers';
  return to === from + 1 ? `layer ${from}` : `layers ${from}–${to - 1}`;
}

/** A team and what it did; most steps are called like their team. */
export function nameStep({ team, step }: { readonly team: string; readonly step: string }): string {
  return team === step ? team : `${team} (${step})`;
}

/** The chain from its base to its head. Steps that repeat are counted, and so is the middle of a long one. */
export function nameChain(chain: readonly { readonly team: string; readonly step: string }[]): string {
  const names = countRepeats(chain.map(nameStep));
  const folded =
    names.length <= 10 ? names : [...names.slice(0, 4), `${names.length - 8} more`, ...names.slice(-4)];
  return folded.join(' → ');
}

/** Equal neighbours as one, with `×N` behind its first word. */
export function countRepeats(texts: readonly string[]): readonly string[] {
  const runs: { text: string; count: number }[] = [];
  for (const text of texts) {
    const last = runs.at(-1);
    if (last?.text === text) last.count++;
    else runs.push({ text, count: 1 });
  }
  return runs.map(({ text, count }) =>
    count === 1 ? text : text.replace(/^[^:]*/, name => `${name} ×${count}`),
  );
}

const MARK_AGAIN = 'the team marks the image again, with the current touchmark';

/** What to do about a no, where the finding itself has no better advice. */
const FIXES: Partial<Record<ReasonCode, string>> = {
  'report-other-image': 'scan this very image, by its digest, and give that report',
  'policy-expired': 'ask the policy owner for the current policy',
  'no-marks': 'ask the team that built it to mark it; a rebuilt or converted image needs a mark of its own',
  'policy-rollback': 'use the policy that TUF has',
  'release-rollback': 'deploy the digest that was released; ask whoever owns the tag why it moved',
  'team-not-delegated': 'another team takes the step over and marks anew',
  'tuf-path-not-delegated': 'the team whose claim it is lists it itself',
  'tuf-root-missing': 'add --root root.json --tuf PLACE',
  'mark-unlisted': 'the team lists the claim in its TUF metadata, if it stands for it',
  'mark-missing': 'copy the custody artifact together with the image',
  'key-retired': 'the team signs the claim again with a key of today, or lists it in TUF',
  'key-revoked': 'the team signs the claim again with a key of today, if it stands for it',
  'base-behind': 'rebuild on a newer release of the base',
  'mark-withdrawn': 'use another build: its own team took this one back',
  'base-withdrawn': 'rebuild on a base that was not withdrawn',
  'mark-expired': 'the team marks the image again, or approves it again',
  'mark-stale': 'rebuild on a fresh base, or renew the approval that is too old',
  'time-implausible': 'check the clocks of the signer and of this machine',
  'unchecked-step': 'the team verifies what it builds on, then marks again',
  'key-not-authorised': 'if the signer is meant to be trusted, the policy owner adds the key to the team',
  'signer-reuse': 'somebody else of one of the teams co-signs',
  'identity-mismatch': 'use the repository it was made for',
  'platform-mismatch': 'rebuild on a base of the same platform',
  'prev-mismatch': 'the team marks again, on the claim that it really built on',
  'base-mismatch': 'the team rebuilds on the image that the team below marked',
  'coverage-gap': 'the team marks again: its span begins where the span below ends',
  'coverage-overlap': 'the team marks again: its span begins where the span below ends',
  'chain-mismatch': 'the image is not the one that was marked, or was rebuilt since: mark this one',
  'chain-before-mismatch': 'the layers below were changed: rebuild on the image that was handed over',
  'layer-diffid-mismatch':
    'the stored bytes are not the ones that were signed: fetch the image from its source',
  'blob-digest-mismatch': 'the registry serves wrong bytes: fetch the image from its source',
  'blob-corrupt': 'the layer was pushed damaged: build or push the image again',
  'blob-trailing-data': 'tools disagree on what such a layer holds: build or push the image again',
  'layer-dual-view': 'build the image again without the second view of its files',
  'path-denied': 'rebuild without the change, or have the policy allow the path for this step',
  'path-delete-denied': 'rebuild without the deletion, or have the policy allow it for this step',
  'path-link-denied': 'rebuild with a copy of the file instead of a link to it',
  'path-mode-denied': 'rebuild with a mode that the policy allows for this step',
  'path-symlink-traversal': 'rebuild so that the entry names the place it really lands in',
  'seal-violated': 'rebuild without the change: the team below has sealed the path',
  'hardlink-cross-layer': 'rebuild with a copy of the file instead of a link to it',
  'whiteout-dangling': 'rebuild without deleting what is not there',
  'path-collision': 'rename one of them, if the files are ever unpacked where case does not count',
  'layer-repeats-lower': 'remove the step that adds the lower layer again',
  'layer-unavailable': 'make the blob readable and run it again',
  'step-missing': 'the team that is left out adds its part, or the policy stops asking for it',
  'step-order': 'rebuild in the order that the policy gives',
  'step-unknown': 'the policy owner adds the step to the flow, or the team uses a step that is there',
  'kind-denied': 'the policy owner allows this kind for the step, or the team marks with another',
  'approval-missing': 'the team named approves the image',
  'approval-order': 'approve again, after the approval that must come first',
  'upstream-denied': 'adopt an image that the policy allows',
  'evidence-missing': 'approve again with the evidence that the rule asks for',
  'evidence-insufficient': 'check it at the level that the policy asks for',
  'metadata-denied': 'the team that set it rebuilds without it, or the policy stops asking for it',
  'policy-predicate': 'touchmark policy facts shows what the policy’s expression sees',
  'config-denied': 'rebuild without the change, or have the policy allow it for this step',
  'config-unavailable': 'copy the custody artifact together with the image',
  'limit-exceeded': 'remove what was attached to the image and does not belong there',
  'manifest-ambiguous': 'build the image again with a tool that writes plain manifests',
  'manifest-unsupported': 'name an OCI or Docker image',
  'digest-invalid': 'build the image again: it names something by a digest that is none',
  'index-nested': 'name an index that holds images only',
  'index-child-unmarked': 'the teams mark the image of this platform too',
  'subject-mismatch': MARK_AGAIN,
  'claim-version-unsupported': 'use a newer touchmark',
  'payload-ambiguous': MARK_AGAIN,
  'payload-inconsistent': MARK_AGAIN,
  'key-algorithm-denied': 'the team signs with a key of an allowed kind',
  'threshold-not-met': 'more signers of the team co-sign the same claim',
  'chain-start-invalid': MARK_AGAIN,
  'prev-missing': 'copy the custody artifact together with the image',
  'chain-cycle': MARK_AGAIN,
  'coverage-short': MARK_AGAIN,
  'coverage-excess': MARK_AGAIN,
  'layer-count-mismatch': MARK_AGAIN,
  'chain-after-mismatch': MARK_AGAIN,
  'kind-invalid': MARK_AGAIN,
  'handover-denied': 'the team that handed it on names this team, or the image goes to the one it names',
  'custody-ambiguous': 'withdraw one of the two claims',
  'layer-unproven': 'check it at level blobs',
  'layer-compression-unsupported': 'use a Node.js that has this decoder: zstd needs 22.15',
};

export function fixOf({
  code,
  hint,
}: {
  readonly code: ReasonCode;
  readonly hint?: string | null | undefined;
}) {
  return hint ?? FIXES[code];
}
