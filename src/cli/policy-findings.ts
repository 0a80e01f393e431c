import type { LoadedPolicy, PolicyFinding } from '../policy/index.js';
import { printable, type Style, type Styler, TEXT_COLUMNS, wrapText } from './text.js';

/** A finding as plain values. */
export interface FindingFacts {
  readonly code: string;
  readonly severity: PolicyFinding['severity'];
  /** Counted from 1; null when the finding is about nothing in the file. */
  readonly line: number | null;
  readonly column: number | null;
  readonly path: string;
  readonly message: string;
  readonly hint: string;
}

/** What a sound policy is, in a few words. */
export interface PolicyFacts {
  readonly name: string;
  readonly version: number;
  readonly expires: string | null;
  /** Of the document's bytes. */
  readonly digest: string;
  readonly teams: readonly {
    readonly name: string;
    readonly signers: readonly { readonly name: string; readonly keyids: readonly string[] }[];
  }[];
}

export function toPolicyFacts({ policy }: LoadedPolicy): PolicyFacts {
  const { name, version, expires, digest, teams } = policy;
  return {
    name,
    version,
    expires: expires?.toISOString() ?? null,
    digest,
    teams: teams.map(team => ({
      name: team.name,
      signers: team.signers.map(signer => ({
        name: signer.name,
        keyids: signer.keys.map(({ keyid }) => keyid),
      })),
    })),
  };
}

export function toFindingFacts({ position, ...finding }: PolicyFinding): FindingFacts {
  return { ...finding, line: position?.line ?? null, column: position?.column ?? null };
}

const STYLES: Readonly<Record<FindingFacts['severity'], Style>> = {
  error: 'red',
  warning: 'yellow',
  note: 'dim',
};

/** `FILE:LINE:COLUMN: severity code: message`, as compilers write it and editors read it, and what to do about it below. */
export function formatFinding(file: string, finding: FindingFacts, style: Styler): string {
  const { code, severity, line, column, message, hint } = finding;
  const place = line === null ? file : `${file}:${line}:${column}`;
  const indent = '    ';
  const wrap = (text: string) => wrapText(text, TEXT_COLUMNS - indent.length).join(`\n${indent}`);
  return [
    wrap(`${printable(place)}: ${style(STYLES[severity], severity)} ${code}: ${printable(message)}`),
    indent + wrap(`fix: ${printable(hint)}`),
  ].join('\n');
}

/** `shop version 1, 3 teams, expires 2027-05-20`. */
export function formatPolicyFacts({ name, version, expires, teams }: PolicyFacts): string {
  const count = `${teams.length} ${teams.length === 1 ? 'team' : 'teams'}`;
  const end = expires === null ? 'never expires' : `expires ${expires.slice(0, 10)}`;
  return `${printable(name)} version ${version}, ${count}, ${end}`;
}
