import { generateKeyPairSync } from 'node:crypto';
import { binNameFor } from '../../src/tuf/index.js';

/** A key as it stands in metadata; who writes it may have a name of its own for the same kind. */
export interface RecipeKey {
  readonly keytype: string;
  readonly scheme: string;
  /** PKCS #8 in PEM. */
  readonly private: string;
}

export interface RecipeRole {
  /** Names of keys. */
  readonly keys: readonly string[];
  readonly threshold: number;
}

/** A repository that touchmark, python-tuf and go-tuf can each write, for the others to read. */
export interface Recipe {
  readonly consistent: boolean;
  readonly keys: Readonly<Record<string, RecipeKey>>;
  /** The root role of version 1, 2 and so on. */
  readonly roots: readonly RecipeRole[];
  readonly targets: RecipeRole;
  /** Snapshot and timestamp. */
  readonly online: RecipeRole;
  readonly delegate: readonly (RecipeRole & {
    readonly delegator: string;
    readonly name: string;
    readonly terminating: boolean;
    readonly paths?: readonly string[];
    readonly prefixes?: readonly string[];
  })[];
  readonly succinct?: RecipeRole & { readonly bitLength: number; readonly namePrefix: string };
  readonly list: readonly {
    readonly role: string;
    readonly path: string;
    readonly content: string;
    readonly custom?: object;
  }[];
  /** Members that nobody knows, for every root and every role of targets. */
  readonly unknown: object;
}

export type Curve = 'ed25519' | 'P-256' | 'P-384' | 'P-521' | 'rsa';

/** The spellings that some implementation writes, and the kind of key behind each. */
export const KEY_FORMS = [
  ['ed25519', 'ed25519', 'ed25519'],
  ['ecdsa', 'ecdsa-sha2-nistp256', 'P-256'],
  ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp256', 'P-256'],
  ['ecdsa', 'ecdsa-sha2-nistp384', 'P-384'],
  ['ecdsa', 'ecdsa-sha2-nistp521', 'P-521'],
  ['rsa', 'rsassa-pss-sha256', 'rsa'],
  ['rsa', 'rsassa-pss-sha384', 'rsa'],
  ['rsa', 'rsassa-pss-sha512', 'rsa'],
  ['rsa', 'rsa-pkcs1v15-sha256', 'rsa'],
  ['rsa', 'rsa-pkcs1v15-sha512', 'rsa'],
] as const satisfies readonly (readonly [string, string, Curve])[];

export type KeyForm = (typeof KEY_FORMS)[number];

export function makeRecipeKey([keytype, scheme, kind]: KeyForm): RecipeKey {
  const { privateKey } =
    kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : kind === 'ed25519'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('ec', { namedCurve: kind });
  return { keytype, scheme, private: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string };
}

const one = (...keys: string[]): RecipeRole => ({ keys, threshold: 1 });

/** A repository of one key and one target. */
export function simpleRecipe(form: KeyForm, more: Partial<Recipe> = {}): Recipe {
  return {
    consistent: true,
    keys: { all: makeRecipeKey(form) },
    roots: [one('all')],
    targets: one('all'),
    online: one('all'),
    delegate: [],
    list: [{ role: 'targets', path: 'file.txt', content: 'what everybody must read' }],
    unknown: {},
    ...more,
  };
}

/** What a repository can be beside its keys. Each lists targets that are found and names some that are not. */
export interface Feature {
  readonly title: string;
  readonly recipe: Recipe;
  /** Asked for beside what the recipe lists. */
  readonly absent?: readonly string[];
  /** Listed, but hidden by a role that is asked first and ends the search. */
  readonly hidden?: readonly string[];
}

const ECDSA: KeyForm = KEY_FORMS[1];
const ED25519: KeyForm = KEY_FORMS[0];

export function makeFeatures(): readonly Feature[] {
  const base = (more: Partial<Recipe> = {}): Recipe => {
    const names = ['a', 'b', 'c', 'd', 'online', 'targets', 'team', 'inner'];
    const keys = Object.fromEntries(
      names.map((name, i) => [name, makeRecipeKey(i % 2 ? ED25519 : ECDSA)] as const),
    );
    return simpleRecipe(ECDSA, {
      keys,
      roots: [{ keys: ['a', 'b'], threshold: 2 }],
      targets: one('targets'),
      online: one('online'),
      ...more,
    });
  };
  const file = (role: string, path: string, custom?: object) => ({
    role,
    path,
    content: `${path} of ${role}`,
    ...(custom && { custom }),
  });
  const delegation = (name: string, paths: readonly string[], more: object = {}) => ({
    ...one('team'),
    delegator: 'targets',
    name,
    terminating: false,
    paths,
    ...more,
  });
  const binned = ['bin/one.tgz', 'bin/two.tgz', 'bin/three.tgz'];
  const succinct = { ...one('team'), bitLength: 4, namePrefix: 'bin' };
  const inBins = binned.map(path => file(binNameFor({ ...succinct, keyids: [] }, path), path));
  return [
    { title: 'thresholds of root, 2 of 2', recipe: base() },
    {
      title: 'root rotations: key replaced, threshold up, threshold down',
      recipe: base({
        roots: [
          { keys: ['a', 'b'], threshold: 2 },
          { keys: ['a', 'c'], threshold: 2 },
          { keys: ['a', 'c', 'd'], threshold: 3 },
          { keys: ['d'], threshold: 1 },
        ],
      }),
    },
    {
      title: 'nested delegations',
      recipe: base({
        delegate: [
          delegation('outer', ['team/*', 'team/*/*']),
          { ...delegation('inner', ['team/inner/*']), ...one('inner'), delegator: 'outer' },
        ],
        list: [file('outer', 'team/a.txt'), file('inner', 'team/inner/b.txt')],
      }),
      absent: ['team/none.txt', 'team/inner/none.txt', 'other/a.txt'],
    },
    {
      title: 'the first of two roles is asked first',
      recipe: base({
        delegate: [delegation('zeta', ['*.txt']), delegation('alpha', ['*'])],
        list: [file('zeta', 'x.txt'), file('alpha', 'y.tgz')],
      }),
    },
    {
      title: 'a terminating delegation',
      recipe: base({
        delegate: [delegation('first', ['*.txt'], { terminating: true }), delegation('second', ['*'])],
        list: [file('first', 'x.txt'), file('second', 'hidden.txt'), file('second', 'y.tgz')],
      }),
      hidden: ['hidden.txt'],
    },
    {
      title: 'hash bins by `path_hash_prefixes`',
      recipe: base({
        delegate: Array.from({ length: 16 }, (_, i) => ({
          ...one('team'),
          delegator: 'targets',
          name: `bin-${i.toString(16)}`,
          terminating: false,
          prefixes: [i.toString(16)],
        })),
        list: inBins,
      }),
      absent: ['bin/none.tgz'],
    },
    {
      title: 'hash bins by `succinct_roles`',
      recipe: base({ succinct, list: inBins }),
      absent: ['bin/none.tgz'],
    },
    {
      title: 'paths beyond ASCII, astral planes included',
      recipe: base({
        list: ['ünïcode/öl.txt', '\ufb33.txt', '\u{1f600}.txt', 'sp ace.txt'].map(path =>
          file('targets', path),
        ),
      }),
    },
    {
      title: 'custom data: beyond ASCII, line breaks, control characters, key order by code points',
      recipe: base({
        list: [
          file('targets', 'custom.txt', {
            '\ufb33': 'first',
            '\u{1f600}': 'second',
            lines: 'one\ntwo\ttab \u0001 "quoted" \\ \u2028 \u007f <&>',
            nested: [{ a: [null, true, 0, -1] }],
          }),
        ],
      }),
    },
    {
      title: 'whole numbers up to 2^53-1 in custom data',
      recipe: base({ list: [file('targets', 'big.txt', { big: Number.MAX_SAFE_INTEGER })] }),
    },
    {
      title: 'whole numbers beyond 2^53 in custom data',
      recipe: base({ list: [file('targets', 'bigger.txt', { bigger: 9007199254740993n })] }),
    },
    {
      title: 'members that nobody knows',
      recipe: base({ unknown: { 'x-unknown': { '\u{1f600}': [1, 'two\nlines'] }, another: null } }),
    },
    { title: 'without consistent snapshots', recipe: base({ consistent: false }) },
  ];
}
