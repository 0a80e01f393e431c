import { fail } from '../../base/errors.js';
import { CARRIERS, type Carrier } from '../../verify/evidence.js';
import { variableOf } from '../environment.js';
import { Flags } from '../oclif.js';

/** Flags that say which image and which signature format are meant; the same word means the same on every command. */
export const carrierFlag = {
  carrier: Flags.string({
    options: [...CARRIERS],
    helpValue: CARRIERS.join('|'),
    env: variableOf('carrier'),
    summary: 'signature format: cosign 2 payload in the .sig tag, or cosign 3 bundle; default both',
  }),
};

export const platformFlag = {
  platform: Flags.string({
    helpValue: 'OS/ARCH',
    env: variableOf('platform'),
    summary: 'of an index, only the image for this platform',
  }),
};

export const repositoryFlag = {
  as: Flags.string({
    helpValue: 'REPOSITORY',
    env: variableOf('as'),
    summary: 'the repository the image is signed for, when it lies elsewhere',
  }),
};

export const annotationFlag = {
  annotation: Flags.string({
    char: 'a',
    multiple: true,
    helpValue: 'KEY=VALUE',
    summary: 'annotation of the signature (repeatable)',
  }),
};

/** Both carriers unless one was picked. */
export function readCarriers(carrier: string | undefined): readonly Carrier[] {
  return carrier === undefined ? CARRIERS : [carrier as Carrier];
}

/**
 * Splits each `key=value` at the first `=`.
 * @throws TouchmarkError `usage-argument` for a missing `=`, an empty key, or a key given twice with two values
 */
export function readAnnotations(values: readonly string[] | undefined): Readonly<Record<string, string>> {
  const annotations: Record<string, string> = Object.create(null);
  for (const text of values ?? []) {
    const at = text.indexOf('=');
    if (at < 1) fail('usage-argument', `--annotation takes KEY=VALUE, not ${JSON.stringify(text)}`);
    const key = text.slice(0, at);
    const value = text.slice(at + 1);
    if (key in annotations && annotations[key] !== value) {
      fail('usage-argument', `the annotation ${JSON.stringify(key)} is given twice with different values`);
    }
    annotations[key] = value;
  }
  return annotations;
}
