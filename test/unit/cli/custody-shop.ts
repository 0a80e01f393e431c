import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { SCHEMAS } from '../../../src/cli/schemas.js';
import { createStoreAccess, openStore } from '../../../src/oci/open.js';
import { parseReference } from '../../../src/oci/reference.js';
import { buildImage, pushImage, type TestImage, type TestIndex } from '../../../src/testing/image.js';
import { type CliResult, runCli } from './run-cli.js';

/** No output may ever hold it. */
export const PASSWORD = 'corréct horse';
const env = { TOUCHMARK_PASSWORD: PASSWORD, CI: 'true' };

export const base = buildImage({ layers: [{ 'etc/os-release': 'ID=demo' }] });
export const runtime = buildImage({ base, layers: [{ 'usr/bin/run': 'x' }] });
export const app = buildImage({ base: runtime, layers: [{ 'opt/app/main': 'hello' }] });

const TEAMS = { base: ['linus', 'grace'], runtime: ['ada'], app: ['alan'], security: ['sue'] } as const;

export interface Shop {
  readonly cwd: string;
  run(...argv: string[]): Promise<CliResult>;
  /** `custody VERB IMAGE` for a team, with its key and the policy, answering yes. */
  custody(verb: string, image: string, team: string, key: string, ...more: string[]): Promise<CliResult>;
  push(reference: string, image: TestImage | TestIndex): Promise<void>;
  /** Of everything in the folder: equal ones mean that nothing was written. */
  state(): string;
}

/** Keys and `policy.yaml` in a folder; base, runtime and app in the layout `shop`. The base step needs two signers. */
export async function openShop(cwd: string, ...repositories: string[]): Promise<Shop> {
  const run = (...argv: string[]) => runCli(argv, { cwd, env });
  const people = Object.values(TEAMS).flat();
  const made = await Promise.all([...people, 'eve'].map(name => run('key', 'generate', name)));
  expect(made.map(({ exitCode }) => exitCode)).toEqual(made.map(() => 0));
  writeFileSync(join(cwd, 'policy.yaml'), policyFor(['localhost/*', ...repositories]));
  const push = async (reference: string, image: TestImage | TestIndex) => {
    const at = parseReference(reference.replace(/^oci:/, `oci:${cwd}/`));
    const access = createStoreAccess();
    const store = await openStore(at, access);
    await pushImage(store, image, at.tag);
    await store.commit();
    await store.close();
    await access.close();
  };
  for (const [tag, image] of Object.entries({ base, runtime, app })) await push(`oci:shop:${tag}`, image);
  return {
    cwd,
    run,
    custody: (verb, image, team, key, ...more) =>
      run(
        ...[
          'custody',
          verb,
          image,
          '--team',
          team,
          '--policy',
          'policy.yaml',
          '--key',
          `${key}.key`,
          '--yes',
        ],
        ...more,
      ),
    push,
    state: () => stateOf(cwd),
  };
}

function policyFor(repositories: readonly string[]): string {
  const lines = [
    'custody: 1',
    'name: shop',
    'version: 1',
    `scope: { repositories: ${JSON.stringify(repositories)} }`,
    'teams:',
    ...Object.entries(TEAMS).map(
      ([team, people]) =>
        `  ${team}: { signers: { ${people.map(name => `${name}: { keys: ["${name}.pub"] }`).join(', ')} } }`,
    ),
    'evidence: manifest',
    'flow:',
    '  - { step: upstream, team: base, kinds: [adopt], count: [0, 1], threshold: 1, upstream: ["**"], upstreamVerified: true }',
    '  - { step: base, team: base, kinds: [add], count: [0, 1], threshold: 2 }',
    '  - { step: runtime, team: runtime, kinds: [add, config], count: [0, 1], threshold: 1 }',
    '  - { step: app, team: app, kinds: [add, config], threshold: 1 }',
    'approvals:',
    '  - { name: scan, team: security, threshold: 1, maxAge: 7d, evidence: [{ type: scan-report }] }',
  ];
  return `${lines.join('\n')}\n`;
}

function stateOf(folder: string): string {
  const hash = createHash('sha256');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile());
  for (const file of files.map(entry => join(entry.parentPath, entry.name)).sort())
    hash.update(`${file}\n`).update(readFileSync(file));
  return hash.digest('hex');
}

/** The document on stdout, held to its published schema. */
export function documentOf(name: keyof typeof SCHEMAS, { stdout }: CliResult) {
  // biome-ignore lint/suspicious/noExplicitAny: the schema has checked it
  return SCHEMAS[name].parse(JSON.parse(stdout)) as any;
}

/** Two people mark the base, the runtime team marks on it, and, unless it is left out, the app team on that. */
export async function markUpTo({ custody }: Shop, last: 'base' | 'runtime' | 'app'): Promise<void> {
  const steps: CliResult[] = [await custody('mark', 'oci:shop:base', 'base', 'linus', '--step', 'base')];
  steps.push(await custody('co-sign', 'oci:shop:base', 'base', 'grace'));
  if (last !== 'base')
    steps.push(
      await custody(
        'mark',
        'oci:shop:runtime',
        'runtime',
        'ada',
        '--step',
        'runtime',
        '--base',
        'oci:shop:base',
      ),
    );
  if (last === 'app')
    steps.push(
      await custody('mark', 'oci:shop:app', 'app', 'alan', '--step', 'app', '--base', 'oci:shop:runtime'),
    );
  for (const { exitCode, stderr } of steps) expect(exitCode, stderr).toBe(0);
}
