import type { ExitCode } from './codes.js';

/**
 * What each exit code is called, in verdicts and in help, and what it says; the reason codes behind it are in EXIT_CODES.
 * Names are API, like the numbers.
 */
export const EXIT_MEANINGS: Readonly<Record<ExitCode, { readonly name: string; readonly meaning: string }>> =
  {
    0: { name: 'ok', meaning: 'done, or every image verified' },
    1: { name: 'internal', meaning: 'unexpected: a bug' },
    2: { name: 'usage', meaning: 'bad flag, argument or file; input needed but no terminal; declined' },
    10: { name: 'unsigned', meaning: 'the image exists and no signature or mark was found' },
    11: { name: 'not-found', meaning: 'the tag or digest does not exist' },
    12: { name: 'no-match', meaning: 'signatures exist, none is valid for the given keys' },
    14: { name: 'threshold', meaning: 'some signatures are valid, not enough' },
    15: {
      name: 'custody',
      meaning: 'the chain of custody has a gap, an overlap, a fork, a wrong team or order',
    },
    16: { name: 'policy', meaning: 'signatures hold, a rule of the policy does not' },
    17: {
      name: 'trust',
      meaning: 'TUF metadata is expired, rolled back, not signed by enough keys, or malformed',
    },
    18: { name: 'integrity', meaning: 'bytes do not match their digest or their format' },
    19: { name: 'findings', meaning: 'a check found something at or above --fail-on' },
    20: { name: 'unavailable', meaning: 'network, registry, disk or deadline; a retry may help' },
    21: {
      name: 'denied',
      meaning: 'a registry refused the credentials, or there is no usable identity token',
    },
    22: { name: 'key', meaning: 'key missing, wrong password, or not supported' },
    23: { name: 'conflict', meaning: 'changed by someone else at the same time; retry' },
    24: { name: 'indeterminate', meaning: 'evidence could not be obtained: treat as no' },
    130: { name: 'interrupted', meaning: 'stopped by Ctrl-C' },
    143: { name: 'terminated', meaning: 'stopped by SIGTERM' },
  };
