import { CelExhausted } from './value.js';

/** Characters that cost as much as one step of evaluation: comparing and copying text is that much cheaper. */
const CHARACTERS = 16;

/** Counts the work of one evaluation. Facts are as long as an attacker likes, and lists in lists multiply. */
export class Meter {
  #left: number;

  constructor(budget: number) {
    this.#left = budget;
  }

  /** @throws CelExhausted */
  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw new CelExhausted('it takes more steps than an evaluation may');
  }

  /** For work over so many characters. @throws CelExhausted */
  spendText(characters: number): void {
    this.spend(Math.ceil(characters / CHARACTERS));
  }
}
