import { Readable } from 'node:stream';
import { computeDigest, type Digest } from '../../../src/base/digest.js';
import { TouchmarkError } from '../../../src/base/errors.js';
import type { RegistryRequest } from '../../../src/oci/http/client.js';
import { markTransient } from '../../../src/oci/http/faults.js';
import type { Repository } from '../../../src/oci/http/repository.js';
import type { Answer } from '../../../src/oci/http/transport.js';
import { DEFAULT_TUNING } from '../../../src/oci/http/tuning.js';

/** Virtual time: nothing waits really, and one seed gives one interleaving. */
export class Simulation {
  #now = 0;
  #order = 0;
  readonly #timers: { at: number; order: number; run: () => void }[] = [];
  #state: number;

  constructor(seed: number) {
    this.#state = seed * 2654435761 + 1;
  }

  now = (): number => this.#now;

  /** mulberry32. */
  random = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };

  sleep = (milliseconds: number): Promise<void> =>
    new Promise(run => {
      this.#timers.push({ at: this.#now + milliseconds, order: this.#order++, run });
    });

  async run<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const finished = work.finally(() => {
      done = true;
    });
    finished.catch(() => {});
    for (;;) {
      await new Promise(resolve => setImmediate(resolve));
      if (done) return finished;
      if (this.#timers.length === 0) throw new Error('nothing is left to happen');
      this.#timers.sort((a, b) => a.at - b.at || a.order - b.order);
      const next = this.#timers.shift();
      this.#now = next?.at ?? this.#now;
      next?.run();
    }
  }
}

export interface RegistryHabits {
  /** Milliseconds until a request takes effect, and again until its answer arrives. */
  readonly delay: (random: () => number) => number;
  /** The chance of an answer 500 to a GET while a PUT is under way, and to a PUT that was carried out. */
  readonly faults: number;
  /** Honours If-Match and If-None-Match. */
  readonly conditional?: boolean;
  /** The chance that a tag under way is missing for a reader. */
  readonly vanishing?: number;
}

/** One tag of a registry, as last writer wins has it. */
export class SimulatedTag {
  content: { bytes: Uint8Array; mediaType: string; digest: Digest } | undefined;
  puts = 0;
  gets = 0;
  #writing = 0;

  constructor(
    readonly simulation: Simulation,
    readonly habits: RegistryHabits,
  ) {}

  /** A repository whose requests go to this tag. */
  repository(tuned: Partial<typeof DEFAULT_TUNING> = {}): Repository {
    const { now, random, sleep } = this.simulation;
    const tuning = { ...DEFAULT_TUNING, ...tuned, now, random, sleep };
    const send = async <T>(request: RegistryRequest, use: (answer: Answer) => Promise<T>): Promise<T> => {
      for (let attempt = 0; ; attempt++) {
        try {
          return await use(await this.#exchange(request));
        } catch (error) {
          if (request.retry === false || attempt === 4) throw error;
          await sleep(20 * 2 ** attempt);
        }
      }
    };
    return {
      name: 'r.example/a',
      path: 'a',
      endpoint: { registry: 'r.example', host: 'r.example', schemes: ['https'], verifyCertificate: true },
      session: { signal: undefined } as Repository['session'],
      client: {
        send,
        refuse: () => Promise.reject(new Error('refused')),
        baseUrl: () => new URL('https://r.example'),
      },
      tuning,
    };
  }

  async #exchange(request: RegistryRequest): Promise<Answer> {
    const { habits, simulation } = this;
    const { random } = simulation;
    const put = request.method === 'PUT';
    if (put) this.#writing++;
    await simulation.sleep(habits.delay(random));
    const headers: Record<string, string> = {};
    let status = 200;
    let body = new Uint8Array(0);
    if (put) {
      this.puts++;
      status = this.#matches(request.headers ?? {}) ? 201 : 412;
      if (status === 201) {
        const bytes = request.body as Uint8Array;
        this.content = {
          bytes,
          mediaType: request.headers?.['content-type'] ?? '',
          digest: computeDigest(bytes),
        };
      }
    } else {
      this.gets++;
      const hidden = this.#writing > 0 && random() < (habits.vanishing ?? 0);
      if (this.content && !hidden) {
        headers['content-type'] = this.content.mediaType;
        headers['etag'] = `"${this.content.digest}"`;
        body = new Uint8Array(this.content.bytes);
      } else status = 404;
    }
    const fault = (put || this.#writing > 0) && random() < habits.faults;
    await simulation.sleep(habits.delay(random));
    if (put) this.#writing--;
    if (fault) throw markTransient(new TouchmarkError('oci-unavailable', 'registry answered: 500'));
    return { status, headers, url: new URL('https://r.example/x'), chunks: () => Readable.from([body]) };
  }

  #matches(headers: Readonly<Record<string, string>>): boolean {
    if (!this.habits.conditional) return true;
    if (headers['if-none-match'] === '*') return this.content === undefined;
    return headers['if-match'] === undefined || headers['if-match'] === `"${this.content?.digest}"`;
  }
}
