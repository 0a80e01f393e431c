import { fail } from '../../base/errors.js';
import { variableOf } from '../environment.js';
import { Flags } from '../oclif.js';

const group = { helpGroup: 'TRUST' };

/** For the gate: public keys and how many of them must have signed, or a policy about who may have built what. */
export const trustFlags = {
  key: Flags.string({
    ...group,
    char: 'k',
    multiple: true,
    helpValue: 'REF',
    env: variableOf('key'),
    summary: 'public key: a file, or env://VARIABLE (repeatable)',
  }),
  // No variable: the one that custody commands take would meet --key, and nobody would know which of the two decides.
  policy: Flags.string({
    ...group,
    helpValue: 'FILE',
    summary: 'instead of keys: a custody policy that every layer must hold to',
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
