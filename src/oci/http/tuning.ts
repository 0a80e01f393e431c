import { setTimeout as delay } from 'node:timers/promises';
import { LIMITS } from '../../base/limits.js';
import { abortError } from './faults.js';

/** Time and chance of a session, replaceable so that tests neither wait nor depend on luck. All times are milliseconds. */
export interface Tuning {
  readonly stall: number;
  readonly uploadAnswer: number;
  readonly retries: number;
  /** The first pause before a retry; each further one is twice as long, up to 8 s, with jitter. */
  readonly retryPause: number;
  /** The shortest time that a merged tag must stay as it is before it counts as settled. */
  readonly quiet: number;
  readonly tagMerge: number;
  readonly helperTime: number;
  /** A clock that never runs backwards. */
  now(): number;
  /** The date, for `Retry-After`. */
  date(): number;
  /** From 0 up to 1. */
  random(): number;
  /** @throws TouchmarkError the signal's reason, when it fires */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

export const DEFAULT_TUNING: Tuning = {
  stall: LIMITS.networkStall,
  uploadAnswer: LIMITS.uploadAnswer,
  retries: LIMITS.retries,
  retryPause: 250,
  quiet: 120,
  tagMerge: LIMITS.tagMerge,
  helperTime: LIMITS.credentialHelperTime,
  now: () => performance.now(),
  date: () => Date.now(),
  random: () => Math.random(),
  async sleep(milliseconds, signal) {
    try {
      await delay(milliseconds, undefined, signal ? { signal } : {});
    } catch (error) {
      throw signal?.aborted ? abortError(signal) : error;
    }
  },
};
