import type { Inheritance, InheritanceNode, NodeImage } from '../inheritance/index.js';
import { COLUMNS, indented, widthOf, wrap } from './custody-layout.js';
import { MARKS } from './custody-table.js';
import { shortDigest } from './custody-words.js';
import {
  addsWords,
  basisWords,
  createdWords,
  currencyWords,
  findingWords,
  isGrave,
  looseFindingWords,
  markWords,
  namedBaseWords,
  ownerWords,
  partingWords,
  stateOf,
  summaryWords,
  titleOf,
  unplacedOf,
} from './inheritance-words.js';
import { type Line, line, type TextStyle } from './lines.js';

/** Columns that are left for text however deep the tree is. */
const LEAST = 40;

/** An inheritance tree for people, scratch at the top. It judges nothing. */
export function presentInheritance(tree: Inheritance): readonly Line[] {
  return [
    ...indented(summaryWords(tree), ''),
    line(''),
    line('scratch'),
    ...tree.root.images.flatMap(image => imageLines(image, tree.root, '   ', '   ')),
    ...branches(tree.root.children, ''),
    ...looseFindingWords(tree).flatMap(words => [line(''), ...indented(words, '')]),
    ...unplacedOf(tree).flatMap(({ reference, code, message }) => [
      line(''),
      line({ text: '? ', style: 'yellow' }, reference),
      ...indented(`could not be read: ${code}: ${message}`, '  '),
    ]),
  ];
}

function branches(nodes: readonly InheritanceNode[], indent: string): readonly Line[] {
  return nodes.flatMap((node, at) => {
    const last = at === nodes.length - 1;
    const inside = `${indent}${last ? '   ' : '│  '}`;
    const below = node.children.length > 0 ? '│  ' : '   ';
    return [
      ...nodeLines(node, `${indent}${last ? '└─ ' : '├─ '}`, `${inside}${below}`),
      ...branches(node.children, inside),
    ];
  });
}

function nodeLines(node: InheritanceNode, first: string, rest: string): readonly Line[] {
  const [image, ...others] = node.images;
  if (!image) {
    const owner = node.owners.length === 0 ? '' : `, by ${ownerWords(node)}`;
    return [
      ...paragraph(`○ ${partingWords(node)}${owner}; ${addsWords(node)} above the last`, first, rest),
      ...findingLines(node, rest),
    ];
  }
  return [
    ...imageLines(image, node, first, rest),
    ...others.flatMap(other => imageLines(other, undefined, rest, rest)),
  ];
}

/** @param node for the image that says what the place adds; others have the same layers */
function imageLines(
  image: NodeImage,
  node: InheritanceNode | undefined,
  first: string,
  rest: string,
): readonly Line[] {
  const { sign, word, style } = MARKS[stateOf(image)];
  const room = Math.max(LEAST, COLUMNS - widthOf(rest) - 2);
  const [head = '', ...more] = wrap([...new Set([titleOf(image), ...image.asked])].join(', '), room);
  const facts = [
    shortDigest(image.manifest),
    ...(image.platform === null ? [] : [image.platform]),
    node ? addsWords(node) : 'the same layers',
    ...(createdWords(image) === undefined ? [] : [createdWords(image)]),
  ].join(', ');
  const said = (text: string | undefined, tone?: TextStyle) =>
    text === undefined ? [] : paragraph(text, `${rest}  `, `${rest}  `, tone);
  return [
    line(first, { text: sign, style }, ' ', { text: head, style: 'bold' }),
    ...more.map(part => line(rest, '  ', { text: part, style: 'bold' })),
    ...said(facts),
    ...(node ? findingLines(node, rest) : []),
    ...(image.state !== null && image.state !== 'verified' && image.code !== null
      ? said(`${word}: ${image.code}`, style)
      : []),
    ...image.marks.flatMap(mark => said(markWords(mark))),
    ...said(basisWords(image), 'yellow'),
    ...currencyWords(image.currency).flatMap(({ state, text }) => said(text, TONES[state])),
    ...said(namedBaseWords(image), 'yellow'),
  ];
}

function findingLines(node: InheritanceNode, rest: string): readonly Line[] {
  const words = findingWords(node);
  if (words === undefined) return [];
  return paragraph(words, `${rest}  `, `${rest}  `, isGrave(node) ? 'red' : undefined);
}

const TONES = { current: 'green', behind: 'red', unknown: 'yellow' } as const;

function paragraph(text: string, first: string, rest: string, style?: TextStyle): readonly Line[] {
  return wrap(text, Math.max(LEAST, COLUMNS - widthOf(rest))).map((part, at) =>
    line(at === 0 ? first : rest, style ? { text: part, style } : part),
  );
}
