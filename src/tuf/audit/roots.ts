import { fail, TouchmarkError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { Metadata, Root } from '../metadata.js';
import { metadataName } from '../names.js';
import { parseRoot } from '../parse-top-level.js';
import type { TufSource } from '../source.js';
import { TrustedSet } from '../trusted-set.js';
import { type Findings, someOf } from './finding.js';

/** Every root that there is, by version, and the trusted set at the last one. */
export interface RootHistory {
  readonly roots: ReadonlyMap<number, Metadata<Root>>;
  readonly set: TrustedSet;
}

/** Expiry is judged by the audit itself, which has more to say than the first thing that has expired. */
const BEFORE_ALL = new Date(0);

/**
 * Follows the roots from the given one to the last, and back to the first that is there; each must follow from the one
 * before.
 * @throws TouchmarkError when the given root is not sound; what the source throws
 */
export async function auditRoots(
  source: TufSource,
  given: Uint8Array,
  findings: Findings,
): Promise<RootHistory> {
  const set = new TrustedSet(given, { now: BEFORE_ALL });
  const first = set.root.version;
  const roots = new Map([[first, parseRoot(given)]]);
  const read = (version: number) => source.metadata(metadataName('root', version), LIMITS.tufRootSize);
  for (let version = first + 1; ; version++) {
    if (roots.size > LIMITS.tufHistoryFiles) fail('limit-exceeded', 'there are more roots than can be read');
    const bytes = await read(version);
    if (!bytes) break;
    if (!refused(findings, version, () => set.updateRoot(bytes))) break;
    roots.set(version, parseRoot(bytes));
  }
  const published = await read(first);
  if (!published) {
    findings.add(
      'note',
      'root-not-kept',
      `the repository does not keep ${first}.root.json, which was given`,
      'who begins with an earlier root cannot follow: keep every root for ever',
      { file: `${first}.root.json` },
    );
  } else if (!isSameRoot(published, given)) {
    findings.add(
      'error',
      'root-other',
      `${first}.root.json of the repository is not the root that was given`,
      'ask its owners which of the two is theirs; one of them was changed',
      { role: 'root', file: `${first}.root.json` },
    );
  }
  let later = published ?? given;
  for (let version = first - 1; version > 0; version--) {
    const bytes = await read(version);
    if (!bytes) {
      findings.add(
        'note',
        'root-not-kept',
        `roots before version ${version + 1} are not kept`,
        'who begins with an earlier root cannot follow: keep every root for ever',
        { role: 'root' },
      );
      break;
    }
    const next = later;
    const isSound = refused(findings, version, () => {
      new TrustedSet(bytes, { now: BEFORE_ALL }).updateRoot(next);
    });
    if (!isSound) break;
    roots.set(version, parseRoot(bytes));
    later = bytes;
  }
  set.finishRoots();
  return { roots: new Map([...roots].sort(([a], [b]) => a - b)), set };
}

/** False, and a finding, when the rules refuse the step. */
function refused(findings: Findings, version: number, step: () => unknown): boolean {
  try {
    step();
    return true;
  } catch (error) {
    if (!(error instanceof TouchmarkError) || error.code === 'internal') throw error;
    findings.add(
      'error',
      error.code,
      error.message,
      'clients stay at the root before it: sign this version again with the keys of both, or take it away',
      { role: 'root', file: metadataName('root', version) },
    );
    return false;
  }
}

function isSameRoot(a: Uint8Array, b: Uint8Array): boolean {
  try {
    const [one, other] = [parseRoot(a), parseRoot(b)].map(({ envelope }) =>
      Buffer.from(envelope.signedBytes),
    );
    return one !== undefined && other !== undefined && one.equals(other);
  } catch (error) {
    if (error instanceof TouchmarkError && error.code !== 'internal') return false;
    throw error;
  }
}

/** How few may lose or betray their keys before the whole is lost. */
export function auditRootPolicy(root: Root, findings: Findings): void {
  const few = root.roles.get('root');
  if (few?.threshold === 1) {
    findings.add(
      'warning',
      'root-threshold-one',
      'one key alone can replace everything',
      'touchmark tuf role threshold root 2, with keys that are kept in different places',
      { role: 'root' },
    );
  }
  for (const role of ['root', 'targets'] as const) {
    const keys = root.roles.get(role);
    if (keys && keys.keyids.length === keys.threshold && keys.threshold > 1) {
      findings.add(
        'warning',
        'no-spare-key',
        `all ${keys.threshold} keys of ${role} are needed: when one is lost, it cannot be signed any more`,
        `add a key that stays in reserve: touchmark tuf role add-key ${role} KEY`,
        { role },
      );
    }
  }
  if (!root.consistentSnapshot) {
    findings.add(
      'warning',
      'not-consistent',
      'files are replaced in place: who reads while something is published finds parts that do not fit',
      'turn consistent_snapshot on in the next root',
      { role: 'root' },
    );
  }
  const missing = [...root.roles].filter(([, { keyids }]) => keyids.length === 0).map(([role]) => role);
  if (missing.length > 0) {
    findings.add(
      'error',
      'role-without-keys',
      `nobody can sign ${someOf(missing)}`,
      'add keys to the next root',
    );
  }
}
