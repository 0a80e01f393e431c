import { fail } from '../../base/errors.js';
import { variableOf } from '../environment.js';
import { Flags } from '../oclif.js';

const group = { helpGroup: 'TRUST' };

/** For commands that judge: public keys, and how many of them must have signed. */
export const trustFlags = {
  key: Flags.string({
    ...group,
    char: 'k',
    multiple: true,
    required: true,
    helpValue: 'REF',
    env: variableOf('key'),
    summary: 'public key: a file, or env://VARIABLE (repeatable)',
  }),
  threshold: Flags.integer({
    ...group,
    min: 1,
    max: 1000,
    helpValue: 'N',
    env: variableOf('threshold'),
    summary: 'how many of the keys must have signed; default: all of them',
  }),
};

/**
 * The threshold to hold: as given, else the number of keys.
 * @throws TouchmarkError `usage-argument` when it can never be met
 */
export function readThreshold(threshold: number | undefined, keys: number): number {
  if (threshold !== undefined && threshold > keys) {
    fail(
      'usage-argument',
      `--threshold ${threshold} can never be met with ${keys} distinct ${keys === 1 ? 'key' : 'keys'}`,
      {
        hint: 'give more keys, each with its own --key, or a lower threshold',
      },
    );
  }
  return threshold ?? keys;
}
