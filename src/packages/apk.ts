import { failDamaged, type Package, parseWord, refuseTooMany } from './package.js';
import { readStanzas } from './stanzas.js';

/** Name, version, architecture, origin. A letter means another thing in upper than in lower case. */
const FIELDS = new Set(['P', 'V', 'A', 'o']);

/**
 * The packages of Alpine's database, `/lib/apk/db/installed` (the fields of an index of version 2, and the files of each).
 * @throws TouchmarkError `format-packages`, `limit-exceeded`
 */
export function parseApkInstalled(bytes: Uint8Array): readonly Package[] {
  const packages: Package[] = [];
  for (const stanza of readStanzas(bytes, FIELDS)) {
    refuseTooMany(packages.length + 1);
    const name = parseWord(
      stanza.get('P') ?? failDamaged('an entry has no name (P:)'),
      'the name of a package',
    );
    const word = (field: string, what: string): string | undefined => {
      const value = stanza.get(field);
      return value && parseWord(value, `the ${what} of ${name}`);
    };
    const version = word('V', 'version') ?? failDamaged(`the package ${name} has no version (V:)`);
    const origin = word('o', 'origin');
    packages.push({
      ecosystem: 'apk',
      name,
      version,
      architecture: word('A', 'architecture') ?? '',
      ...(origin !== undefined && { source: { name: origin, version } }),
    });
  }
  return packages;
}
