import { BoundedView } from './bounded-view.js';
import { failDamaged, refuseTooMany } from './package.js';

export const NDB_MAGIC = Buffer.from('RpmP');

const BLOCK = 16;
const PAGE = 4096;
/** The first two slots are the file's own header. */
const HEADER = 32;
const BLOB_HEAD = 16;
const BLOB_TAIL = 12;
const SLOT_MAGIC = Buffer.from('Slot');
const HEAD_MAGIC = Buffer.from('BlbS');
const TAIL_MAGIC = Buffer.from('BlbE');

interface Slot {
  readonly id: number;
  /** In bytes. */
  readonly start: number;
  readonly size: number;
}

/**
 * The headers in an `ndb` of rpm, `Packages.db`: pages of slots, each of which points to a blob with a checksum. SUSE keeps its
 * packages so. Little-endian.
 * @throws TouchmarkError `format-packages`, `limit-exceeded`
 */
export function readNdb(bytes: Uint8Array): readonly Uint8Array[] {
  const view = new BoundedView(bytes, 'the file', true);
  if (view.u32(4) !== 0) failDamaged(`it is of version ${view.u32(4)} of its format`);
  if (view.length % BLOCK !== 0) failDamaged('it is cut short: its last block is not whole');
  const slots = readSlots(view, view.u32(12) * PAGE);
  refuseOverlaps(slots);
  return slots.map(slot => readBlob(view, slot));
}

function readSlots(view: BoundedView, end: number): readonly Slot[] {
  if (end === 0) failDamaged('it has no slots');
  const table = new BoundedView(view.slice(0, end), 'the table of slots', true);
  const slots: Slot[] = [];
  for (let at = HEADER; at < end; at += BLOCK) {
    if (!table.slice(at, 4).equals(SLOT_MAGIC)) failDamaged(`the slot at byte ${at} is none`);
    const start = table.u32(at + 8) * BLOCK;
    if (start === 0) continue;
    const slot = { id: table.u32(at + 4), start, size: table.u32(at + 12) * BLOCK };
    if (slot.id === 0 || slot.start < end) failDamaged(`the slot at byte ${at} points to no package`);
    slots.push(slot);
    refuseTooMany(slots.length);
  }
  return slots;
}

function refuseOverlaps(slots: readonly Slot[]): void {
  if (new Set(slots.map(({ id }) => id)).size !== slots.length) failDamaged('two slots are of one package');
  let end = 0;
  for (const { start, size } of [...slots].sort((a, b) => a.start - b.start)) {
    if (start < end) failDamaged(`two packages lie one on the other at byte ${start}`);
    end = start + size;
  }
}

function readBlob(file: BoundedView, { id, start, size }: Slot): Uint8Array {
  const view = new BoundedView(file.slice(start, size), `package ${id}`, true);
  const tail = size - BLOB_TAIL;
  const length = view.u32(12);
  const blocks = Math.ceil((BLOB_HEAD + length + BLOB_TAIL) / BLOCK);
  const whole =
    view.slice(0, 4).equals(HEAD_MAGIC) &&
    view.u32(4) === id &&
    blocks * BLOCK === size &&
    view.u32(tail + 4) === length &&
    view.slice(tail + 8, 4).equals(TAIL_MAGIC);
  if (!whole) failDamaged(`package ${id} is not where its slot says`);
  if (view.u32(tail) !== adler32(view.slice(0, tail))) failDamaged(`package ${id} has a wrong checksum`);
  return view.slice(BLOB_HEAD, length);
}

/** RFC 1950, section 8.2. */
function adler32(bytes: Uint8Array): number {
  let low = 1;
  let high = 0;
  for (const byte of bytes) {
    low = (low + byte) % 65_521;
    high = (high + low) % 65_521;
  }
  return high * 65_536 + low;
}
