/**
 * What is known of each name of a tree, in columns: there may be millions, and objects of their own would take four times
 * the memory. -1 is none. Other names mean what they mean in `tree.ts`.
 */
const COLUMNS = {
  /** The row of the folder that it is in. */
  parent: Int32Array,
  /** Of a folder: the newest name in it. */
  first: Int32Array,
  /** In the same folder: the name that came before it, and the one that came after. */
  older: Int32Array,
  newer: Int32Array,
  /** The next one in its bucket of the hash table. */
  chain: Int32Array,
  nameStart: Int32Array,
  nameLength: Int16Array,
  kind: Int8Array,
  pathLayer: Int16Array,
  contentLayer: Int16Array,
  contentAt: Int32Array,
  metaLayer: Int16Array,
  metaAt: Int32Array,
  seen: Int16Array,
  used: Int16Array,
  goneLayer: Int16Array,
  goneHow: Int8Array,
  earlier: Int32Array,
} as const;

export type Column = keyof typeof COLUMNS;
export type Rows = { [Name in Column]: InstanceType<(typeof COLUMNS)[Name]> } & { count: number };

export const COLUMN_NAMES = Object.keys(COLUMNS) as readonly Column[];

/** Room for so many rows, none of which is in use; all of them are -1. */
export function makeRows(capacity = 64): Rows {
  const columns = COLUMN_NAMES.map(name => [name, new COLUMNS[name](capacity).fill(-1)]);
  return { ...(Object.fromEntries(columns) as Omit<Rows, 'count'>), count: 0 };
}

/** Makes room for so many rows more. Columns may be other arrays after that. */
export function reserveRows(rows: Rows, more: number): void {
  const needed = rows.count + more;
  const capacity = rows.parent.length;
  if (needed <= capacity) return;
  const { count: _, ...larger } = makeRows(Math.max(needed, Math.ceil(capacity * 1.5)));
  for (const name of COLUMN_NAMES) larger[name].set(rows[name]);
  Object.assign(rows, larger);
}

/** The number of a new row. Columns may be other arrays after that. */
export function addRow(rows: Rows): number {
  reserveRows(rows, 1);
  return rows.count++;
}

/** A new row that says the same as another one. */
export function copyRow(rows: Rows, from: number): number {
  const row = addRow(rows);
  for (const name of COLUMN_NAMES) rows[name][row] = rows[name][from] as number;
  return row;
}
