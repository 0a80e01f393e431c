import { fail } from '../../base/errors.js';
import type { ExactJsonObject } from '../../base/json.js';
import type { PublicKey } from '../../crypto/keys.js';
import type { RoleKeys } from '../metadata.js';
import type { LabelledKey, TargetEntry } from '../repository/index.js';
import { type NotaryKey, openNotaryKey } from './keys.js';
import { digestOf, listTags, type NotaryRole, type NotaryTag } from './tree.js';
import type { NotaryVerdict } from './verify.js';

/** Something that has no place in the new repository, and why. */
export interface Loss {
  readonly what: string;
  readonly why: string;
}

export interface PlannedKeys {
  readonly keys: readonly LabelledKey[];
  readonly threshold: number;
}

export interface PlannedRole extends PlannedKeys {
  readonly name: string;
  /** The role of Notary that it comes from. */
  readonly from: string;
  readonly paths: readonly string[];
  readonly entries: readonly TargetEntry[];
}

/** A TUF repository that says what a verified Notary repository said. */
export interface ImportPlan {
  readonly gun: string;
  readonly root: PlannedKeys;
  readonly targets: PlannedKeys;
  /** In order of priority. */
  readonly roles: readonly PlannedRole[];
  readonly losses: readonly Loss[];
}

const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/**
 * What becomes of a repository of Notary. Only what was proven is taken:
 * - root and targets keep their keys, without the certificates around them;
 * - `targets/releases` becomes `release`, which lists the released tags; tags that only `targets` lists stand behind it, as
 *   Docker looked them up;
 * - every other delegation becomes a team, with its keys and the paths of its custody claims. It gets no tags: here, who may
 *   list a tag has released it.
 * @param releasePath the target path of a tag; with `*` in place of the tag, the pattern of all
 * @throws TouchmarkError `internal` for a verdict with problems
 */
export function planImport(
  gun: string,
  verdict: NotaryVerdict,
  releasePath: (tag: string) => string,
): ImportPlan {
  const { root, roles, problems } = verdict;
  const top = roles.find(({ name }) => name === 'targets');
  if (root === undefined || top === undefined || problems.length > 0)
    return fail('internal', 'only what was verified is imported');
  const losses: Loss[] = [];
  const lose = (what: string, why: string) => losses.push({ what, why });
  const teams = roles.filter(({ name }) => name !== 'targets' && name !== 'targets/releases');
  const labels = labelsOf(teams);
  const holders = (keys: ReadonlyMap<string, NotaryKey>, by: RoleKeys, label: string): PlannedKeys => ({
    keys: keysOf(keys, by).map(({ key, commonName }) => ({
      key,
      label: labels.get(key.keyid) ?? (commonName === undefined || commonName === gun ? label : commonName),
    })),
    threshold: by.threshold,
  });
  const rootKeys = root.payload.roles.get('root') ?? fail('internal', 'a root without itself');
  lose(
    'the keys of snapshot and timestamp',
    'they are with the server, or sign in its name: a new online key takes their place',
  );
  noteCertificates();

  const tags = listTags(roles);
  const releases = roles.find(({ name }) => name === 'targets/releases');
  const entries = (role: string) => tags.filter(({ released }) => released === role).flatMap(carry);
  for (const role of roles)
    for (const name of customOf(role))
      lose(
        `extra data of ${JSON.stringify(name.slice(0, 140))} (${role.name})`,
        'nothing here would read it',
      );
  const paths = [releasePath('*')];
  const adminTags = entries('targets');
  const admin = { ...holders(top.keys, top.by, `targets of ${gun}`), from: 'targets', paths };
  const planned: PlannedRole[] = releases
    ? [
        {
          ...holders(releases.keys, releases.by, `releases of ${gun}`),
          name: 'release',
          from: releases.name,
          paths,
          entries: entries(releases.name),
        },
        ...(adminTags.length > 0 ? [{ ...admin, name: 'release-admin', entries: adminTags }] : []),
      ]
    : [{ ...admin, name: 'release', entries: adminTags }];
  for (const team of teams) planned.push(...planTeam(team));
  if ([top.by, rootKeys, ...roles.map(({ by }) => by)].every(({ threshold }) => threshold === 1))
    lose('thresholds', 'Notary only ever asked for one key; touchmark tuf role threshold asks for more');
  return {
    gun,
    root: holders(root.payload.keys, rootKeys, `root of ${gun}`),
    targets: holders(top.keys, top.by, `targets of ${gun}`),
    roles: planned,
    losses,
  };

  function noteCertificates(): void {
    const own = { keys: root?.payload.keys ?? new Map<string, NotaryKey>(), by: rootKeys };
    const certified = new Map<string, string>();
    for (const { keys, by } of [own, ...roles])
      for (const { id, commonName } of keysOf(keys, by))
        if (commonName !== undefined) certified.set(id, commonName);
    for (const [id, name] of certified)
      lose(`the certificate of ${name}`, `a key needs none here: ${id.slice(0, 16)} stays as it is`);
  }

  function carry(tag: NotaryTag): readonly TargetEntry[] {
    if (!TAG.test(tag.tag))
      lose(JSON.stringify(tag.tag.slice(0, 140)), 'it is not a tag that a registry can have');
    else if (digestOf(tag.file) === undefined) lose(`the tag ${tag.tag}`, 'it is listed without a SHA-256');
    // The file itself is the manifest, which lies in the registry: its hash is the digest.
    else return [{ path: releasePath(tag.tag), length: tag.file.length, hashes: tag.file.hashes }];
    return [];
  }

  function planTeam(team: NotaryRole): readonly PlannedRole[] {
    const { name, keys, by, prefixes, metadata } = team;
    const short = name.slice('targets/'.length).replaceAll('/', '.');
    if (!/^[a-z0-9]/.test(short)) {
      lose(`the delegation ${name}`, 'its name cannot be one here: delegate to its keys under another');
      return [];
    }
    const signed = [...(metadata?.payload.targets ?? [])];
    if (signed.length > 0)
      lose(
        `what ${short} signed (${signed
          .map(([tag]) => tag)
          .slice(0, 5)
          .join(', ')}${signed.length > 5 ? ', …' : ''})`,
        'it goes with the image here: its team signs it with touchmark sign or custody mark',
      );
    if (!prefixes.includes(''))
      lose(
        `the prefixes of ${short}`,
        'a team speaks for its own claims; what it may do is the policy’s to say',
      );
    return [
      {
        ...holders(keys, by, short),
        name: `team-${short}`,
        from: name,
        paths: [`custody/${short}/*/*`],
        entries: [],
      },
    ];
  }
}

/** Who holds a key, by the delegations that name it: in a release role it is more than "a key of releases". */
function labelsOf(teams: readonly NotaryRole[]): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  for (const { name, keys, by } of teams)
    for (const { key } of keysOf(keys, by))
      if (!labels.has(key.keyid)) labels.set(key.keyid, name.slice('targets/'.length));
  return labels;
}

interface OpenedKey {
  readonly key: PublicKey;
  readonly id: string;
  readonly commonName: string | undefined;
}

/** The keys of a role, each once however many certificates are around it. */
function keysOf(keys: ReadonlyMap<string, NotaryKey>, by: RoleKeys): readonly OpenedKey[] {
  const found = new Map<string, OpenedKey>();
  for (const keyid of by.keyids) {
    const key = keys.get(keyid);
    if (key === undefined) continue;
    const { publicKey, canonicalKeyid, certificate } = openNotaryKey(key);
    if (!found.has(publicKey.keyid))
      found.set(publicKey.keyid, {
        key: publicKey,
        id: canonicalKeyid,
        commonName: certificate?.commonName,
      });
  }
  return [...found.values()];
}

/** Names with extra data of their publisher, which Docker never wrote and nobody here would read. */
function customOf({ metadata }: NotaryRole): readonly string[] {
  const targets = (metadata?.payload.raw['targets'] ?? {}) as { readonly [name: string]: ExactJsonObject };
  return Object.entries(targets).flatMap(([name, { custom }]) =>
    custom === undefined || custom === null ? [] : [name],
  );
}
