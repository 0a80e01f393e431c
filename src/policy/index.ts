/**
 * The policy document: read, checked, turned into what the custody check uses; and looked over for what is unwise.
 *
 * What holds here:
 * - YAML and JSON come to the same value, and nothing that two readers could see differently is accepted.
 * - A rule that this version cannot enforce is an error; an unknown key is an error; what loosens is written out.
 * - A name that leads nowhere, a pattern that no name can match and a threshold that no team can meet are errors.
 * - Only public keys are loaded, and the text of a key stands in no message.
 * - Whether a policy has expired is for the check to say, with its clock.
 * - Only `load.ts` does I/O.
 */
export { compilePolicy, type KeysOf, type ParsedPolicy, parsePolicy } from './compile.js';
export { DOCUMENT_FORMATS, type DocumentFormat } from './document-source.js';
export { lintPolicy } from './lint.js';
export { LINT_SEVERITIES, type LintSeverity, type PolicyFinding } from './lint-finding.js';
export {
  type LoadedPolicy,
  type LoadPolicyOptions,
  loadKeys,
  loadPolicy,
  type PolicyKeyReader,
  parseInlineKey,
  policyKeyReader,
} from './load.js';
export { compilePredicates, openPredicates } from './predicates.js';
export type { PolicyDocument } from './schema.js';
export {
  formatPolicyTemplate,
  type PolicyTemplate,
  type TemplateStep,
  type TemplateTeam,
} from './template.js';
