import { EXIT_CODES, type ExitCode, type ReasonCode } from '../base/codes.js';

/** Reason codes that lead to an exit code, in the order of the table. */
export function reasonsOf(exit: ExitCode): readonly ReasonCode[] {
  return (Object.keys(EXIT_CODES) as ReasonCode[]).filter(code => EXIT_CODES[code] === exit);
}

/**
 * Of several images or files the first exit code present in this order is the command's. A negative answer outranks an
 * unknown one; what was found in a sound file comes last, behind a file that is not sound.
 */
export const PRECEDENCE: readonly ExitCode[] = [18, 17, 15, 14, 12, 16, 10, 11, 1, 22, 21, 24, 20, 23, 2, 19];

/** The one exit code for many outcomes: 0 only when every one of them is 0. */
export function chooseExitCode(codes: readonly ExitCode[]): ExitCode {
  const bad: readonly ExitCode[] = codes.filter(code => code !== 0);
  return PRECEDENCE.find(code => bad.includes(code)) ?? bad[0] ?? 0;
}
