import { type ExitCode, exitCodeOf } from '../base/codes.js';
import { type TouchmarkError, toTouchmarkError } from '../base/errors.js';
import { type DocumentFacts, failureDocument, serializeDocument } from './document.js';
import { formatError, formatErrorLine } from './error-text.js';
import type { OutputSettings } from './output-settings.js';
import { writeStderr, writeStdout } from './stdio.js';

/**
 * Says why there is no answer, in the form that was asked for.
 * @returns the exit code: the same in both forms
 */
export async function reportFailure(
  error: TouchmarkError,
  settings: OutputSettings,
  facts: DocumentFacts,
): Promise<ExitCode> {
  const { format, quiet, debug, stderr } = settings;
  if (format === 'text') await writeStderr(formatError(error, stderr, debug));
  else {
    try {
      await writeStdout(serializeDocument(failureDocument(error, facts)));
    } catch (unwritten) {
      // Standard output is broken: the fault stays the one to report, and stderr is what is left.
      await writeStderr(formatErrorLine(toTouchmarkError(unwritten)));
    }
    if (debug) await writeStderr(formatError(error, stderr, debug));
    else if (!quiet) await writeStderr(formatErrorLine(error));
  }
  return exitCodeOf(error.code);
}
