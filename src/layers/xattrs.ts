/** Extended attributes by name, both as bytes with one character each (latin1). */
export type Xattrs = ReadonlyMap<string, string>;

/** Sorted by name, so that equal attributes are equal bytes: lengths (2 bytes each) of name and value, then both. */
export function packXattrs(xattrs: Xattrs): Uint8Array {
  const parts = [...xattrs].sort(([a], [b]) => (a < b ? -1 : 1));
  const size = parts.reduce((sum, [name, value]) => sum + 4 + name.length + value.length, 0);
  const bytes = Buffer.alloc(size);
  let at = 0;
  for (const [name, value] of parts) {
    bytes.writeUInt16LE(name.length, at);
    bytes.writeUInt16LE(value.length, at + 2);
    at += 4;
    at += bytes.write(name, at, 'latin1');
    at += bytes.write(value, at, 'latin1');
  }
  return bytes;
}

/** The names of packed attributes. */
export function xattrNames(packed: Uint8Array): readonly string[] {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.length);
  const names: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const name = bytes.readUInt16LE(at);
    const value = bytes.readUInt16LE(at + 2);
    names.push(bytes.toString('latin1', at + 4, at + 4 + name));
    at += 4 + name + value;
  }
  return names;
}
