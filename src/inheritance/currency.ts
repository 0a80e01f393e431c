import type { Digest } from '../base/digest.js';
import type { Currency, NameCurrency } from './inheritance.js';
import type { Lookup, Lookups, NamedBase, Stage, StageName } from './lineage.js';

/** An image and what it is called. `index` is what the name led to, when that was an index. */
export type Named = Pick<Stage, 'index' | 'names' | 'channel'> & { readonly manifest: Digest | null };

/**
 * Whether every name of an image still leads to it. One that leads elsewhere outweighs one that could not be looked up, and
 * that one those that hold: without a name nothing is known.
 */
export function judgeCurrency(image: Named, lookups: Lookups): Currency {
  const names = [
    ...image.names.map(name => judgeName(name, image, lookups.names.get(name.name))),
    ...(image.channel === null ? [] : [judgeChannel(image.channel, image, lookups)]),
  ];
  return { state: worstState(names), names };
}

/** The name of a base that has no place; what is not the base at all need not be looked up. */
export function nameToLookUp({ name, code }: NamedBase): readonly string[] {
  return name === null || code === 'annotation-mismatch' ? [] : [name];
}

function worstState(names: readonly Pick<NameCurrency, 'state'>[]): Currency['state'] {
  if (names.some(({ state }) => state === 'behind')) return 'behind';
  return names.length === 0 || names.some(({ state }) => state === 'unknown') ? 'unknown' : 'current';
}

function judgeName(
  { name, from }: StageName,
  { manifest, index }: Named,
  lookup: Lookup | undefined,
): NameCurrency {
  const about = { name, from, kind: 'tag', behind: null } as const;
  const unknown = (why: string, code: NameCurrency['code'] = null): NameCurrency => {
    return { ...about, state: 'unknown', by: null, now: null, code, why };
  };
  if (manifest === null) return unknown('nobody says which image it was');
  if (!lookup) return unknown('it was not looked up');
  if (lookup.kind === 'unknown') return unknown(lookup.why, lookup.code);
  const { by, digest, children } = lookup;
  const isSame = digest === manifest || digest === index || children?.includes(manifest) === true;
  if (!isSame && children === null) return unknown(`${digest} could not be read, which may be its index`);
  return { ...about, state: isSame ? 'current' : 'behind', by, now: digest, code: null, why: null };
}

function judgeChannel(channel: string, { manifest, index }: Named, { channels }: Lookups): NameCurrency {
  const about = { name: channel, from: 'policy', kind: 'channel', code: null } as const;
  const releases = channels.get(channel);
  if (!releases) {
    const why = 'no TUF repository was given that has this channel';
    return { ...about, state: 'unknown', by: null, now: null, behind: null, why };
  }
  const at = releases.findIndex(release => release.some(digest => digest === manifest || digest === index));
  const now = releases[0]?.[0] ?? null;
  if (at === 0) return { ...about, state: 'current', by: 'tuf', now, behind: 0, why: null };
  return { ...about, state: 'behind', by: 'tuf', now, behind: at < 0 ? null : at, why: null };
}
