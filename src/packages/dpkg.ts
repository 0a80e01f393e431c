import { failDamaged, type Package, parseWord, refuseTooMany } from './package.js';
import { readStanzas, type Stanza } from './stanzas.js';

/** What dpkg's database says about one package. */
export interface DpkgEntry {
  readonly package: Package;
  /** Files of it lie in the image. */
  readonly present: boolean;
}

export interface DpkgOptions {
  /** For the files of `status.d`, which list what is there and may leave its state out. */
  readonly stateless?: boolean;
}

/**
 * States of a package (dpkg(1), "Package states"), and whether its files are there. What is half installed counts: some are.
 * The first word of `Status` is what is wanted, not what is: `deinstall ok installed` is there, `install ok not-installed` is not.
 */
const STATES: Readonly<Record<string, boolean>> = {
  'not-installed': false,
  'config-files': false,
  'half-installed': true,
  unpacked: true,
  'half-configured': true,
  'triggers-awaited': true,
  'triggers-pending': true,
  installed: true,
};

const WANTED = ['unknown', 'install', 'hold', 'deinstall', 'purge'];
const FLAGS = ['ok', 'reinstreq', 'hold', 'hold-reinstreq'];

const FIELDS = new Set(['package', 'status', 'version', 'architecture', 'source']);

/**
 * The packages that are there, of a file of dpkg: `/var/lib/dpkg/status`, or one of `status.d`.
 * @throws TouchmarkError `format-packages`, `limit-exceeded`
 */
export function parseDpkgStatus(bytes: Uint8Array, options: DpkgOptions = {}): readonly Package[] {
  return presentPackages([...readDpkgEntries(bytes, options)]);
}

/** Of one package and architecture the last entry counts: files of `updates` are put behind those of `status`. */
export function presentPackages(entries: readonly DpkgEntry[]): readonly Package[] {
  const last = new Map(entries.map(entry => [`${entry.package.name} ${entry.package.architecture}`, entry]));
  return [...last.values()].filter(({ present }) => present).map(entry => entry.package);
}

/** Every entry, in the order of the file; throws as {@link parseDpkgStatus}. */
export function* readDpkgEntries(
  bytes: Uint8Array,
  { stateless = false }: DpkgOptions = {},
): Generator<DpkgEntry> {
  let count = 0;
  for (const stanza of readStanzas(bytes, FIELDS, name => name.toLowerCase())) {
    refuseTooMany(++count);
    yield readEntry(stanza, stateless);
  }
}

function readEntry(stanza: Stanza, stateless: boolean): DpkgEntry {
  const name = parseWord(
    stanza.get('package') ?? failDamaged('an entry has no name'),
    'the name of a package',
  );
  const present = readState(stanza, name, stateless);
  const versionBytes = stanza.get('version');
  if (present && versionBytes === undefined) failDamaged(`the package ${name} has no version`);
  const version = versionBytes ? parseWord(versionBytes, `the version of ${name}`) : '';
  const architectureBytes = stanza.get('architecture');
  const architecture = architectureBytes ? parseWord(architectureBytes, `the architecture of ${name}`) : '';
  const source = readSource(stanza, name, version);
  return { package: { ecosystem: 'deb', name, version, architecture, source }, present };
}

function readState(stanza: Stanza, name: string, stateless: boolean): boolean {
  const status = stanza.get('status');
  // dpkg takes an entry without a state for one that is not installed.
  if (status === undefined) return stateless;
  const text = Buffer.from(status).toString('latin1');
  const [wanted = '', flag = '', state = '', ...more] = text.split(/[ \t]+/);
  const present = STATES[state];
  if (!WANTED.includes(wanted) || !FLAGS.includes(flag) || present === undefined || more.length > 0) {
    return failDamaged(`the package ${name} has the state ${JSON.stringify(text.slice(0, 100))}`);
  }
  return present;
}

const VERSIONED = /^(\S+)[ \t]+\((\S+)\)$/;

/** `name` or `name (version)`; without the field, a package is built from a source of its own name and version. */
function readSource(stanza: Stanza, name: string, version: string): { name: string; version: string } {
  const source = stanza.get('source');
  if (source === undefined) return { name, version };
  const [, of, at] = VERSIONED.exec(Buffer.from(source).toString('latin1')) ?? [];
  const word = (bytes: Uint8Array): string => parseWord(bytes, `the source of ${name}`);
  if (of === undefined || at === undefined) return { name: word(source), version };
  return { name: word(Buffer.from(of, 'latin1')), version: word(Buffer.from(at, 'latin1')) };
}
