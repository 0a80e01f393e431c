/**
 * The databases of package managers, which every installation of a package rewrites. Whoever lets a step install packages says
 * so by name: with these a step can also say that it installed what it did not.
 */
export const PATH_PRESETS: Readonly<Record<string, readonly string[]>> = {
  '@dpkg': ['/var/lib/dpkg', '/var/lib/dpkg/**'],
  '@apk': ['/lib/apk/db', '/lib/apk/db/**', '/usr/lib/apk/db', '/usr/lib/apk/db/**', '/etc/apk/world'],
  '@rpm': ['/var/lib/rpm', '/var/lib/rpm/**', '/usr/lib/sysimage/rpm', '/usr/lib/sysimage/rpm/**'],
};

/** The patterns of a list, presets written out. */
export function expandPresets(patterns: readonly string[]): readonly string[] {
  return patterns.flatMap(pattern =>
    Object.hasOwn(PATH_PRESETS, pattern) ? (PATH_PRESETS[pattern] ?? []) : [pattern],
  );
}
