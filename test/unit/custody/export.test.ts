import { describe, expect, test } from 'vitest';
import { parseJson } from '../../../src/base/json.js';
import {
  CLAIM_PREDICATE_TYPE,
  claimDigest,
  exportStatements,
  type FoundMark,
  parseClaim,
  readMark,
  readTeamMarks,
  serializeStatements,
  type VerifyInput,
  verify,
} from '../../../src/custody/index.js';
import { IN_TOTO_PAYLOAD_TYPE } from '../../../src/signature/dsse.js';
import { parseStatement, STATEMENT_TYPE } from '../../../src/signature/statement.js';
import { aSigner } from '../images.js';
import { codeOf, text } from '../support.js';
import { APP, BASE, buildApproval, mark, RUNTIME, signDocument, tell } from './world.js';

async function exported(input: VerifyInput) {
  const marks = await readTeamMarks(input.marks, input.policy);
  return exportStatements(await verify(input), marks);
}

const withMarks = (input: VerifyInput, ...marks: readonly FoundMark[]): VerifyInput => ({
  ...input,
  marks: [...input.marks, ...marks],
});

describe('claims as in-toto statements', () => {
  test('one a claim, base first and approvals behind, each about its own image alone', async () => {
    const { input, links, approvals } = await tell();
    const statements = await exported(input);
    const expected = [...links.map(({ claim }) => claim), approvals.qa, approvals.scan, approvals.promote];
    expect(statements.map(({ claim }) => claim).slice(0, 3)).toEqual(expected.slice(0, 3).map(claimDigest));
    expect(statements.map(({ claim }) => claim).sort()).toEqual(expected.map(claimDigest).sort());
    for (const { claim: digest, text: line } of statements) {
      const bytes = Buffer.from(line);
      const statement = parseStatement(bytes);
      expect(statement).toMatchObject({ type: STATEMENT_TYPE, predicateType: CLAIM_PREDICATE_TYPE });
      const value = parseJson(bytes, 'the statement') as { predicate: never };
      const claim = parseClaim(value.predicate);
      expect(claimDigest(claim)).toBe(digest);
      const hex = 'subject' in claim ? claim.subject.manifest.digest.slice(7) : '';
      expect(statement.subjects.map(subject => subject.digest)).toEqual([{ sha256: hex }]);
    }
  });

  test('what does not count is not exported, however well it is signed', async () => {
    const { input, head } = await tell();
    const scan = buildApproval({ rule: 'scan', team: 'security', time: APP.time }, head);
    const byOthers = await mark({ ...scan, time: head.claim.time }, ['amy']);
    const rival = { ...head.claim, time: RUNTIME.time };
    const before = await exported(input);
    const after = await exported(withMarks(input, ...byOthers, ...(await mark(rival, ['sam']))));
    expect(after).toEqual(before);
  });

  test('nothing of a chain that does not hold', async () => {
    const { input } = await tell({ approvals: 'none' });
    const verdict = await verify(input);
    const marks = await readTeamMarks(input.marks, input.policy);
    expect(marks.length).toBeGreaterThan(0);
    expect(codeOf(() => exportStatements(verdict, marks))).toBe('approval-missing');
  });

  test('a statement is a line of ASCII, whatever a team wrote', async () => {
    const words = 'a\u202eb \u{1f600}\u007f"\n';
    const steps = [{ ...BASE, edit: (claim: object) => ({ ...claim, 'x-note': words }) }, RUNTIME, APP];
    const statements = await exported((await tell({ steps })).input);
    const lines = text(serializeStatements(statements)).split('\n');
    expect(lines.pop()).toBe('');
    expect(lines).toHaveLength(statements.length);
    expect(lines.join('')).toMatch(/^[\x20-\x7e]*$/);
    expect(JSON.parse(lines[0] as string).predicate['x-note']).toBe(words);
  });

  test('signed by somebody, an exported statement is still no mark', async () => {
    const [first] = await exported((await tell()).input);
    const payload = Buffer.from(first?.text ?? '');
    const signed = signDocument(await aSigner('linus'), 'bundle', payload, 'exported');
    expect(readMark({ carrier: 'bundle', payload, payloadType: IN_TOTO_PAYLOAD_TYPE })).toBeUndefined();
    const { input } = await tell();
    expect(await readTeamMarks([signed], input.policy)).toEqual([]);
  });
});
