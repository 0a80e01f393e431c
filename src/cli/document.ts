import { type ExitCode, exitCodeOf } from '../base/codes.js';
import type { Detail, TouchmarkError } from '../base/errors.js';
import { hintOf } from './hints.js';

export interface ToolInfo {
  readonly name: string;
  readonly version: string;
}

/** Why no decision was reached, or why one answer of many is missing. */
export interface ErrorDocument {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, Detail>>;
}

/** What every JSON document of the command line has in common; a command's own fields stand beside these. */
export interface Envelope {
  /** {@link schemaUri} of the schema that the whole document follows. */
  readonly schema: string;
  readonly tool: ToolInfo;
  /** True exactly when `exitCode` is 0. */
  readonly ok: boolean;
  readonly exitCode: ExitCode;
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  readonly warnings: readonly string[];
  readonly error: ErrorDocument | null;
}

/** Names a schema of the package: `touchmark schema NAME` prints it. */
export function schemaUri(name: string): string {
  return `urn:touchmark:schema:${name}:v1`;
}

export interface DocumentFacts {
  readonly tool: ToolInfo;
  readonly startedAt: Date;
  readonly warnings: readonly string[];
}

export function successDocument(
  schema: string,
  result: object,
  exitCode: ExitCode,
  facts: DocumentFacts,
): object {
  return { ...envelope(schema, exitCode, facts), ...result, warnings: facts.warnings, error: null };
}

export function failureDocument(error: TouchmarkError, facts: DocumentFacts): object {
  return {
    ...envelope('failure', exitCodeOf(error.code), facts),
    warnings: facts.warnings,
    error: toErrorDocument(error),
  };
}

export function toErrorDocument(error: TouchmarkError): ErrorDocument {
  return {
    code: error.code,
    message: error.message,
    hint: hintOf(error) ?? null,
    retryable: error.retryable,
    details: error.details,
  };
}

function envelope(schema: string, exitCode: ExitCode, facts: DocumentFacts) {
  return {
    schema: schemaUri(schema),
    tool: facts.tool,
    ok: exitCode === 0,
    exitCode,
    startedAt: facts.startedAt.toISOString(),
  };
}

/** JSON for a terminal or a file: no character in it can act on a terminal, and no string is cut in half. */
export function serializeDocument(document: object): string {
  // JSON.stringify escapes C0 and lone surrogates; DEL, C1 and the marks that reorder text it leaves as they are.
  const json = JSON.stringify(document, undefined, 2).replace(
    /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${json}\n`;
}
