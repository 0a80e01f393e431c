import type { ExactJsonObject } from '../base/json.js';
import { formatTime } from '../base/time.js';
import type { Change, ListedTarget, NamedKey, Quorum } from '../tuf/ceremony/change.js';
import { countOf } from './custody-words.js';

/** Changes of TUF metadata in words, as signers read them before they sign. */

/** The name first: nobody recognises a keyid. */
export function nameKey({ label, keyid }: NamedKey): string {
  return label === undefined ? `key ${keyid.slice(0, 12)}` : `${label} (${keyid.slice(0, 12)})`;
}

/** `2 of 3 keys`. */
export function nameQuorum({ threshold, keys }: Quorum): string {
  return `${threshold} of ${countOf(keys, 'key')}`;
}

/** What a change does, in one sentence without a full stop. */
export function describeChange(change: Change): string {
  switch (change.kind) {
    case 'key-added':
      return `${nameKey(change.key)} signs for ${change.role}`;
    case 'key-removed':
      return `${nameKey(change.key)} no longer signs for ${change.role}`;
    case 'key-changed':
      return `what is said about ${nameKey(change.key)} is another thing than before`;
    case 'key-unused':
      return `${nameKey(change.key)} is listed, and signs for nothing`;
    case 'label':
      return `key ${change.keyid.slice(0, 12)} is called ${change.after ?? 'nothing'}${before(change.before)}`;
    case 'threshold':
      return `${change.role} needs ${nameQuorum(change.after)}${before(change.before && nameQuorum(change.before))}`;
    case 'delegation-added':
      return `new role ${change.role} for ${change.paths.join(', ') || 'no path'}${change.terminating ? ', and for these nobody behind it is asked' : ''}`;
    case 'delegation-removed':
      return `role ${change.role} is revoked: what it lists no longer counts`;
    case 'delegation-order':
      return `roles are asked in the order ${change.after.join(', ')}${before(change.before.join(', '))}`;
    case 'paths-added':
      return `${change.role} may also list ${change.paths.join(', ')}`;
    case 'paths-removed':
      return `${change.role} may no longer list ${change.paths.join(', ')}`;
    case 'terminating':
      return change.after
        ? `for the paths of ${change.role} nobody behind it is asked any more`
        : `for the paths of ${change.role} roles behind it are asked as well`;
    case 'bins-added':
      return `targets are spread over ${countOf(change.count, 'bin')}, ${change.role}`;
    case 'bins-removed':
      return `targets are no longer spread over ${countOf(change.count, 'bin')}, ${change.role}`;
    case 'target-added':
      return `new target ${change.path}, ${describeTarget(change.after)}`;
    case 'target-removed':
      return `target ${change.path} is taken out`;
    case 'target-changed':
      return `target ${change.path} becomes ${describeTarget(change.after)}${before(describeTarget(change.before))}`;
    case 'expires':
      return `expires ${formatTime(change.after)}${before(change.before && formatTime(change.before))}`;
    case 'period':
      return `each version${change.role === undefined ? '' : ` of ${change.role}`} holds ${change.after === undefined ? 'as long as its signers say' : countOf(change.after, 'day')}${before(change.before === undefined ? undefined : countOf(change.before, 'day'))}`;
    case 'other':
      return change.after === undefined
        ? `${change.where} is taken out${before(cut(change.before))}`
        : `${change.where} is ${cut(change.after)}${before(cut(change.before))}`;
  }
}

function before(text: string | undefined): string {
  return text === undefined ? '' : ` (before: ${text})`;
}

/** Enough to see what it is; the JSON result has all of it. */
function cut(text: string | undefined): string | undefined {
  return text !== undefined && text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

function describeTarget({ length, sha256, custom }: ListedTarget): string {
  const hash = sha256 === undefined ? 'no sha256' : `sha256 ${sha256.slice(0, 16)}…`;
  return `${countOf(length, 'byte')}, ${hash}${custom === undefined ? '' : `, ${cut(describeCustom(custom))}`}`;
}

function describeCustom(custom: ExactJsonObject): string {
  return JSON.stringify(custom, (_, part) => (typeof part === 'bigint' ? `${part}` : part));
}
