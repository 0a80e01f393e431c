import { shellQuote } from '../base/shell-quote.js';
import { countOf } from './custody-words.js';
import { type Line, line } from './lines.js';
import {
  type ChangesShape,
  dirOption,
  presentChanges,
  presentStanding,
  type StandingShape,
} from './tuf-text.js';

/** What the commands of a ceremony say, in which keys are on other machines than the repository. */

export function presentExport(exported: {
  readonly dir: string;
  readonly file: string;
  readonly roles: readonly {
    readonly role: string;
    readonly digest: string;
    readonly standing: readonly StandingShape[];
  }[];
  readonly changes: readonly ChangesShape[];
}): readonly Line[] {
  const { dir, file, roles, changes } = exported;
  return [
    line('wrote ', { text: file, style: 'bold' }),
    ...changes.flatMap((role, at) => [
      ...presentPayload(role, roles[at]?.digest ?? ''),
      ...presentStanding(roles[at]?.standing ?? [], '  '),
    ]),
    line(`next  each holder, anywhere: touchmark tuf offline sign-payload ${shellQuote(file)} --key KEY`),
    line(`      and here, with what comes back: touchmark tuf offline import${dirOption(dir)} FILE…`),
  ];
}

/** Changes of a role, with the digest that two people can compare. */
export function presentPayload(role: ChangesShape, digest: string): readonly Line[] {
  return [...presentChanges(role), line({ text: `  to sign: ${digest}`, style: 'dim' })];
}

export function presentSignedPayloads(result: {
  readonly file: string | null;
  readonly changes: readonly ChangesShape[];
  readonly signed: readonly {
    readonly role: string;
    readonly version: number;
    readonly signatures: readonly { readonly keyid: string }[];
  }[];
}): readonly Line[] {
  const { file, changes, signed } = result;
  if (file === null) return [...changes.flatMap(presentChanges), line('nothing was signed')];
  return [
    ...signed.map(({ role, version, signatures }) =>
      line({ text: role, style: 'bold' }, ` version ${version}: ${countOf(signatures.length, 'signature')}`),
    ),
    line('wrote ', { text: file, style: 'bold' }),
    line(`next  where the repository is: touchmark tuf offline import ${shellQuote(file)}`),
  ];
}
