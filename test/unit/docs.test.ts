import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createStoreAccess } from '../../src/oci/open.js';
import { startRegistry } from '../../src/testing/registry.js';
import {
  environmentIn,
  pushTeamImages,
  root,
  run,
  scriptOf,
  snippetsOf,
  useDockerTrust,
} from './documents.js';
import { temporaryFolder } from './images.js';

const files = readdirSync(join(root, 'docs'), { recursive: true, withFileTypes: true })
  .filter(entry => entry.isFile())
  .map(entry => relative(root, join(entry.parentPath, entry.name)));
const pages = files.filter(file => file.endsWith('.md'));

/** A registry with the images that three teams have built. */
async function teamRegistry(): Promise<string> {
  const registry = await startRegistry();
  onTestFinished(() => registry.close());
  const access = createStoreAccess();
  await pushTeamImages(access, registry.host);
  await access.close();
  return registry.host;
}

describe.each(pages)('%s', page => {
  it('has commands that work, one after the other, and leave a sound repository', {
    timeout: 120_000,
  }, async () => {
    const snippets = await snippetsOf(page);
    expect([...new Set(snippets.map(({ language }) => language))], 'every snippet is run').toEqual(['sh']);
    const folder = await temporaryFolder();
    const env = {
      ...(await environmentIn(folder)),
      TOUCHMARK_PASSWORD: 'secret',
      REGISTRY: await teamRegistry(),
    };
    if (page === 'docs/docker-content-trust.md') await useDockerTrust(folder);
    // Each that is about TUF ends with a repository that whoever has its first root takes.
    const isAboutTrust = scriptOf(snippets).includes('touchmark tuf');
    const verify = isAboutTrust ? 'touchmark tuf verify --root trust/metadata/1.root.json trust' : '';
    await run('sh', ['-euc', `${scriptOf(snippets)}\n${verify}`], { cwd: folder, env });
  });

  it('links to what is there', () => {
    const text = readFileSync(join(root, page), 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\(([^)#:]+)\)/g)) {
      expect(files).toContain(join(dirname(page), target));
    }
  });
});
