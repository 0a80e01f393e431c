import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { environmentIn, root, run, scriptOf, snippetsOf, useDockerTrust } from './documents.js';
import { temporaryFolder } from './images.js';

const pages = readdirSync(join(root, 'docs'), { recursive: true, withFileTypes: true })
  .filter(entry => entry.isFile())
  .map(entry => relative(root, join(entry.parentPath, entry.name)));

describe.each(pages)('%s', page => {
  it('has commands that work, one after the other, and leave a sound repository', {
    timeout: 120_000,
  }, async () => {
    const snippets = await snippetsOf(page);
    expect([...new Set(snippets.map(({ language }) => language))], 'every snippet is run').toEqual(['sh']);
    const folder = await temporaryFolder();
    const env = { ...(await environmentIn(folder)), TOUCHMARK_PASSWORD: 'secret' };
    if (page === 'docs/docker-content-trust.md') await useDockerTrust(folder);
    // Each ends with a repository that whoever has its first root takes.
    const verify = 'touchmark tuf verify --root trust/metadata/1.root.json trust';
    await run('sh', ['-euc', `${scriptOf(snippets)}\n${verify}`], { cwd: folder, env });
  });

  it('links to what is there', () => {
    const text = readFileSync(join(root, page), 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\(([^)#:]+)\)/g)) {
      expect(pages).toContain(join(dirname(page), target));
    }
  });
});
