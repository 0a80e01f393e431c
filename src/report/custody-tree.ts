import { type ClaimSeal, sayFinding } from '../custody/index.js';
import { startWords } from './custody-drawing.js';
import { COLUMNS, indented, widthOf, wrap } from './custody-layout.js';
import type { CustodyPicture, PictureApproval, PictureLink } from './custody-picture.js';
import { layerTable, MARKS, signedWords, signersOf } from './custody-table.js';
import { countOf, fixOf, formatSince, formatSpan, nameStep } from './custody-words.js';
import { type Line, line } from './lines.js';

/** Findings that are printed; everything is in the JSON form. */
const PRINTED = 20;

/**
 * A chain for people: from what it stands on to the image, approvals as leaves, then whose each layer is. It judges
 * nothing: what was not verified is shown, and is said to be not verified, link by link.
 */
export function presentPicture(picture: CustodyPicture, pinned?: string): readonly Line[] {
  const { subject, links, approvals } = picture;
  const name = pinned ?? [subject.repository, subject.manifest].filter(part => part !== null).join('@');
  const loose = approvals.filter(({ on }) => !links.some(({ claim }) => claim === on));
  const table = layerTable(picture);
  // The links of a short chain stand apart.
  const airy = links.length <= 10;
  return [
    line({ text: name, style: 'bold' }),
    ...indented(summarise(picture), '  '),
    line(''),
    line('  ', startWords(picture)),
    ...links.flatMap(link => [
      ...(airy ? [line('  │')] : []),
      ...entry('  ├─ ', '  │    ', link.state, nameStep(link), linkWords(link), link.codes),
      ...link.seals.flatMap(seal => indented(saySeal(seal), '  │      ', '  │    ')),
      ...leaves(
        '  │  ',
        approvals.filter(({ on }) => on === link.claim),
      ),
    ]),
    line('  │'),
    line('  └─ ', imageWords(picture)),
    ...leaves('     ', loose),
    line(''),
    ...(table.length > 0 ? table : [line('  nobody can say whose a layer is')]),
    ...findingLines(picture),
  ];
}

function summarise({ links, layers, policy, subject, state, code }: CustodyPicture): string {
  const verdict =
    policy === null
      ? 'not verified: no policy was given, so every word below is only claimed'
      : state === 'verified'
        ? `verified by policy ${policy.name}, version ${policy.version}`
        : `not verified by policy ${policy.name}, version ${policy.version}: ${code}`;
  return [
    ...(subject.platform === null ? [] : [subject.platform]),
    countOf(links.length, 'step'),
    ...(layers.length === 0 ? [] : [countOf(layers.length, 'layer')]),
    verdict,
  ].join(', ');
}

function imageWords({ state, code }: CustodyPicture): string {
  return state === 'verified' || code === null ? 'the image' : `the image: ${code}`;
}

function linkWords(link: PictureLink): string {
  return `${link.kind}, ${formatSpan(link.span)}, ${signedWords(link)}, ${whenWords(link)}`;
}

/** What a step has sealed, after its name. */
export function saySeal({ paths, ops }: ClaimSeal): string {
  return `sealed ${paths.join(', ')} against ${ops.join(', ')}`;
}

export function whenWords({ age, time }: { readonly age: number; readonly time: string }): string {
  return `${formatSince(age)} (${time.slice(0, 10)})`;
}

/** Name, facts, then what is wrong with it. */
function entry(
  first: string,
  rest: string,
  state: PictureLink['state'],
  name: string,
  words: string,
  codes: readonly string[],
): readonly Line[] {
  const { sign, word, style } = MARKS[state];
  const label = state === 'verified' ? '' : ` ${word}${codes.length > 0 ? `: ${codes.join(', ')}` : ''}`;
  const notes = state === 'verified' && codes.length > 0 ? ` (${codes.join(', ')})` : '';
  const text = `${name}: ${words}${notes}`;
  const [head = '', ...more] = wrap(text, COLUMNS - widthOf(rest) - 2);
  return [
    line(first, { text: sign, style }, ' ', head),
    ...more.map(part => line(rest, part)),
    ...(label === ''
      ? []
      : wrap(label.trim(), COLUMNS - widthOf(rest)).map(part => line(rest, { text: part, style }))),
  ];
}

function leaves(indent: string, approvals: readonly PictureApproval[]): readonly Line[] {
  return approvals.flatMap((approval, at) => {
    const last = at === approvals.length - 1;
    return entry(
      `${indent}${last ? '└─ ' : '├─ '}`,
      `${indent}${last ? '   ' : '│  '}  `,
      approval.state,
      `approval ${approval.step}`,
      approvalWords(approval),
      approval.codes,
    );
  });
}

export function approvalWords(approval: PictureApproval): string {
  const { team, age, time } = approval;
  if (team === null || age === null || time === null) return 'is asked for and does not hold';
  return `by ${team}: ${signersOf(approval)}, ${whenWords({ age, time })}`;
}

function findingLines({ findings }: CustodyPicture): readonly Line[] {
  if (findings.length === 0) return [];
  const rows = findings.slice(0, PRINTED).flatMap(found => {
    const style = found.severity === 'fail' ? 'red' : 'yellow';
    const fix = found.severity === 'warning' ? found.hint : fixOf(found);
    return [
      line('  ', { text: found.severity === 'warning' ? 'note' : 'wrong', style }, `  ${found.code}`),
      ...indented(sayFinding(found), '        '),
      ...(fix ? indented(`fix: ${fix}`, '        ') : []),
    ];
  });
  const more = findings.length - PRINTED;
  return [line(''), ...rows, ...(more > 0 ? [line(`  and ${more} more; -o json lists them`)] : [])];
}
