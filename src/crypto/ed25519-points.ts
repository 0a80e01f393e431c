import { toHex } from '../base/bytes.js';

/** The y coordinates of the points whose order divides 8, little endian, the two spellings above p included. */
const SMALL_ORDER = [
  `00${'00'.repeat(31)}`,
  `01${'00'.repeat(31)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
];

/**
 * Is this encoded point (32 bytes) one of those few? As a public key it lets a fixed signature verify over every eighth message,
 * or over all; as the R of a signature, OpenSSL takes it in one release and refuses it in another. No honest signer makes either.
 */
export function isSmallOrder(point: Uint8Array): boolean {
  const y = Uint8Array.from(point);
  y[31] = (y[31] ?? 0) & 0x7f;
  return SMALL_ORDER.includes(toHex(y));
}
