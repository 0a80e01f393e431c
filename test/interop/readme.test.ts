import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSite, type Site } from '../integration/site.js';
import { CHECKOUT } from '../peers/checkout.js';
import { run } from '../peers/command.js';
import { PEERS } from '../peers/peer-list.js';
import { requirePeers } from '../peers/require-peers.js';

const absent = await requirePeers(['docker-registry', 'skopeo', 'cosign3']);

describe.skipIf(absent)('the snippet of the README in which cosign verifies', () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite('readme', { keys: ['ada'] });
  });
  afterAll(() => site?.close());

  it('works on what the README signs', async () => {
    const readme = await readFile(join(CHECKOUT, 'README.md'), 'utf8');
    const [, snippet = ''] = /^```sh cosign\n([\s\S]*?)^```$/m.exec(readme) ?? [];
    expect(snippet).toContain('cosign verify');
    const { tagged } = await site.publish('team/app', '1.4');
    const verify = () =>
      run('sh', ['-euc', snippet], {
        cwd: site.scratch.path,
        env: {
          ...site.scratch.env,
          PATH: `${dirname(PEERS.cosign3.path)}:${process.env['PATH']}`,
          REGISTRY: site.registry.host,
        },
      });
    expect((await verify()).code).not.toBe(0);
    await site.ok('sign', '--key', 'ada.key', '--yes', tagged);
    const verified = await verify();
    expect(verified.code, verified.stderr).toBe(0);
  });
});
