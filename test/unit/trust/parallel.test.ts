import { describe, expect, it, onTestFinished } from 'vitest';
import { startRegistry } from '../../../src/testing/index.js';
import { publishRepository } from '../../../src/trust/publish.js';
import { NOW, Simulator } from '../tuf/simulator.js';
import { scratch, serve, storeAccess, visitor, writeRepository } from './support.js';

/** Eight clients with one cache, again and again, while the repository moves on under them. */
async function crowd(repository: Simulator, place: string, publish: () => Promise<void>) {
  const { open } = await visitor(repository, place);
  for (let round = 0; round < 4; round++) {
    repository.addTarget('targets', `${round}`, `${round}`);
    repository.release('targets');
    if (round === 2) {
      await repository.rotate('timestamp');
      repository.releaseRoot();
      repository.release('targets');
    }
    await publish();
    const clients = await Promise.all(Array.from({ length: 8 }, () => open()));
    for (const { client } of clients) expect(await client.findTarget(`${round}`)).toBeDefined();
  }
  // What they left is whole: it serves without the repository.
  const { client } = await open({ offline: true });
  expect(client.status.roles.timestamp.version).toBe(6);
}

describe('many clients and one cache', () => {
  it('over http', async () => {
    const repository = await Simulator.create();
    await crowd(repository, (await serve(repository)).url, async () => {});
  });

  it('over a registry', async () => {
    const registry = await startRegistry();
    onTestFinished(() => registry.close());
    const repository = await Simulator.create();
    const folder = await scratch();
    const destination = `oci://${registry.host}/trust`;
    await crowd(repository, destination, async () => {
      await writeRepository(repository, folder);
      await publishRepository(storeAccess(), { folder, destination, now: NOW });
    });
  });
});
