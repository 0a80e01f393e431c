import { basename, extname } from 'node:path';
import { utf8 } from '../../base/bytes.js';
import { fail } from '../../base/errors.js';
import { type ExactJsonObject, parseExactJson } from '../../base/json.js';
import { loadPublicKey } from '../../crypto/key-reference.js';
import type { LabelledKey } from '../../tuf/repository/key-entry.js';
import { Flags } from '../oclif.js';

const group = { helpGroup: 'TUF' };

/** For commands that work on a repository's own folder. */
export const dirFlag = {
  dir: Flags.string({
    ...group,
    default: '.',
    helpValue: 'DIR',
    summary: 'folder of the repository',
  }),
};

/** For commands that work on what is staged. */
export const stagedRolesFlag = {
  role: Flags.string({
    ...group,
    multiple: true,
    helpValue: 'ROLE',
    summary: 'only this role (repeatable); default: all that are staged',
  }),
};

/** For commands whose result is a file. */
export function outputFileFlag(usual: string, summary: string) {
  return { 'output-file': Flags.string({ default: usual, helpValue: 'FILE', summary }) };
}

/** Flags for public keys of a role, named by who holds them. */
export const keysOptions = { ...group, multiple: true, helpValue: '[NAME=]REF' } as const;

/**
 * Loads public keys. `ada=keys/1.pub` names a key; without a name it is called like its file.
 * @throws TouchmarkError `usage-argument`, `key-…`
 */
export async function loadLabelledKeys(texts: readonly string[]): Promise<readonly LabelledKey[]> {
  const keys: LabelledKey[] = [];
  for (const text of texts) {
    const [, name, reference = ''] = /^(?:([^/\\:=]+)=)?(.*)$/s.exec(text) ?? [];
    keys.push({ key: await loadPublicKey(reference), label: name ?? labelFrom(reference) });
  }
  return keys;
}

function labelFrom(reference: string): string {
  const name = reference.replace(/^[a-z]+:\/\//, '');
  return basename(name, extname(name)).slice(0, 100);
}

const DAYS = /^([1-9][0-9]{0,4})d$/;

/** Whole days of `90d`. @throws TouchmarkError `usage-argument` */
export function parseDays(text: string, flag: string): number {
  const days = DAYS.exec(text)?.[1];
  if (days !== undefined) return Number(days);
  return fail(
    'usage-argument',
    `--${flag} takes a number of days, such as 90d, not ${JSON.stringify(text)}`,
    {
      hint: `--${flag} 90d`,
    },
  );
}

/**
 * `root=365d,timestamp=2d`, over what is usual.
 * @throws TouchmarkError `usage-argument` for a role that is not among them, or one that is given twice
 */
export function parseExpiries<R extends string>(
  text: string | undefined,
  usual: Readonly<Record<R, number>>,
  flag: string,
): Readonly<Record<R, number>> {
  const days: Record<string, number> = { ...usual };
  const seen = new Set<string>();
  for (const part of text === undefined ? [] : text.split(',')) {
    const [role = '', value = ''] = part.split('=', 2);
    if (!Object.hasOwn(usual, role) || seen.has(role))
      fail('usage-argument', `--${flag} takes ROLE=DAYS, each role once, not ${JSON.stringify(part)}`, {
        hint: `its roles are ${Object.keys(usual).join(', ')}: --${flag} ${Object.keys(usual)[0]}=365d`,
      });
    seen.add(role);
    days[role] = parseDays(value, flag);
  }
  return days as Record<R, number>;
}

const SPAN = /^([1-9][0-9]{0,4})(h|d)$/;

/** Milliseconds of `12h` or `30d`. @throws TouchmarkError `usage-argument` */
export function parseSpan(text: string, flag: string): number {
  const [, number, unit] = SPAN.exec(text) ?? [];
  if (number !== undefined) return Number(number) * (unit === 'h' ? 3_600_000 : 86_400_000);
  return fail(
    'usage-argument',
    `--${flag} takes hours or days, such as 12h or 30d, not ${JSON.stringify(text)}`,
    {
      hint: `--${flag} 7d`,
    },
  );
}

/** An object that stands with a target. @throws TouchmarkError `usage-argument` for anything else */
export function parseCustom(text: string, flag: string): ExactJsonObject {
  const { value } = parseExactJson(utf8(text), `--${flag}`, { code: 'usage-argument' });
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as ExactJsonObject;
  return fail('usage-argument', `--${flag} takes a JSON object, not ${JSON.stringify(text.slice(0, 80))}`, {
    hint: `--${flag} '{"status":"active"}'`,
  });
}
