import { createStoreAccess, openStore, type StoreAccess } from '../../src/oci/open.js';
import { parseReference } from '../../src/oci/reference.js';
import { pushImage, startRegistry, type TestRegistry } from '../../src/testing/index.js';
import { CLI } from '../peers/checkout.js';
import { cosign, cosignSign, cosignSignArgs, cosignVerifyArgs } from '../peers/cosign.js';
import { type DockerRegistry, startDockerRegistry } from '../peers/docker-registry.js';
import { PEERS } from '../peers/peer-list.js';
import { createScratch, type Scratch } from '../peers/scratch.js';
import { smallImage } from '../peers/small-image.js';
import { touchmarkOk } from '../peers/touchmark.js';
import type { Candidate, Place } from './measure.js';

/** What all measurements share: a docker-registry, a registry with the referrers API, a key, small images. */
export interface Bench {
  readonly scratch: Scratch;
  readonly place: Place;
  readonly plain: DockerRegistry;
  readonly modern: TestRegistry;
  /** A fraction of the rounds, to try the benchmark itself. */
  readonly quick: boolean;
  /** Pushes a new small image; returns its reference by tag and by digest. */
  publish(
    host: string,
    path: string,
    tag?: string,
  ): Promise<{ readonly tagged: string; readonly pinned: string }>;
  close(): Promise<void>;
}

export async function openBench(quick: boolean): Promise<Bench> {
  const scratch = createScratch('bench');
  const plain = await startDockerRegistry(scratch.file('registry'));
  const modern = await startRegistry();
  const access: StoreAccess = createStoreAccess({ environment: scratch.env });
  await touchmarkOk(scratch, ['key', 'generate', 'ada']);
  return {
    scratch,
    place: { cwd: scratch.path, env: scratch.env },
    plain,
    modern,
    quick,
    publish: async (host, path, tag = 'v1') => {
      const tagged = `${host}/${path}:${tag}`;
      const store = await openStore(parseReference(tagged), access);
      const digest = await pushImage(store, smallImage(`${path}:${tag}`), tag);
      await store.close();
      return { tagged, pinned: `${host}/${path}@${digest}` };
    },
    close: async () => {
      await access.close();
      await modern.close();
      await plain.stop();
      scratch.remove();
    },
  };
}

/** touchmark with fixed arguments. */
export function ours(name: string, ...args: readonly string[]): Candidate {
  return { name, file: process.execPath, args: () => [CLI, ...args] };
}

export function cosignVerifying(bench: Bench, image: string, ...more: readonly string[]): Candidate {
  const args = [...cosignVerifyArgs(bench.scratch, 3, 'bundle'), '--key', 'ada.pub', ...more, image];
  return { name: 'cosign 3', file: PEERS.cosign3.path, args: () => args };
}

export { cosign, cosignSign, cosignSignArgs };
