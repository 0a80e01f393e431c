import { createHash, createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TouchmarkError } from '../../src/base/errors.js';
import { createSigner, parsePkcs8, type Signer } from '../../src/crypto/index.js';
import { createMemoryCache, openClient, openFolderSource, type TufCache } from '../../src/tuf/index.js';
import {
  addRoleKey,
  addTargets,
  delegateBins,
  delegateRole,
  initRepository,
  makeKeyEntry,
  metadataScheme,
  publishStaged,
  type Repository,
  removeRoleKey,
  setThreshold,
  signStaged,
} from '../../src/tuf/repository/index.js';
import type { Answer, Reading } from '../peers/tuf-peer.js';
import type { Recipe, RecipeRole } from './tuf-recipe.js';

/** Writes the repository of a recipe as touchmark's users do: edits, signatures, publications. */
export async function writeOurs(recipe: Recipe, folder: string, now = new Date()): Promise<void> {
  if (!recipe.consistent) throw new Error('touchmark writes consistent snapshots only');
  const signers = new Map<string, Signer>();
  for (const [name, { private: pem, keytype, scheme }] of Object.entries(recipe.keys)) {
    const der = createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' });
    const key = parsePkcs8(der, name);
    const { raw } = makeKeyEntry(key.publicKey);
    if (raw['keytype'] !== keytype || raw['scheme'] !== scheme)
      throw new Error(`touchmark writes ${raw['keytype']} with ${raw['scheme']}`);
    signers.set(name, await createSigner(key, { scheme: metadataScheme(key.publicKey.kind) }));
  }
  const signer = (name: string): Signer => {
    const found = signers.get(name);
    if (!found) throw new Error(`the recipe has no key ${name}`);
    return found;
  };
  const labelled = ({ keys }: RecipeRole) =>
    keys.map(name => ({ key: signer(name).publicKey, label: `${name} \u{1f511}` }));
  const setup = (role: RecipeRole) => ({ keys: labelled(role), threshold: role.threshold, expiryDays: 30 });
  const [first, ...later] = recipe.roots;
  if (!first) throw new Error('the recipe has no root');
  const online = recipe.online.keys.map(signer);
  const publish = async (repository: Repository, roles: readonly RecipeRole[]): Promise<void> => {
    const names = new Set(roles.flatMap(({ keys }) => keys));
    await signStaged(repository, { signers: [...names].map(signer) });
    await publishStaged(repository, { signers: online });
  };

  const repository = await initRepository(folder, {
    root: setup(first),
    targets: setup(recipe.targets),
    snapshot: setup(recipe.online),
    timestamp: setup(recipe.online),
    now,
  });
  const bins = recipe.succinct ?? binsOf(recipe);
  if (bins)
    await delegateBins(repository, {
      kind: recipe.succinct ? 'succinct' : 'prefixes',
      bitLength: 4,
      namePrefix: 'bin',
      keys: labelled(bins),
      threshold: bins.threshold,
      expiryDays: 30,
    });
  for (const { paths, ...role } of recipe.delegate)
    if (paths) await delegateRole(repository, { ...role, paths, keys: labelled(role), expiryDays: 30 });
  for (const { role, path, content, custom } of recipe.list)
    await addTargets(repository, bins ? 'targets' : role, [
      { path, bytes: Buffer.from(content), ...(custom && { custom: custom as never }) },
    ]);
  const delegated = [...recipe.delegate, ...(bins ? [bins] : [])];
  await publish(repository, [first, recipe.targets, ...delegated]);
  let before = first;
  for (const next of later) {
    for (const name of next.keys.filter(key => !before.keys.includes(key)))
      await addRoleKey(repository, 'root', { key: signer(name).publicKey, label: name });
    if (next.threshold !== before.threshold) await setThreshold(repository, 'root', next.threshold);
    for (const name of before.keys.filter(key => !next.keys.includes(key)))
      await removeRoleKey(repository, 'root', makeKeyEntry(signer(name).publicKey).keyid);
    await publish(repository, [before, next]);
    before = next;
  }
}

function binsOf({ delegate }: Recipe): RecipeRole | undefined {
  return delegate.find(({ prefixes }) => prefixes !== undefined);
}

/** Reads the repository in a folder with touchmark's client. */
export async function readOurs(
  folder: string,
  paths: readonly string[],
  cache: TufCache = createMemoryCache(),
): Promise<Reading> {
  try {
    const source = openFolderSource({ metadata: join(folder, 'metadata'), targets: join(folder, 'targets') });
    const root = await readFile(join(folder, 'metadata', '1.root.json'));
    const client = await openClient({ cache, source, root, now: new Date() });
    const answers: Answer[] = [];
    for (const path of paths) {
      const found = await client.findTarget(path);
      if (!found) {
        answers.push({ path, found: false });
        continue;
      }
      const bytes = await client.fetchTarget(found);
      const { custom } = found.info;
      answers.push({ path, found: true, sha256: sha256(bytes), ...(custom && { custom: plain(custom) }) });
    }
    return { answers };
  } catch (error) {
    // Whatever else a client throws is a fault of it, and fails the test.
    if (error instanceof TouchmarkError) return { refused: error.code };
    throw error;
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** As the peers print it. */
function plain(custom: object): unknown {
  return JSON.parse(
    JSON.stringify(custom, (_, value) => (typeof value === 'bigint' ? Number(value) : value)),
  );
}
