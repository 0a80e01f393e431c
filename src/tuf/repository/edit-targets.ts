import { createHash } from 'node:crypto';
import { fail } from '../../base/errors.js';
import type { ExactJsonObject } from '../../base/json.js';
import type { Hashes } from '../metadata.js';
import { newPayload } from './edit-payload.js';
import { requireTargetPath } from './names-to-write.js';
import { objectAt, record, withMember } from './objects.js';

/** A target to list: its bytes, or what is known of them where the file lies elsewhere. */
export type TargetEntry = {
  readonly path: string;
  readonly custom?: ExactJsonObject;
} & ({ readonly bytes: Uint8Array } | { readonly length: number; readonly hashes: Hashes });

/** What every client knows. */
const HASHES: ReadonlyMap<string, RegExp> = new Map([
  ['sha256', /^[0-9a-f]{64}$/],
  ['sha512', /^[0-9a-f]{128}$/],
]);

/** Targets metadata that lists nothing yet. */
export function makeTargets(expiryDays: number): ExactJsonObject {
  return withMember(newPayload('targets', expiryDays), 'targets', record({}));
}

/**
 * Lists targets, in place of what is listed under the same paths.
 * @throws TouchmarkError `usage-argument` for a path or a hash that clients would refuse
 */
export function listTargetEntries(
  payload: ExactJsonObject,
  entries: readonly TargetEntry[],
): ExactJsonObject {
  const targets: Record<string, ExactJsonObject> = Object.assign(
    Object.create(null),
    objectAt(payload, 'targets'),
  );
  for (const entry of entries) {
    requireTargetPath(entry.path);
    targets[entry.path] = describe(entry);
  }
  return withMember(payload, 'targets', targets);
}

function describe(entry: TargetEntry): ExactJsonObject {
  const facts = 'bytes' in entry ? measure(entry.bytes) : entry;
  const { length, hashes } = facts;
  // Clients check every hash that is listed, and refuse the file for one that they do not know.
  const sound =
    hashes['sha256'] !== undefined &&
    Object.entries(hashes).every(([name, hash]) => HASHES.get(name)?.test(hash) === true);
  if (!Number.isSafeInteger(length) || length < 0 || !sound)
    fail(
      'usage-argument',
      `${entry.path} is listed by its length, its SHA-256 and at most its SHA-512, in lower-case hex`,
    );
  return record({
    length,
    hashes: record(hashes),
    ...(entry.custom !== undefined && { custom: entry.custom }),
  });
}

function measure(bytes: Uint8Array): { readonly length: number; readonly hashes: Hashes } {
  return { length: bytes.length, hashes: { sha256: createHash('sha256').update(bytes).digest('hex') } };
}

/** @throws TouchmarkError `tuf-target-unlisted` for a path that is not listed */
export function unlistTargets(payload: ExactJsonObject, paths: readonly string[]): ExactJsonObject {
  const targets: Record<string, ExactJsonObject> = Object.assign(
    Object.create(null),
    objectAt(payload, 'targets'),
  );
  for (const path of paths) {
    if (targets[path] === undefined)
      fail('tuf-target-unlisted', `${JSON.stringify(path.slice(0, 140))} is not listed there`, {
        hint: 'the paths that are: touchmark tuf target list',
      });
    delete targets[path];
  }
  return withMember(payload, 'targets', targets);
}
