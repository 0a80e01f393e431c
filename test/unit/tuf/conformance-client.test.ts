import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { CHECKOUT } from '../../peers/checkout.js';
import { run } from '../../peers/command.js';
import { type FileServer, scratch, serve } from '../trust/support.js';
import { Simulator } from './simulator.js';

/** The command line that the public conformance suite asks of a client: exit codes, requests, and what lies in its folders. */

const CLIENT = join(CHECKOUT, 'test/conformance/tuf-client.mjs');
const PAST = '2020-01-01T00:00:00Z';

let repository: Simulator;
let server: FileServer;
let metadata: string;
let targets: string;
let root: string;

beforeEach(async () => {
  repository = await Simulator.create();
  server = await serve(repository);
  const folder = await scratch();
  [metadata, targets, root] = [await scratch(), await scratch(), join(folder, 'root.json')];
  writeFileSync(root, repository.files.get('1.root.json') as Uint8Array);
});

async function client(...args: readonly string[]): Promise<number> {
  server.requests.length = 0;
  const { code } = await run(process.execPath, [CLIENT, '--metadata-dir', metadata, ...args]);
  return code;
}

const init = () => client('init', root);
const refresh = () => client('--metadata-url', `${server.url}/metadata`, 'refresh');
const download = (...names: readonly string[]) =>
  client(
    ...['--metadata-url', `${server.url}/metadata`, '--target-dir', targets],
    ...['--target-base-url', `${server.url}/targets`, ...names.flatMap(name => ['--target-name', name])],
    'download',
  );
const asked = () => server.requests.map(path => path.replace(/^metadata\//, ''));
const stored = (role: string) =>
  JSON.parse(readFileSync(join(metadata, `${role}.json`), 'utf8')).signed.version;

describe('init', () => {
  test('stores the root and asks for nothing', async () => {
    expect(await init()).toBe(0);
    expect(server.requests).toEqual([]);
    expect(readFileSync(join(metadata, 'root.json'))).toEqual(readFileSync(root));
  });

  test('with a root that does not hold leads to a refresh that fails before any request', async () => {
    const damaged = JSON.parse(readFileSync(root, 'utf8'));
    damaged.signed.version = 2;
    writeFileSync(root, JSON.stringify(damaged));
    await init();
    expect(await refresh()).toBe(1);
    expect(server.requests).toEqual([]);
  });
});

describe('refresh', () => {
  test('asks for each file once, stores the bytes as received, and asks for two when nothing is new', async () => {
    await init();
    expect(await refresh()).toBe(0);
    expect(asked()).toEqual(['2.root.json', 'timestamp.json', '1.snapshot.json', '1.targets.json']);
    const files = readdirSync(metadata).filter(name => name.endsWith('.json'));
    expect(files.sort()).toEqual(['root.json', 'snapshot.json', 'targets.json', 'timestamp.json']);
    const bytes = readFileSync(join(metadata, 'targets.json'));
    expect(bytes.equals(repository.files.get('1.targets.json') as Uint8Array)).toBe(true);
    expect(await refresh()).toBe(0);
    expect(asked()).toEqual(['2.root.json', 'timestamp.json']);
  });

  test('follows roots, and stores an expired last one that it refuses', async () => {
    await init();
    repository.releaseRoot();
    repository.signed('root').expires = PAST;
    repository.releaseRoot();
    expect(await refresh()).toBe(1);
    expect(stored('root')).toBe(3);
    expect(asked()).toEqual(['2.root.json', '3.root.json', '4.root.json']);
    repository.signed('root').expires = '2031-01-01T00:00:00Z';
    repository.releaseRoot();
    expect(await refresh()).toBe(0);
  });

  test('keeps what it has of a timestamp that goes back', async () => {
    await init();
    repository.release();
    expect(await refresh()).toBe(0);
    repository.signed('timestamp').version = 1;
    repository.write('timestamp');
    expect(await refresh()).toBe(1);
    expect(stored('timestamp')).toBe(2);
  });

  test('stores no expired timestamp', async () => {
    await init();
    repository.signed('timestamp').expires = PAST;
    repository.write('timestamp');
    expect(await refresh()).toBe(1);
    expect(readdirSync(metadata)).not.toContain('timestamp.json');
  });
});

describe('download', () => {
  beforeEach(async () => {
    repository.addTarget('targets', 'dir/file.txt', 'content');
    repository.release('targets');
    await init();
  });

  test('stores a target once, and does not ask for it again', async () => {
    expect(await download('dir/file.txt')).toBe(0);
    const [name = ''] = readdirSync(targets);
    expect(readFileSync(join(targets, name), 'utf8')).toBe('content');
    expect(await download('dir/file.txt')).toBe(0);
    expect(asked().filter(path => path.startsWith('targets/'))).toEqual([]);
    expect(readdirSync(targets)).toEqual([name]);
  });

  test('fails for what is not listed or is another file, and stores nothing', async () => {
    expect(await download('dir/none.txt')).toBe(1);
    for (const name of repository.targetFiles.keys())
      repository.targetFiles.set(name, Buffer.from('contenT'));
    expect(await download('dir/file.txt')).toBe(1);
    expect(readdirSync(targets)).toEqual([]);
  });

  test.each([
    ['?', '%3F'],
    ['#', '%23'],
    ['/team', '%2Fteam'],
    ['../team', '..%2Fteam'],
  ])('asks for the role %s under its encoded name, and keeps it in the folder', async (role, encoded) => {
    await repository.delegate('targets', role);
    repository.addTarget(role, 'x.txt', 'from the role');
    repository.release('targets', role);
    expect(await download('x.txt')).toBe(0);
    expect(asked()).toContain(`2.${encoded}.json`);
    const files = readdirSync(metadata).filter(name => name.endsWith('.json'));
    expect(files).toHaveLength(5);
  });

  test('searches delegations in their order, children first, up to one that ends the search', async () => {
    await repository.delegate('targets', 'A', { terminating: false });
    await repository.delegate('targets', 'B', { terminating: true });
    await repository.delegate('targets', 'C');
    await repository.delegate('A', 'D');
    repository.release('targets', 'A', 'B', 'C', 'D');
    expect(await download('none.txt')).toBe(1);
    const roles = asked().filter(name => /^[0-9]+\.[A-D]\.json$/.test(name));
    expect(roles.map(name => name.split('.')[1])).toEqual(['A', 'D', 'B']);
  });
});
