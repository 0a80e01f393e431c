/**
 * Expressions in CEL (Common Expression Language) over facts that an attacker may have chosen: compiled once, evaluated with
 * a bound on the work. Loaded only when a document has an expression.
 *
 * What holds here:
 * - an expression is trusted, what it is evaluated over is not: no fact, however long or deep, takes more than the bound;
 * - only `true` is a yes; a fault, a missing fact and an exhausted bound have outcomes of their own;
 * - patterns are RE2 and stand in the expression.
 */
export {
  type CelDeclarations,
  type CelOutcome,
  type CelProblem,
  type CelProgram,
  openCel,
} from './compile.js';
export { type CelValue, toCelValue } from './value.js';
