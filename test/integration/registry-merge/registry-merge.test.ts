import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

it('32 processes that write one fallback tag and one signature tag of docker-registry at once lose nothing', async () => {
  const script = join(import.meta.dirname, 'run.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [script, '32', '1']);
  expect(JSON.parse(stdout.split('\n')[0] ?? '')).toMatchObject({ writers: 32, kept: 32, keptLayers: 32 });
  expect(stdout).toContain('nothing lost');
});
