import { alignColumns } from '../markdown-table.js';
import { COPIES, MAJORS, MARKS, QUESTIONS, STATEMENTS, VERBS } from './custody-matrix.js';

const NOTES = [
  '(a) cosign 2 does not look at annotations of bundles: it says yes to whatever is asked for.',
  '(b) `cosign verify` looks at no predicate type. The verifier’s key must be one that stands for no team.',
  '(c) It leaves out what refers to the image, and writes the image itself under the tag that would list it.',
];

/** Answers by what was asked, as {@link answerKey} names it. */
export type Answers = ReadonlyMap<string, string>;

export const answerKey = (...parts: readonly (string | number)[]): string => parts.join(' | ');

/** The document as it is published: what was asked, and what was answered. */
export function renderCustodyTable(answers: Answers, versions: string): string {
  const at = (...parts: readonly (string | number)[]): string => {
    const answer = answers.get(answerKey(...parts));
    if (answer === undefined) throw new Error(`nobody asked: ${answerKey(...parts)}`);
    return answer;
  };
  const asked = MAJORS.flatMap(major => QUESTIONS.map(question => ({ major, question })));
  const title = asked.map(
    ({ major, question }) => `cosign ${major}${question === 'any' ? '' : `, ${question}`}`,
  );
  const marks = MARKS.flatMap(({ says, carriers }) =>
    carriers.map(carrier => [
      says,
      carrier,
      ...asked.map(({ major, question }) => at(says, carrier, major, question)),
      at(says, carrier, 'touchmark'),
    ]),
  );
  const verbs = MAJORS.flatMap(major => VERBS.map(verb => ({ major, verb })));
  const statements = STATEMENTS.map(statement => [
    statement,
    ...verbs.map(({ major, verb }) => at(statement, major, verb)),
  ]);
  const copies = COPIES.map(({ by }) => [by, ...MAJORS.map(major => at(by, major)), at(by, 'touchmark')]);
  return [
    '# What others make of custody',
    '',
    'Made by `TOUCHMARK_UPDATE_TABLE=1 npm run test:interop`; the interop suite holds it to what it finds.',
    `Everything with a key and without a transparency log, in docker-registry 2.8: ${versions}.`,
    '',
    '## Marks',
    '',
    'A mark is a signature of the image: `cosign verify --key` of its signer, in a copy with one format alone. With a team:',
    '`-a custody.team=TEAM -a custody.step=STEP`. touchmark: `custody verify` under a policy that counts this format alone.',
    '“mark by cosign” is what the command makes that `custody claim` prints.',
    '',
    ...alignColumns([['mark', 'format', ...title, 'touchmark'], ...marks]),
    '',
    '## What is no mark',
    '',
    'With nothing else on the image; the key is that of the signer.',
    '',
    ...alignColumns([['', ...verbs.map(({ major, verb }) => `cosign ${major} ${verb}`)], ...statements]),
    '',
    '## Copies',
    '',
    'Of an image of two teams: does cosign find the last team’s signature, and does `custody verify` prove the chain.',
    '',
    ...alignColumns([['copied by', 'cosign 2', 'cosign 3', 'touchmark'], ...copies]),
    '',
    ...NOTES.map(note => `- ${note}`),
    '',
  ].join('\n');
}
