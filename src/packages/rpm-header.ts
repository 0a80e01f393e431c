import { BoundedView } from './bounded-view.js';
import { failDamaged, type Package, parseWord } from './package.js';

const TAG = { name: 1000, version: 1001, release: 1002, epoch: 1003, arch: 1022, sourceRpm: 1044 } as const;
const TYPE = { int32: 4, string: 6 } as const;

/** Bytes of an entry of the index: tag, type, offset, count. */
const ENTRY = 16;
const INTRO = 8;
/** As many as rpm itself takes. */
const MAX_ENTRIES = 0xffff;

interface Entry {
  readonly type: number;
  readonly offset: number;
  readonly count: number;
}

/**
 * The package that a header of rpm describes: an index of tags and then their data, as the databases of rpm keep it, without the
 * magic number in front (rpm's documentation, "Package format", "Header").
 * @throws TouchmarkError `format-packages`
 */
export function parseRpmHeader(blob: Uint8Array): Package {
  const view = new BoundedView(blob, 'a header');
  const entryCount = view.u32(0);
  const size = view.u32(4);
  if (entryCount === 0 || entryCount > MAX_ENTRIES) failDamaged(`a header has ${entryCount} entries`);
  const start = INTRO + entryCount * ENTRY;
  if (start + size !== view.length) {
    failDamaged(`a header says that it has ${start + size} bytes, and has ${view.length}`);
  }
  const data = new BoundedView(view.slice(start, size), "a header's data");
  const entries = readWanted(view, entryCount);
  const text = (tag: number, what: string): string | undefined => {
    const entry = entries.get(tag);
    if (!entry) return undefined;
    if (entry.type !== TYPE.string || entry.count !== 1) failDamaged(`${what} is no text`);
    return parseWord(data.untilNul(entry.offset), what);
  };
  const name = text(TAG.name, 'the name of a package') ?? failDamaged('a header names no package');
  const version = text(TAG.version, `the version of ${name}`) ?? failDamaged(`${name} has no version`);
  const release = text(TAG.release, `the release of ${name}`) ?? failDamaged(`${name} has no release`);
  const epoch = readEpoch(entries.get(TAG.epoch), data, name);
  const architecture = text(TAG.arch, `the architecture of ${name}`) ?? '';
  const source = readSource(text(TAG.sourceRpm, `the source of ${name}`));
  const evr = `${epoch === undefined ? '' : `${epoch}:`}${version}-${release}`;
  return { ecosystem: 'rpm', name, version: evr, architecture, ...(source && { source }) };
}

const WANTED: ReadonlySet<number> = new Set(Object.values(TAG));

function readWanted(view: BoundedView, count: number): ReadonlyMap<number, Entry> {
  const entries = new Map<number, Entry>();
  for (let at = INTRO; at < INTRO + count * ENTRY; at += ENTRY) {
    const tag = view.u32(at);
    if (!WANTED.has(tag)) continue;
    if (entries.has(tag)) failDamaged(`a header has the tag ${tag} twice`);
    entries.set(tag, { type: view.u32(at + 4), offset: view.u32(at + 8), count: view.u32(at + 12) });
  }
  return entries;
}

function readEpoch(entry: Entry | undefined, data: BoundedView, name: string): number | undefined {
  if (!entry) return undefined;
  if (entry.type !== TYPE.int32 || entry.count !== 1) failDamaged(`the epoch of ${name} is no number`);
  return data.u32(entry.offset);
}

const SOURCE_FILE = /^(.+)-([^-]+-[^-]+)\.(?:no)?src\.rpm$/;

/** The name of the file that the package was built from says name, version and release; of a public key there is none. */
function readSource(file: string | undefined): Package['source'] {
  const [, name, version] = SOURCE_FILE.exec(file ?? '') ?? [];
  return name === undefined || version === undefined ? undefined : { name, version };
}
