import { alignColumns } from '../markdown-table.js';
import { PEERS } from '../peers/peer-list.js';
import type { TufTool } from './tuf-site.js';

/** Why one does not read what the other wrote: found by the suite, and held to it. */
interface TufReason {
  readonly id: string;
  readonly text: string;
  readonly step: 'write' | 'read';
  /** What the outcome holds, so that no other failure passes for this one. */
  readonly shows: RegExp;
  readonly applies: (title: string, writer: TufTool, reader: TufTool) => boolean;
}

const P384_521 = /nistp(?:384|521)/;
const OUR_FORMS = /`ed25519`|`ecdsa`|`rsassa-pss-sha256`/;

const REASONS: readonly TufReason[] = [
  {
    id: 'a',
    text: 'touchmark writes one spelling for each kind of key, and signs RSA as go-tuf can verify it: PSS with SHA-256',
    step: 'write',
    shows: /touchmark writes/,
    applies: (title, writer) => writer === 'touchmark' && title.startsWith('key: ') && !OUR_FORMS.test(title),
  },
  {
    id: 'b',
    text: 'touchmark always writes consistent snapshots',
    step: 'write',
    shows: /consistent snapshots/,
    applies: (title, writer) => writer === 'touchmark' && title.startsWith('without consistent'),
  },
  {
    id: 'c',
    text: 'python-tuf verifies P-384 and P-521, and its signer for key files does not sign with them',
    step: 'write',
    shows: /unsupported public key ecdsa/,
    applies: (title, writer) => writer === 'python-tuf' && P384_521.test(title),
  },
  {
    id: 'd',
    text: 'go-tuf takes SHA-256 for every scheme but `ecdsa-sha2-nistp384`, where P-521 has SHA-512',
    step: 'read',
    shows: /not enough signatures/,
    applies: (title, _, reader) => reader === 'go-tuf' && title.includes('nistp521'),
  },
  {
    id: 'e',
    text: 'go-tuf does not know the scheme',
    step: 'write',
    shows: /go-tuf does not know the scheme/,
    applies: (title, writer) =>
      writer === 'go-tuf' && (title.includes('nistp521') || (/`rsa/.test(title) && !OUR_FORMS.test(title))),
  },
  {
    id: 'f',
    text: 'go-tuf 2.4.2 compares the hash of a path in base64 with the hex prefixes, and finds nothing',
    step: 'read',
    shows: /"path":"bin\/one.tgz","found":false/,
    applies: (title, _, reader) => reader === 'go-tuf' && title.includes('path_hash_prefixes'),
  },
];

export function reasonFor(title: string, writer: TufTool, reader: TufTool): TufReason | undefined {
  return REASONS.find(({ applies }) => applies(title, writer, reader));
}

export interface TufCell {
  readonly title: string;
  readonly writer: TufTool;
  readonly reader: TufTool;
  /** `yes`, or the id of a reason. */
  readonly result: string;
}

export function renderTufTable(
  titles: readonly string[],
  pairs: readonly (readonly [TufTool, TufTool])[],
  cells: readonly TufCell[],
): string {
  const at = (title: string, [writer, reader]: readonly [TufTool, TufTool]): string => {
    const cell = cells.find(c => c.title === title && c.writer === writer && c.reader === reader);
    if (!cell) throw new Error(`no result for ${title}: ${writer} to ${reader}`);
    return cell.result === 'yes' ? 'yes' : `no (${cell.result})`;
  };
  return [
    '# Who reads whose TUF repositories',
    '',
    'Made by `TOUCHMARK_UPDATE_TABLE=1 npm run test:interop`; the interop suite holds it to what it finds.',
    `python-tuf ${PEERS['python-tuf'].version} and go-tuf ${PEERS['go-tuf'].version}, each with its own client and its own writer, default settings.`,
    '',
    'Each repository is written by the tool on the left of the arrow and read by the one on the right: refresh, search of every',
    'path that is listed and of some that are not, download, custom data. “no” carries the letter of its reason below.',
    '',
    ...alignColumns([
      ['repository', ...pairs.map(([writer, reader]) => `${writer} → ${reader}`)],
      ...titles.map(title => [title, ...pairs.map(pair => at(title, pair))]),
    ]),
    '',
    ...REASONS.filter(({ id }) => cells.some(({ result }) => result === id)).map(
      ({ id, text }) => `- (${id}) ${text}.`,
    ),
    '',
  ].join('\n');
}
