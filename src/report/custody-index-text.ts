import { type CustodyVerdict, type Finding, type IndexVerdict, sayFinding } from '../custody/index.js';
import { formatPlatform } from '../oci/platform.js';
import { COLUMNS, indented, widthOf, wrap } from './custody-layout.js';
import {
  type CustodyTextOptions,
  foldList,
  heading,
  list,
  notes,
  pinnedName,
  presentCustody,
} from './custody-text.js';
import { countOf, nameChain, shortDigest } from './custody-words.js';
import { type Line, line } from './lines.js';

/** An index: one line for each image in it, then the first that is no yes in full. */
export function presentCustodyIndex(
  verdict: IndexVerdict,
  options: Pick<CustodyTextOptions, 'pinned'> = {},
): readonly Line[] {
  const { children, findings } = verdict;
  const repository = children[0]?.subject.repository ?? null;
  const name = options.pinned ?? pinnedName({ repository, manifest: verdict.index });
  const own = findings.filter(found => !children.some(child => isAbout(found, child)));
  const failing =
    children.find(child => child.verdict === 'fail') ?? children.find(child => child.verdict !== 'pass');
  return [
    heading(name, verdict),
    ...children.flatMap(childLine),
    ...list(
      'index',
      foldList(
        own
          .filter(({ severity }) => severity !== 'warning')
          .map(found => `${found.code}: ${sayFinding(found)}`),
        12,
      ),
    ),
    ...notes(own),
    ...(failing ? [line(''), ...presentCustody(failing)] : []),
  ];
}

/** Findings of an index name a child as `image sha256:0123456789ab (linux/amd64)`. */
function isAbout({ where }: Finding, { subject }: CustodyVerdict): boolean {
  return where.startsWith(`image ${subject.manifest.slice(0, 19)} `);
}

function childLine({ subject, verdict, code, chain, layers }: CustodyVerdict): readonly Line[] {
  const platform = subject.platform ? formatPlatform(subject.platform) : 'no platform';
  const start = `  ${platform.padEnd(14)}${shortDigest(subject.manifest)}  `;
  const word = verdict === 'pass' ? 'verified' : `not verified: ${code}`;
  const style = verdict === 'pass' ? 'green' : verdict === 'fail' ? 'red' : 'yellow';
  const story = verdict === 'pass' ? `${nameChain(chain)}, ${countOf(layers.length, 'layer')}, no gaps` : '';
  const room = COLUMNS - widthOf(`${start}${word}  `);
  if (story === '') return [line(start, { text: word, style })];
  if (room < 30) return [line(start, { text: word, style }), ...indented(story, '    ')];
  const [first = '', ...rest] = wrap(story, room);
  return [
    line(start, { text: word, style }, '  ', first),
    ...rest.map(part => line(' '.repeat(COLUMNS - room), part)),
  ];
}
