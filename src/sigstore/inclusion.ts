import { createHash } from 'node:crypto';

/** The hash of a leaf (RFC 6962 2.1). */
export function leafHash(entry: Uint8Array): Uint8Array {
  return createHash('sha256').update(LEAF).update(entry).digest();
}

/**
 * The root that a proof leads to (RFC 9162 2.1.3.2); undefined when the proof is too short or too long for this place in this tree.
 * @param index of the leaf and `size` of the tree, below 2^53
 */
export function rootFromProof(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
): Uint8Array | undefined {
  if (index >= size) return undefined;
  let [node, last, hash] = [index, size - 1, leaf];
  for (const sibling of proof) {
    if (last === 0) return undefined;
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 ? hash : undefined;
}

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** Not a shift: that would cut numbers to 32 bits. */
function half(value: number): number {
  return Math.floor(value / 2);
}

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return createHash('sha256').update(NODE).update(left).update(right).digest();
}
