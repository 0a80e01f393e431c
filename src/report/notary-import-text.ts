import { countOf } from './custody-words.js';
import { type Line, line } from './lines.js';

/** What an import from Notary has staged. */
export interface NotaryImport {
  readonly repository: string;
  readonly place: string;
  /** Folder of the TUF repository. */
  readonly into: string;
  readonly created: boolean;
  readonly roles: readonly {
    readonly name: string;
    /** What it was called in Notary. */
    readonly from: string;
    readonly threshold: number;
    /** `keyid` is that of `touchmark key show`. */
    readonly keys: readonly { readonly label: string | null; readonly keyid: string }[];
    readonly paths: readonly string[];
    readonly tags: number;
    /** False when the repository had it already. */
    readonly added: boolean;
  }[];
  /** What could not be carried over. */
  readonly losses: readonly { readonly what: string; readonly why: string }[];
}

export function presentImport({ repository, into, created, roles, losses }: NotaryImport): readonly Line[] {
  const tags = roles.reduce((sum, role) => sum + role.tags, 0);
  const width = Math.max(...roles.map(({ name }) => name.length));
  return [
    line(
      `${repository}  `,
      { text: 'staged', style: 'green' },
      ` in ${into}${created ? ', which is new' : ''}`,
    ),
    line(`  ${countOf(tags, 'tag')}, ${countOf(roles.length, 'role')}:`),
    ...roles.map(({ name, from, threshold, keys, tags: own, added }) => {
      const holders = keys.map(({ label, keyid }) => label ?? keyid.slice(0, 12)).join(', ');
      return line(
        `  ${name.padEnd(width)}  `,
        { text: `was ${from}${added ? '' : ', is there already'}`, style: 'dim' },
        `  ${threshold} of ${holders}${own > 0 ? `, ${countOf(own, 'tag')}` : ''}`,
      );
    }),
    line({ text: '  not carried over', style: 'yellow' }),
    ...losses.map(({ what, why }) => line(`    ${what}: ${why}`)),
    line(`next  touchmark tuf sign --dir ${into} --key KEY, by each of them`),
    line(`      touchmark tuf publish --dir ${into} --key ONLINE_KEY`),
  ];
}
