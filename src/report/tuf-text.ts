import { shellQuote } from '../base/shell-quote.js';
import { countOf } from './custody-words.js';
import { type Fragment, type Line, line } from './lines.js';

/** What the commands on a TUF repository's folder say. The shapes are those of their JSON documents. */

export interface StagedShape {
  readonly role: string;
  readonly version: number;
  readonly changed: boolean;
  readonly droppedSignatures: number;
}

export interface ChangesShape {
  readonly role: string;
  readonly version: number;
  readonly before: number | null;
  readonly changes: readonly { readonly kind: string; readonly text: string }[];
}

interface HolderShape {
  readonly keyid: string;
  readonly label: string | null;
}

export interface StandingShape {
  readonly by: string;
  readonly threshold: number;
  readonly enough: boolean;
  readonly signed: readonly HolderShape[];
  readonly missing: readonly HolderShape[];
}

/** `ada (1f2c3d4e5f60)`. */
export function nameHolder({ label, keyid }: HolderShape): string {
  return label === null ? keyid.slice(0, 12) : `${label} (${keyid.slice(0, 12)})`;
}

/** `--dir` where the folder is not this one: for commands that are advised. */
export function dirOption(dir: string): string {
  return dir === '.' ? '' : ` --dir ${shellQuote(dir)}`;
}

/** What an edit staged. */
export function presentEdit(edit: {
  readonly dir: string;
  readonly staged: readonly StagedShape[];
  readonly changes: readonly ChangesShape[];
}): readonly Line[] {
  const { dir, staged, changes } = edit;
  const changed = staged.filter(role => role.changed);
  if (changed.length === 0) return [line('nothing to stage: it says so already')];
  // Bins come in thousands; their names say nothing.
  const shown = changed.slice(0, 10);
  return [
    ...shown.flatMap(role => presentStaged(role, changes)),
    ...(changed.length > shown.length ? [line(`and ${changed.length - shown.length} more roles`)] : []),
    line(
      `next  touchmark tuf sign${dirOption(dir)} --key KEY   (who is asked: touchmark tuf status${dirOption(dir)})`,
    ),
  ];
}

function presentStaged(
  { role, version, droppedSignatures }: StagedShape,
  changes: readonly ChangesShape[],
): readonly Line[] {
  const dropped =
    droppedSignatures === 0
      ? ''
      : `; ${countOf(droppedSignatures, 'signature')} dropped: ${droppedSignatures === 1 ? 'it was' : 'they were'} over what it said before`;
  const own = changes.find(change => change.role === role);
  return [
    line('staged ', { text: role, style: 'bold' }, ` version ${version}${dropped}`),
    ...(own ? listChanges(own) : []),
  ];
}

/** Text shows so many changes of one kind; the JSON document has all of them. */
const SHOWN = 40;

/** The changes of one role, under its name. */
export function presentChanges(role: ChangesShape): readonly Line[] {
  const against = role.before === null ? 'the first' : `against version ${role.before}`;
  return [
    line({ text: role.role, style: 'bold' }, ` version ${role.version}, ${against}`),
    ...listChanges(role),
  ];
}

function listChanges({ changes }: ChangesShape): readonly Line[] {
  const seen = new Map<string, number>();
  const shown = changes.filter(({ kind }) => {
    const count = (seen.get(kind) ?? 0) + 1;
    seen.set(kind, count);
    return count <= SHOWN;
  });
  const more = [...seen].filter(([, count]) => count > SHOWN);
  return [
    ...shown.map(({ kind, text }) => line(`  ${signOf(kind)} ${text}`)),
    ...more.map(([kind, count]) => line({ text: `    and ${count - SHOWN} more: ${kind}`, style: 'dim' })),
    ...(changes.length === 0 ? [line('  nothing but the version')] : []),
  ];
}

/** + for what comes, - for what goes, ~ for what becomes another. */
function signOf(kind: string): string {
  if (kind.endsWith('-added')) return '+';
  return kind.endsWith('-removed') ? '-' : '~';
}

/** How a role stands with those who must sign it. */
export function presentStanding(standing: readonly StandingShape[], indent: string): readonly Line[] {
  return standing.map(({ by, threshold, enough, signed, missing }) => {
    const whose = standing.length > 1 ? `${by === 'root' ? 'the new root' : by}: ` : '';
    const state: Fragment = enough
      ? { text: 'signed', style: 'green' }
      : { text: `waits for ${threshold - signed.length} more`, style: 'yellow' };
    const who = [
      signed.length > 0 ? `; signed by ${signed.map(nameHolder).join(', ')}` : '',
      !enough && missing.length > 0 ? `; asked: ${missing.map(nameHolder).join(', ')}` : '',
    ].join('');
    return line(`${indent}${whose}`, state, ` (${signed.length} of ${threshold})${who}`);
  });
}

export interface RoleShape {
  readonly role: string;
  readonly delegator: string | null;
  readonly threshold: number;
  readonly keys: readonly HolderShape[];
  readonly paths: readonly string[] | null;
  readonly terminating: boolean;
  readonly bins: number | null;
}

/** Roles with their keys, a role a paragraph. */
export function presentRoles(roles: readonly RoleShape[]): readonly Line[] {
  return roles.flatMap(({ role, delegator, threshold, keys, paths, terminating, bins }) => {
    const by = delegator === null || delegator === 'root' ? '' : `, by ${delegator}`;
    return [
      line({ text: role, style: 'bold' }, `${bins === null ? '' : ` in ${bins} bins`}${by}`),
      line(`  ${threshold} of ${countOf(keys.length, 'key')}: ${keys.map(nameHolder).join(', ')}`),
      ...(paths === null
        ? []
        : [line(`  lists ${paths.join(', ')}${terminating ? ', and nobody behind it is asked' : ''}`)]),
    ];
  });
}

export interface SignedShape {
  readonly role: string;
  readonly version: number;
  readonly added: readonly string[];
  readonly standing: readonly StandingShape[];
}

/** Roles that were signed, and who comes next. */
export function presentSigned(signed: readonly SignedShape[], option: string): readonly Line[] {
  const done = signed.every(({ standing }) => standing.every(({ enough }) => enough));
  const lines = signed.flatMap(({ role, version, added, standing }) => [
    line(
      { text: role, style: 'bold' },
      ` version ${version}: ${added.length === 0 ? 'nothing new' : `${countOf(added.length, 'signature')} added`}`,
    ),
    ...presentStanding(standing, '  '),
  ]);
  const next = done
    ? `next  when every role is signed: touchmark tuf publish${option} --key KEY`
    : `next  touchmark tuf sign${option} --key KEY, by those who are asked`;
  return [...lines, line(next)];
}

export interface StatusShape {
  readonly dir: string;
  readonly roles: readonly {
    readonly role: string;
    readonly delegator: string | null;
    readonly published: {
      readonly version: number;
      readonly expires: string;
      readonly daysLeft: number;
    } | null;
    readonly staged: {
      readonly version: number;
      readonly expires: string;
      readonly standing: readonly StandingShape[];
    } | null;
  }[];
  readonly bins: readonly { readonly prefix: string; readonly count: number; readonly staged: number }[];
}

/** A line a role, and what is staged of it below. */
export function presentStatus(
  { roles, bins }: StatusShape,
  attention: readonly {
    readonly role: string;
    readonly kind: string;
    readonly message: string;
    readonly hint: string;
  }[],
): readonly Line[] {
  const width = Math.max(...roles.map(({ role }) => role.length));
  const due = new Set(attention.filter(({ kind }) => kind.startsWith('expire')).map(({ role }) => role));
  const rows = roles.flatMap(({ role, published, staged }) => [
    line({ text: role.padEnd(width), style: 'bold' }, '  ', ...presentPublished(published, due.has(role))),
    ...(staged === null
      ? []
      : [line(`  staged version ${staged.version}`), ...presentStanding(staged.standing, '    ')]),
  ]);
  const next = [...new Set(attention.map(({ hint }) => hint))].slice(0, 5);
  return [
    ...rows,
    ...bins.map(({ prefix, count, staged }) =>
      line(`${prefix}-* in ${count} bins, ${staged} of them staged`),
    ),
    ...next.map((hint, at) => line(`${at === 0 ? 'next  ' : '      '}${hint}`)),
  ];
}

function presentPublished(
  published: StatusShape['roles'][number]['published'],
  isDue: boolean,
): readonly Fragment[] {
  if (published === null) return ['not published yet'];
  const { version, expires, daysLeft } = published;
  const left =
    daysLeft < 0 ? 'expired' : daysLeft === 0 ? 'less than a day left' : `${countOf(daysLeft, 'day')} left`;
  return [
    `version ${version}, expires ${expires.slice(0, 16)}Z, `,
    isDue ? { text: left, style: 'red' } : left,
  ];
}
