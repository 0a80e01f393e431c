import { utf8 } from '../base/bytes.js';
import { computeDigest, type Digest } from '../base/digest.js';
import type { ChainPoint } from './claim.js';

/**
 * The ChainID behind more layers (OCI image specification, "Layer ChainID").
 * Two stacks of layers can have one ChainID: where that matters, compare the lists of diffIDs as well.
 */
export function extendChain(before: ChainPoint, diffIDs: readonly Digest[]): ChainPoint {
  let chain = before;
  for (const diffID of diffIDs) {
    chain = chain === 'empty' ? diffID : computeDigest(utf8(`${chain} ${diffID}`));
  }
  return chain;
}

/** The ChainID of a whole stack, base layer first. */
export function computeChainID(diffIDs: readonly Digest[]): ChainPoint {
  return extendChain('empty', diffIDs);
}
