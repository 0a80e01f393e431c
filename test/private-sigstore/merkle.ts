import { createHash } from 'node:crypto';

export const sha256 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** A Merkle tree (RFC 9162, section 2.1), computed anew whenever something is asked of it: tests have few leaves. */
export class MerkleTree {
  readonly #leaves: Buffer[] = [];

  get size(): number {
    return this.#leaves.length;
  }

  /** @returns the index of the leaf */
  add(body: Uint8Array): number {
    return this.#leaves.push(leafHash(body)) - 1;
  }

  indexOf(body: Uint8Array): number {
    return this.#leaves.findIndex(leaf => leaf.equals(leafHash(body)));
  }

  root(): Buffer {
    return rootOf(this.#leaves);
  }

  proof(index: number): readonly Buffer[] {
    return pathOf(index, this.#leaves);
  }
}

export const leafHash = (body: Uint8Array): Buffer => sha256(Uint8Array.of(0), body);

function rootOf(leaves: readonly Buffer[]): Buffer {
  const [only] = leaves;
  if (only === undefined) return sha256();
  if (leaves.length === 1) return only;
  const left = splitOf(leaves.length);
  return sha256(Uint8Array.of(1), rootOf(leaves.slice(0, left)), rootOf(leaves.slice(left)));
}

function pathOf(index: number, leaves: readonly Buffer[]): readonly Buffer[] {
  if (leaves.length <= 1) return [];
  const left = splitOf(leaves.length);
  return index < left
    ? [...pathOf(index, leaves.slice(0, left)), rootOf(leaves.slice(left))]
    : [...pathOf(index - left, leaves.slice(left)), rootOf(leaves.slice(0, left))];
}

/** The largest power of two below `size`. */
const splitOf = (size: number): number => 2 ** Math.ceil(Math.log2(size) - 1);
