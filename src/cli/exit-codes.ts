import { EXIT_CODES, type ExitCode, type ReasonCode } from '../base/codes.js';

/** What each exit code says, for help and documentation; the codes behind it are in {@link EXIT_CODES}. */
export const EXIT_MEANINGS: Readonly<Record<ExitCode, { readonly name: string; readonly meaning: string }>> =
  {
    0: { name: 'ok', meaning: 'done, or every image verified' },
    1: { name: 'internal', meaning: 'unexpected: a bug' },
    2: { name: 'usage', meaning: 'bad flag, argument or file; input needed but no terminal; declined' },
    10: { name: 'unsigned', meaning: 'the image exists and no signature was found' },
    11: { name: 'not-found', meaning: 'the tag or digest does not exist' },
    12: { name: 'no-match', meaning: 'signatures exist, none is valid for the given keys' },
    14: { name: 'threshold', meaning: 'some signatures are valid, not enough' },
    18: { name: 'integrity', meaning: 'bytes do not match their digest or their format' },
    20: { name: 'unavailable', meaning: 'network, registry, disk or deadline; a retry may help' },
    21: { name: 'denied', meaning: 'the registry refused the credentials' },
    22: { name: 'key', meaning: 'key missing, wrong password, or not supported' },
    23: { name: 'conflict', meaning: 'changed by someone else at the same time; retry' },
    24: { name: 'indeterminate', meaning: 'evidence could not be obtained: treat as no' },
    130: { name: 'interrupted', meaning: 'stopped by Ctrl-C' },
    143: { name: 'terminated', meaning: 'stopped by SIGTERM' },
  };

/** Reason codes that lead to an exit code, in the order of the table. */
export function reasonsOf(exit: ExitCode): readonly ReasonCode[] {
  return (Object.keys(EXIT_CODES) as ReasonCode[]).filter(code => EXIT_CODES[code] === exit);
}

/** Of several images the first exit code present in this order is the command's. A negative answer outranks an unknown one. */
const PRECEDENCE: readonly ExitCode[] = [18, 14, 12, 10, 11, 1, 22, 21, 24, 20, 23];

/** The one exit code for many outcomes: 0 only when every one of them is 0. */
export function chooseExitCode(codes: readonly ExitCode[]): ExitCode {
  const bad: readonly ExitCode[] = codes.filter(code => code !== 0);
  return PRECEDENCE.find(code => bad.includes(code)) ?? bad[0] ?? 0;
}
