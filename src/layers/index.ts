/**
 * Layers as bytes: what a blob unpacks to, measured in one pass over it.
 *
 * What must hold:
 * - nothing is said about a layer before its last byte was read and the store has compared size and digest;
 * - which compression it is the bytes say, and a media type that says another is refused: tools would not agree on what is in it;
 * - what is not part of the layer is never passed over in silence: bytes behind the end are a fault;
 * - memory does not grow with the layer, and what it unpacks to is bounded;
 * - whatever happens, source and decoder are closed when the call returns.
 */
export type { Compression } from './compression.js';
export { type LayerLimits, type LayerMeasure, type MeasureOptions, measureLayer } from './measure-layer.js';
