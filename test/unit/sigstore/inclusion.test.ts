import { describe, expect, it } from 'vitest';
import { leafHash, rootFromProof } from '../../../src/sigstore/inclusion.js';
import { MerkleTree } from '../../private-sigstore/merkle.js';
import { sha256 } from './mint.js';

const leaf = (index: number) => Buffer.from(`leaf ${index}`);

describe('a proof of inclusion', () => {
  it('leads to the root from every leaf of every small tree, at its own place and length alone', () => {
    const tree = new MerkleTree();
    for (let size = 1; size <= 20; size++) {
      tree.add(leaf(size - 1));
      for (let index = 0; index < size; index++) {
        const [hash, proof, root] = [leafHash(leaf(index)), tree.proof(index), tree.root().toString('hex')];
        const lead = (at: number, path: readonly Uint8Array[]) => {
          const found = rootFromProof(hash, at, size, path);
          return found && Buffer.from(found).toString('hex');
        };
        expect(lead(index, proof)).toBe(root);
        expect(lead(index, [...proof, Buffer.alloc(32)])).toBeUndefined();
        if (proof.length > 0) expect(lead(index, proof.slice(0, -1))).toBeUndefined();
        for (let other = 0; other <= size; other++)
          if (other !== index) expect(lead(other, proof)).not.toBe(root);
      }
    }
  });

  it('holds in trees beyond 2^32 leaves', () => {
    const size = 2 ** 40;
    const siblings = Array.from({ length: 40 }, (_, i) => sha256(Buffer.of(i)));
    const node = (left: Uint8Array, right: Uint8Array) => sha256(Buffer.concat([Buffer.of(1), left, right]));
    const start = Buffer.from(leafHash(leaf(0)));
    const first = siblings.reduce((hash, sibling) => node(hash, sibling), start);
    const last = siblings.reduce((hash, sibling) => node(sibling, hash), start);
    expect(rootFromProof(start, 0, size, siblings)).toEqual(first);
    expect(rootFromProof(start, size - 1, size, siblings)).toEqual(last);
    expect(rootFromProof(start, size, size, siblings)).toBeUndefined();
  });
});
