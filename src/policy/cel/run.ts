import type { Meter } from './meter.js';
import { CelFault, type CelValue, typeName } from './value.js';

/** What an expression is evaluated in. */
export interface Frame {
  readonly meter: Meter;
  readonly facts: ReadonlyMap<string, CelValue>;
  /** The variables of the macros around, innermost first. */
  readonly bound: Bound | undefined;
}

export interface Bound {
  readonly name: string;
  readonly value: CelValue;
  readonly outer: Bound | undefined;
}

/** @throws CelFault, CelExhausted */
export type Run = (frame: Frame) => CelValue;

/** @throws CelFault */
export function requireBool(value: CelValue): boolean {
  if (typeof value !== 'boolean') throw new CelFault(`true or false is needed, not a ${typeName(value)}`);
  return value;
}

/** `&&` and `||`: one side that decides is enough, whatever is wrong with the other. */
export function either(left: Run, right: Run, decides: boolean): Run {
  return frame => {
    const first = attempt(left, frame);
    if (first === decides) return decides;
    const second = attempt(right, frame);
    if (second === decides) return decides;
    for (const side of [first, second]) if (side instanceof CelFault) throw side;
    return !decides;
  };
}

/** A bool, or why there is none. */
export function attempt(run: Run, frame: Frame): boolean | CelFault {
  try {
    return requireBool(run(frame));
  } catch (error) {
    if (error instanceof CelFault) return error;
    throw error;
  }
}
