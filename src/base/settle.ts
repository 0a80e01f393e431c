import { type TouchmarkError, toTouchmarkError } from './errors.js';

export interface Settled<T> {
  readonly value?: T;
  readonly error?: TouchmarkError;
}

/** What came of a piece of work, where its failure is a fact among others and ends nothing. */
export async function settle<T>(work: Promise<T>): Promise<Settled<T>> {
  try {
    return { value: await work };
  } catch (error) {
    return { error: toTouchmarkError(error) };
  }
}
