import { createHash } from 'node:crypto';
import type { SuccinctRoles } from './metadata.js';

/** The name of the bin that a target path falls into: its number is the top bits of the SHA-256 of the path (TAP 15). */
export function binNameFor(roles: SuccinctRoles, path: string): string {
  const bits = createHash('sha256').update(path, 'utf8').digest().readUInt32BE(0);
  return binName(roles, bits >>> (32 - roles.bitLength));
}

/** The name of a bin: its number in lower-case hex, as wide as that of the last one. */
export function binName({ bitLength, namePrefix }: SuccinctRoles, bin: number): string {
  return `${namePrefix}-${bin.toString(16).padStart(Math.ceil(bitLength / 4), '0')}`;
}

/** The number of the bin with this name; undefined for any other name. */
export function binOf(roles: SuccinctRoles, name: string): number | undefined {
  const digits = name.slice(roles.namePrefix.length + 1);
  if (!/^[0-9a-f]{1,8}$/.test(digits)) return undefined;
  const bin = Number.parseInt(digits, 16);
  return bin < 2 ** roles.bitLength && binName(roles, bin) === name ? bin : undefined;
}
