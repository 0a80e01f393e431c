export const AUDIT_SEVERITIES = ['error', 'warning', 'note'] as const;
export type AuditSeverity = (typeof AUDIT_SEVERITIES)[number];

/** Something that an audit found. Codes are API: those of clients' refusals (`tuf-…`), and these. */
export interface AuditFinding {
  readonly code: string;
  /** `error`: clients refuse it; `warning`: it protects less than it seems to, or some clients refuse it; `note`: worth knowing. */
  readonly severity: AuditSeverity;
  readonly role: string | null;
  /** As in the repository: `3.targets.json`, `targets/a/<hash>.b`. */
  readonly file: string | null;
  readonly message: string;
  readonly hint: string;
}

/** Where checks put what they find. */
export class Findings {
  readonly #all: AuditFinding[] = [];

  add(
    severity: AuditSeverity,
    code: string,
    message: string,
    hint: string,
    where: { readonly role?: string | undefined; readonly file?: string | undefined } = {},
  ): void {
    const [role = null, file = null] = [where.role ?? null, where.file ?? null];
    this.#all.push({ code, severity, role, file, message, hint });
  }

  /** The gravest first, otherwise as they were found. */
  sorted(): readonly AuditFinding[] {
    const rank = ({ severity }: AuditFinding) => AUDIT_SEVERITIES.indexOf(severity);
    return [...this.#all].sort((a, b) => rank(a) - rank(b));
  }
}

/** `a, b, c and 4 more`. */
export function someOf(names: readonly string[]): string {
  const shown = names.slice(0, 3).map(name => JSON.stringify(name.slice(0, 80)));
  return names.length > 3 ? `${shown.join(', ')} and ${names.length - 3} more` : shown.join(', ');
}
