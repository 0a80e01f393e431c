import { toHex } from '../base/bytes.js';
import { DER, type DerElement } from '../crypto/der.js';

/** An object identifier as the hex of its DER content: cheap to compare, one spelling each. */
export type ObjectId = string;

/** The contents of the OBJECT IDENTIFIER with this dotted name. */
export function objectId(dotted: string): ObjectId {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap(number => {
    const digits = [number % 128];
    for (let more = Math.floor(number / 128); more > 0; more = Math.floor(more / 128))
      digits.unshift((more % 128) + 128);
    return digits;
  });
  return toHex(Uint8Array.from(bytes));
}

/** The identifier in an element; undefined when it is not one. */
export function objectIdOf(element: DerElement | undefined): ObjectId | undefined {
  return element?.tag === DER.oid && element.content.length > 0 ? toHex(element.content) : undefined;
}

/** For messages: the dotted name. */
export function formatObjectId(id: ObjectId): string {
  const numbers: bigint[] = [];
  let number = 0n;
  for (const byte of Buffer.from(id, 'hex')) {
    number = number * 128n + BigInt(byte & 0x7f);
    if (byte < 128) {
      numbers.push(number);
      number = 0n;
    }
  }
  const [start = 0n, ...rest] = numbers;
  const first = start < 80n ? start / 40n : 2n;
  return [first, start - first * 40n, ...rest].join('.');
}
