import { fail } from '../../base/errors.js';
import { Flags } from '../oclif.js';
import { custodyLevelFlag, policyOrTufFlag } from './custody.js';
import { platformFlag } from './image.js';
import { imagesFlag } from './images.js';
import { localPolicyFlag, tufFlags } from './tuf.js';

const group = { helpGroup: 'INHERITANCE' };

const furtherFlags = {
  'base-registry': Flags.string({
    ...group,
    multiple: true,
    helpValue: 'HOST',
    summary: 'a registry that may be asked for bases, besides those of the images (repeatable)',
  }),
  report: Flags.string({
    ...group,
    multiple: true,
    helpValue: '[IMAGE=]FILE',
    summary: "a scanner's report: its findings at the layers that they are in (repeatable)",
  }),
  ...policyOrTufFlag,
  ...custodyLevelFlag,
  ...platformFlag,
  ...imagesFlag,
  ...tufFlags,
  ...localPolicyFlag,
};

/** For `tree`: what images are built on, instead of what hangs on one. */
export const inheritanceFlags = {
  inheritance: Flags.boolean({
    ...group,
    summary: 'what images are built on: one tree of all of them, down to scratch',
  }),
  ...furtherFlags,
};

/**
 * Holds the words to one of the two trees. A variable that is set for other commands is not a word.
 * @throws TouchmarkError `usage-argument`
 */
export function requireOneTree(typed: ReadonlySet<string>, inheritance: boolean): void {
  if (inheritance && typed.has('key'))
    fail('usage-argument', '--key is about signatures, and --inheritance goes by a policy', {
      hint: 'leave --key out, or give --policy policy.yaml',
    });
  const [word] = inheritance ? [] : Object.keys(furtherFlags).filter(name => typed.has(name));
  if (word !== undefined)
    fail('usage-argument', `--${word} is about what images are built on`, { hint: 'add --inheritance' });
}
