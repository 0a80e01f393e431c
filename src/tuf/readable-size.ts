const SIZES: ReadonlyMap<string, number> = new Map([
  ['root', 512_000],
  ['timestamp', 16_384],
  ['snapshot', 2_000_000],
]);
const TARGETS = 5_000_000;

/** Bytes of a role's file that other clients read when nothing lists its length: the defaults of python-tuf, go-tuf and tuf-js. */
export function readableSize(role: string): number {
  return SIZES.get(role) ?? TARGETS;
}
