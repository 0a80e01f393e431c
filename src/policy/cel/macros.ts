import { attempt, type Frame, type Run, requireBool } from './run.js';
import { CelFault, type CelValue } from './value.js';

/** Goes through items with a variable bound to each. */
export type Macro = (
  items: Iterable<CelValue>,
  variable: string,
  bodies: readonly Run[],
  frame: Frame,
) => CelValue;

/** Macros over lists and the keys of maps, by name and count of arguments. */
export const MACROS: ReadonlyMap<string, Macro> = new Map<string, Macro>([
  ['all/2', quantify(false)],
  ['exists/2', quantify(true)],
  ['exists_one/2', countOne],
  ['filter/2', filter],
  ['map/2', (items, variable, [transform], frame) => mapItems(items, variable, undefined, transform, frame)],
  [
    'map/3',
    (items, variable, [condition, transform], frame) =>
      mapItems(items, variable, condition, transform, frame),
  ],
]);

/** Each turn of a loop is a step of its own, whatever its body costs. */
function enter(frame: Frame, name: string, value: CelValue): Frame {
  frame.meter.spend(1);
  return { ...frame, bound: { name, value, outer: frame.bound } };
}

/** One item that decides is enough, whatever is wrong with others. */
function quantify(decides: boolean): Macro {
  return (items, variable, [body], frame) => {
    let fault: CelFault | undefined;
    for (const item of items) {
      const result = attempt(body as Run, enter(frame, variable, item));
      if (result === decides) return decides;
      if (result instanceof CelFault) fault ??= result;
    }
    if (fault) throw fault;
    return !decides;
  };
}

function countOne(
  items: Iterable<CelValue>,
  variable: string,
  [body]: readonly Run[],
  frame: Frame,
): boolean {
  let count = 0;
  for (const item of items) if (requireBool((body as Run)(enter(frame, variable, item)))) count++;
  return count === 1;
}

function filter(items: Iterable<CelValue>, variable: string, [body]: readonly Run[], frame: Frame): CelValue {
  const kept: CelValue[] = [];
  for (const item of items) if (requireBool((body as Run)(enter(frame, variable, item)))) kept.push(item);
  return kept;
}

function mapItems(
  items: Iterable<CelValue>,
  variable: string,
  condition: Run | undefined,
  transform: Run | undefined,
  frame: Frame,
): CelValue {
  const made: CelValue[] = [];
  for (const item of items) {
    const inner = enter(frame, variable, item);
    if (!condition || requireBool(condition(inner))) made.push((transform as Run)(inner));
  }
  return made;
}
