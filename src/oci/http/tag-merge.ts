import type { Digest } from '../../base/digest.js';
import { fail } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { RawManifest } from '../manifest.js';
import type { TagMerge } from '../store.js';
import { transienceOf } from './faults.js';
import { getManifest, putManifest, type ServedManifest } from './manifests.js';
import type { Repository } from './repository.js';

/**
 * Changes a tag by read, merge and write on registries that cannot do it in one step. Two writers who read the same state
 * overwrite each other, so each reads back and writes again until nothing of its own is missing.
 *
 * The last danger is a writer that read before our write and writes after our last look. Two rules keep it out:
 * - freshness: nobody writes what was merged from a state read longer ago than `freshness`;
 * - quiet: nobody leaves before the tag has stood still for several times as long as a read and write have been seen to
 *   take, longer still when there were other writers.
 * Conditional requests are sent as well; few registries honour them.
 *
 * @throws TouchmarkError `oci-conflict` when the writers do not come to rest within {@link LIMITS.tagMerge}
 */
export async function mergeTag(repository: Repository, tag: string, merge: TagMerge): Promise<void> {
  const { tuning, session } = repository;
  const sleep = (milliseconds: number) =>
    tuning.sleep(milliseconds * (0.75 + tuning.random() / 2), session.signal);
  const started = tuning.now();
  const watch = createWatch(tuning.quiet);
  const conditions = createConditions();
  let prepared: { readonly from: Digest | undefined; readonly next: RawManifest | undefined } | undefined;
  let written = false;
  let failures = 0;
  let losses = 0;
  let backedOff = true;
  let vanished = 0;

  for (;;) {
    const asked = tuning.now();
    if (asked - started > tuning.tagMerge) failConflict(repository, tag);
    const current = await getManifest(repository, { tag }, { write: true, retry: 20 });
    const answered = tuning.now();
    const digest = current?.raw.descriptor.digest;
    // A tag that is being rewritten can be missing for a moment; to believe it would drop everything in it.
    if (digest === undefined && watch.existed && ++vanished <= 5) {
      await sleep(20);
      continue;
    }
    vanished = 0;
    watch.observe(digest, answered);

    if (!prepared || prepared.from !== digest) prepared = { from: digest, next: await merge(current?.raw) };
    const { next } = prepared;
    if (next === undefined || next.descriptor.digest === digest) {
      if (!written || watch.isSettled(asked, answered)) return;
      await sleep(watch.window() / 4);
      continue;
    }

    watch.missing();
    if (written && !backedOff) {
      losses++;
      backedOff = true;
      await tuning.sleep(tuning.random() * Math.min(20 * 2 ** losses, 1000), session.signal);
      continue;
    }
    // Merging may have taken long (it may write blobs): look again, and merge again only if something has changed.
    if (tuning.now() - asked > Math.max(tuning.quiet / 2, 2 * (answered - asked))) continue;

    try {
      const condition = conditions.forState(current);
      const done = await putManifest(
        repository,
        next,
        { tag },
        { retry: false, ...(condition && { condition }) },
      );
      written = true;
      backedOff = false;
      if (done === undefined) {
        conditions.refused(digest);
        watch.contended();
        await sleep(10);
        continue;
      }
      failures = 0;
      watch.wrote(next.descriptor.digest, asked, tuning.now());
    } catch (error) {
      const transience = transienceOf(error);
      // Not repeated as it is: by now it may be stale. It may also have been carried out, so there is something to watch.
      if (!transience || ++failures > 2 * tuning.retries || (transience.after ?? 0) > LIMITS.retryAfter)
        throw error;
      written = true;
      watch.contended();
      await tuning.sleep(
        Math.max(transience.after ?? 0, tuning.random() * Math.min(20 * 2 ** failures, 2000)),
        session.signal,
      );
      continue;
    }
    await sleep(watch.window() / 4);
  }
}

interface Watch {
  readonly existed: boolean;
  observe(digest: Digest | undefined, when: number): void;
  wrote(digest: Digest, asked: number, completed: number): void;
  /** Something of ours was not there. */
  missing(): void;
  contended(): void;
  /** Milliseconds that the tag must stand still. */
  window(): number;
  isSettled(asked: number, answered: number): boolean;
}

const LONGEST_WINDOW = 10_000;

function createWatch(quiet: number): Watch {
  let seen: Digest | undefined;
  let known = false;
  let existed = false;
  let others = false;
  let slowest = 0;
  let unchangedSince = 0;
  let completeSince: number | undefined;
  const window = () => Math.min(Math.max(3 * slowest, others ? 4 * quiet : quiet), LONGEST_WINDOW);
  return {
    get existed() {
      return existed;
    },
    observe(digest, when) {
      if (digest !== undefined) existed = true;
      if (known && digest === seen) return;
      if (known) others = true;
      known = true;
      seen = digest;
      unchangedSince = when;
    },
    wrote(digest, asked, completed) {
      slowest = Math.max(slowest, completed - asked);
      seen = digest;
      existed = true;
      unchangedSince = completed;
      completeSince = completed;
    },
    missing() {
      completeSince = undefined;
    },
    contended() {
      others = true;
    },
    window,
    isSettled(asked, answered) {
      completeSince ??= answered;
      // Where others never stop, having been part of every state for much longer will do.
      return asked - unchangedSince >= window() || asked - completeSince >= 4 * window();
    },
  };
}

interface Conditions {
  forState(current: ServedManifest | undefined): Readonly<Record<string, string>> | undefined;
  refused(digest: Digest | undefined): void;
}

function createConditions(): Conditions {
  let last: { readonly digest: Digest | undefined } | undefined;
  let useless = false;
  return {
    forState(current) {
      if (useless) return undefined;
      if (!current) return { 'if-none-match': '*' };
      // If-Match compares strongly (RFC 9110, section 13.1.1): a weak tag would never match.
      return current.etag?.startsWith('"') ? { 'if-match': current.etag } : undefined;
    },
    refused(digest) {
      // Twice for one state: the condition is not what the registry minds (an immutable tag answers 412 as well).
      if (last && last.digest === digest) useless = true;
      last = { digest };
    },
  };
}

function failConflict(repository: Repository, tag: string): never {
  return fail(
    'oci-conflict',
    `others keep changing ${repository.name}:${tag}; what was to be added may not be there`,
    {
      retryable: true,
      hint: 'run the same command again when fewer writers are at work: what is there already is kept',
      details: { repository: repository.name, tag },
    },
  );
}
