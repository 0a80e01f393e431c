import { chmodSync, copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKOUT } from '../peers/checkout.js';
import type { Scratch } from '../peers/scratch.js';

/** Brings a fixed key into the scratch folder with the mode that version control does not keep. */
export function fixtureKey(scratch: Scratch, fixture: string): string {
  const target = scratch.file(fixture.replaceAll('/', '-'));
  // Once: another process may be reading it already.
  if (existsSync(target)) return target;
  copyFileSync(join(CHECKOUT, 'keys-fixtures', fixture), target);
  chmodSync(target, fixture.endsWith('.pub') ? 0o644 : 0o600);
  return target;
}
