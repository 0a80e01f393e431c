/**
 * A repository and its history looked at from outside: what clients refuse, what protects less than it seems to, what other
 * clients cannot read. It uses the rules of the client, and adds none that decide: whether something is trusted is never
 * said here.
 */
export { type AuditOptions, auditRepository } from './audit.js';
export { AUDIT_SEVERITIES, type AuditFinding, type AuditSeverity } from './finding.js';
export type { AuditedRole, AuditReport } from './report.js';
