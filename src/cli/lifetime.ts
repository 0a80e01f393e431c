import { setMaxListeners } from 'node:events';
import { exitCodeOf } from '../base/codes.js';
import { TouchmarkError } from '../base/errors.js';

/**
 * The one reason to stop early that a process has: Ctrl-C, SIGTERM, or the deadline. Everything that waits listens to
 * {@link Lifetime.signal}; its `reason` is the TouchmarkError to report.
 */
export interface Lifetime {
  readonly signal: AbortSignal;
  /** Replaces the deadline; 0 lifts it. Counted from now. */
  setDeadline(milliseconds: number): void;
  /**
   * Settles as `work` does. When the lifetime ends first, `work` gets {@link GRACE} to clean up after itself;
   * then the reason of the end is thrown, so that nothing can hold the process.
   */
  guard<T>(work: Promise<T>): Promise<T>;
  /** Stops listening. */
  dispose(): void;
}

/** Milliseconds that work has for cleaning up once it was told to stop. */
export const GRACE = 5000;

type SignalSource = Pick<NodeJS.Process, 'on' | 'off' | 'exit'>;

export function createLifetime(source: SignalSource = process, grace = GRACE): Lifetime {
  const controller = new AbortController();
  // Every request and every layer under way listens; Node warns of eleven.
  setMaxListeners(0, controller.signal);
  let deadline: NodeJS.Timeout | undefined;

  const stop = (code: 'interrupted' | 'terminated', message: string) => () => {
    // The second request is an order: whatever is still cleaning up has hung.
    if (controller.signal.aborted) source.exit(exitCodeOf(code));
    controller.abort(new TouchmarkError(code, message));
  };
  const onInterrupt = stop('interrupted', 'interrupted');
  const onTerminate = stop('terminated', 'terminated');
  source.on('SIGINT', onInterrupt);
  source.on('SIGTERM', onTerminate);

  return {
    signal: controller.signal,
    setDeadline(milliseconds) {
      clearTimeout(deadline);
      if (milliseconds === 0) return;
      deadline = setTimeout(() => {
        controller.abort(
          new TouchmarkError('net-timeout', `not finished after ${milliseconds / 1000} s`, {
            hint: 'give it more time with --timeout (0 means no limit), or see what it waits for with --debug',
            retryable: true,
          }),
        );
      }, milliseconds);
    },
    async guard(work) {
      let timer: NodeJS.Timeout | undefined;
      const { signal } = controller;
      const ended = new Promise<never>((_, reject) => {
        const end = () => {
          timer = setTimeout(() => reject(signal.reason), grace);
        };
        if (signal.aborted) end();
        else signal.addEventListener('abort', end, { once: true });
      });
      try {
        return await Promise.race([work, ended]);
      } catch (error) {
        throw signal.aborted ? signal.reason : error;
      } finally {
        clearTimeout(timer);
        // Work that outlived its grace may still fail; nobody is left to hear of it.
        work.catch(() => {});
      }
    },
    dispose() {
      clearTimeout(deadline);
      source.off('SIGINT', onInterrupt);
      source.off('SIGTERM', onTerminate);
    },
  };
}
