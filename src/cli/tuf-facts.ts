import { formatTime } from '../base/time.js';
import { describeChange } from '../report/tuf-words.js';
import type { Change, RoleChanges } from '../tuf/ceremony/change.js';
import type { Signed } from '../tuf/repository/authority.js';
import type { SignedRole } from '../tuf/repository/index.js';

/** Changes as the JSON documents have them: in words, and as they are. */
export interface ChangesFacts {
  readonly role: string;
  readonly version: number;
  readonly before: number | null;
  readonly changes: readonly (Readonly<Record<string, unknown>> & {
    readonly kind: string;
    readonly text: string;
  })[];
}

export function toChangesFacts({ role, version, before, changes }: RoleChanges): ChangesFacts {
  return { role, version, before: before ?? null, changes: changes.map(toFacts) };
}

function toFacts(change: Change): ChangesFacts['changes'][number] {
  const plain = toJson(change) as Record<string, unknown>;
  const dates = change.kind === 'expires' && {
    after: formatTime(change.after),
    ...(change.before && { before: formatTime(change.before) }),
  };
  return { ...plain, ...dates, kind: change.kind, text: describeChange(change) };
}

/** A value for a JSON document: whole numbers beyond 2^53 as text, as every reader takes it. */
export function toJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part)));
}

/** Who signed a role, and who has not. */
export interface StandingFacts {
  readonly by: string;
  readonly threshold: number;
  readonly enough: boolean;
  readonly signed: readonly HolderFacts[];
  readonly missing: readonly HolderFacts[];
}

export interface HolderFacts {
  readonly keyid: string;
  readonly label: string | null;
}

export function toStandingFacts({ by, threshold, enough, signed, missing }: Signed): StandingFacts {
  const holder = ({ keyid, label }: Signed['signed'][number]) => ({ keyid, label: label ?? null });
  return { by, threshold, enough, signed: signed.map(holder), missing: missing.map(holder) };
}

/** A role and the signatures that it got. */
export interface SignedFacts {
  readonly role: string;
  readonly version: number;
  readonly added: readonly string[];
  readonly standing: readonly StandingFacts[];
}

export function toSignedFacts({ role, version, added, standing }: SignedRole): SignedFacts {
  return { role, version, added, standing: standing.map(toStandingFacts) };
}
