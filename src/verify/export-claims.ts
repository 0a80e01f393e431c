import type { Digest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import {
  type CustodyPolicy,
  type ExportedStatement,
  exportStatements,
  type FoundMark,
  readTeamMarks,
} from '../custody/index.js';
import type { Store } from '../oci/store.js';
import { collectMarks } from './collect-marks.js';
import type { CustodyOutcome } from './verify-custody.js';

/**
 * The claims behind an outcome that is a yes, as in-toto statements; of an index those of every image in it, each once.
 * @throws TouchmarkError the outcome's own code when it is no yes
 */
export async function exportClaims(
  store: Store,
  { code, custody, index }: CustodyOutcome,
  policy: CustodyPolicy,
): Promise<readonly ExportedStatement[]> {
  if (code !== null) fail(code, 'only the claims of a chain that holds are exported');
  const statements = new Map<Digest, ExportedStatement>();
  for (const verdict of custody ? [custody] : (index?.children ?? [])) {
    const found: FoundMark[] = [];
    for await (const { marks } of collectMarks(store, verdict.subject.manifest)) found.push(...marks);
    const marks = await readTeamMarks(found, policy);
    for (const statement of exportStatements(verdict, marks)) statements.set(statement.claim, statement);
  }
  return [...statements.values()];
}
