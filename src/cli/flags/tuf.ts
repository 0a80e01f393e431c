import { LIMITS } from '../../base/limits.js';
import { variableOf } from '../environment.js';
import { readSmallFile } from '../files.js';
import { Flags } from '../oclif.js';

const group = { helpGroup: 'TUF' };
/** A group of its own: the same wherever it is, so that short help has only the names. */
const source = { helpGroup: 'TUF SOURCE' };

/** For commands that take what they trust from a TUF repository. */
export const tufFlags = {
  tuf: Flags.string({
    ...source,
    helpValue: 'PLACE',
    env: variableOf('tuf'),
    summary: 'TUF repository: https://…, oci://REGISTRY/REPO[:TAG], oci:DIR, or a folder',
  }),
  root: Flags.string({
    ...source,
    helpValue: 'FILE',
    env: variableOf('root'),
    summary: 'with --tuf: the root.json that its owners handed out',
  }),
  'tuf-cache': Flags.string({
    ...source,
    helpValue: 'DIR',
    env: variableOf('tuf-cache'),
    summary: 'where what was seen of it is kept; default ~/.local/share/touchmark/tuf',
  }),
};

/** For verifying under a policy. */
export const localPolicyFlag = {
  // No variable: a forgotten one would let every later run go by a policy that nobody signed.
  'insecure-local-policy': Flags.boolean({
    summary: 'with --tuf: go by the file of --policy though TUF has another policy for the image',
    dependsOn: ['policy'],
  }),
};

/** For commands whose argument is the repository. */
export const rootFlag = {
  root: Flags.string({
    ...group,
    required: true,
    helpValue: 'FILE',
    env: variableOf('root'),
    summary: 'the root.json that the owners of the repository handed out',
  }),
};

/** @throws TouchmarkError `usage-file` */
export function readRoot(file: string): Promise<Uint8Array> {
  return readSmallFile(file, LIMITS.tufRootSize, '--root');
}

export interface TufFlagValues {
  readonly tuf?: string | undefined;
  readonly root?: string | undefined;
  readonly 'tuf-cache'?: string | undefined;
}
