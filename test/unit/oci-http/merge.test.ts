import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import type { Digest } from '../../../src/base/digest.js';
import { type Descriptor, describe as describeContent } from '../../../src/oci/descriptor.js';
import { addReferrer } from '../../../src/oci/http/fallback-index.js';
import { mergeTag } from '../../../src/oci/http/tag-merge.js';
import { parseManifest, rawManifest, serializeManifest } from '../../../src/oci/manifest.js';
import { MEDIA_TYPES } from '../../../src/oci/media-types.js';
import type { TagMerge } from '../../../src/oci/store.js';
import { type RegistryHabits, SimulatedTag, Simulation } from './simulation.js';
import { IMAGE, testManifest } from './support.js';

const referrer = (n: number): Descriptor => describeContent(MEDIA_TYPES.ociManifest, utf8(`referrer ${n}`));
const listed = (tag: SimulatedTag): Digest[] => {
  if (!tag.content) return [];
  const index = parseManifest(rawManifest(tag.content.mediaType, tag.content.bytes));
  return index.kind === 'index' ? index.manifests.map(d => d.digest) : [];
};
/** A plain union that forgets what it has seen: each writer can only save itself. */
const union =
  (own: Descriptor): TagMerge =>
  current => {
    const index = current && parseManifest(current);
    const manifests = index?.kind === 'index' ? index.manifests : [];
    if (manifests.some(d => d.digest === own.digest)) return undefined;
    return serializeManifest({ manifests: [...manifests, own] });
  };

interface Setting {
  readonly writers: number;
  /** Milliseconds between the first writer's start and the last one's. */
  readonly spread: number;
  readonly habits: RegistryHabits;
  readonly merge: (own: Descriptor) => TagMerge;
  readonly quiet?: number;
}

/** The number of writers who were told that all is well and are not listed. */
async function lost(seed: number, setting: Setting): Promise<number> {
  const simulation = new Simulation(seed);
  const tag = new SimulatedTag(simulation, setting.habits);
  const writers = Array.from({ length: setting.writers }, async (_, n) => {
    await simulation.sleep(simulation.random() * setting.spread);
    const repository = tag.repository(setting.quiet === undefined ? {} : { quiet: setting.quiet });
    await mergeTag(repository, 'list', setting.merge(referrer(n)));
    return referrer(n).digest;
  });
  const done = await simulation.run(Promise.all(writers));
  const there = listed(tag);
  return done.filter(digest => !there.includes(digest)).length;
}

const even: RegistryHabits = { delay: random => 1 + 20 * random(), faults: 0 };
/** Most requests are quick, some take twenty times as long. */
const uneven: RegistryHabits = {
  delay: random => (random() < 0.1 ? 100 * random() : 1 + 5 * random()),
  faults: 0,
};
const faulty: RegistryHabits = { delay: random => 1 + 30 * random(), faults: 0.1, vanishing: 0.1 };

async function lostInAll(seeds: number, setting: Setting): Promise<number> {
  let sum = 0;
  for (let seed = 1; seed <= seeds; seed++) sum += await lost(seed, setting);
  return sum;
}

describe('many writers of one tag lose nothing', () => {
  it.each([
    ['two, at once', 200, { writers: 2, spread: 0, habits: even, merge: addReferrer }],
    ['two, one after the other', 200, { writers: 2, spread: 200, habits: uneven, merge: addReferrer }],
    ['two who forget', 200, { writers: 2, spread: 100, habits: uneven, merge: union }],
    ['five who forget', 100, { writers: 5, spread: 100, habits: uneven, merge: union }],
    ['twelve over a faulty registry', 30, { writers: 12, spread: 500, habits: faulty, merge: addReferrer }],
    [
      'twelve who forget, over a faulty registry',
      30,
      { writers: 12, spread: 500, habits: faulty, merge: union },
    ],
    ['thirty-two, at once', 8, { writers: 32, spread: 0, habits: even, merge: addReferrer }],
    ['thirty-two, over two seconds', 8, { writers: 32, spread: 2000, habits: uneven, merge: addReferrer }],
    [
      'twelve with conditional requests',
      30,
      { writers: 12, spread: 0, habits: { ...even, conditional: true }, merge: union },
    ],
  ] as [string, number, Setting][])('%s', async (_, seeds, setting) => {
    expect(await lostInAll(seeds, setting)).toBe(0);
  });

  it('and would without the quiet time', async () => {
    // The same writers and interleavings, told to leave after the first look that finds them listed.
    const hurried = { writers: 5, spread: 100, habits: uneven, merge: union, quiet: 0.001 };
    expect(await lostInAll(100, hurried)).toBeGreaterThan(0);
  });
});

describe('one writer', () => {
  const alone = (habits: RegistryHabits = even) => {
    const simulation = new Simulation(7);
    return { simulation, tag: new SimulatedTag(simulation, habits) };
  };

  it('needs one PUT and leaves within half a second', async () => {
    const { simulation, tag } = alone();
    await simulation.run(mergeTag(tag.repository(), 'list', addReferrer(referrer(1))));
    expect(tag.puts).toBe(1);
    expect(simulation.now()).toBeLessThan(500);
  });

  it('asks once and writes nothing when nothing is missing', async () => {
    const { simulation, tag } = alone();
    await simulation.run(mergeTag(tag.repository(), 'list', addReferrer(referrer(1))));
    const { gets } = tag;
    await simulation.run(mergeTag(tag.repository(), 'list', addReferrer(referrer(1))));
    expect([tag.puts, tag.gets]).toEqual([1, gets + 1]);
  });

  it('whose merge takes long looks again before it writes, and merges once', async () => {
    const { simulation, tag } = alone();
    let calls = 0;
    const slow: TagMerge = async current => {
      calls++;
      await simulation.sleep(5000);
      return current ? undefined : IMAGE;
    };
    await simulation.run(mergeTag(tag.repository(), 'list', slow));
    expect(tag.puts).toBe(1);
    // Once for the empty tag, once for the result.
    expect(calls).toBe(2);
  });

  it('gives up with oci-conflict when another never stops', async () => {
    const { simulation, tag } = alone();
    let stop = false;
    const rival = (async () => {
      for (let n = 0; !stop; n++) {
        await simulation.sleep(5);
        const other = testManifest(String(n));
        tag.content = {
          bytes: other.bytes,
          mediaType: other.descriptor.mediaType,
          digest: other.descriptor.digest,
        };
      }
    })();
    const insist: TagMerge = current =>
      current?.descriptor.digest === IMAGE.descriptor.digest ? undefined : IMAGE;
    const outcome = mergeTag(tag.repository({ tagMerge: 3000 }), 'list', insist).then(
      () => 'done',
      error => (error as { code: string }).code,
    );
    expect(
      await simulation.run(
        outcome.finally(() => {
          stop = true;
        }),
      ),
    ).toBe('oci-conflict');
    await simulation.run(rival);
    expect(
      await simulation.run(mergeTag(tag.repository({ tagMerge: 3000 }), 'list', insist).then(() => 'done')),
    ).toBe('done');
  });

  it('drops a condition that is refused twice for one state', async () => {
    const { simulation, tag } = alone({ ...even, conditional: true });
    tag.content = {
      bytes: IMAGE.bytes,
      mediaType: IMAGE.descriptor.mediaType,
      digest: 'sha256:odd' as Digest,
    };
    // The registry's entity tag is not what it compares with.
    const repository = tag.repository();
    const { client } = repository;
    const send: typeof client.send = (request, use) =>
      client.send(request, answer =>
        use({ ...answer, headers: { ...answer.headers, etag: '"something else"' } }),
      );
    const next = testManifest('next');
    const merge: TagMerge = current =>
      current?.descriptor.digest === next.descriptor.digest ? undefined : next;
    await simulation.run(mergeTag({ ...repository, client: { ...client, send } }, 'list', merge));
    expect(tag.content?.digest).toBe(next.descriptor.digest);
    expect(tag.puts).toBe(3);
  });
});

describe('the fallback index', () => {
  const own = referrer(1);

  it('is sorted, and keeps what others wrote as it was', async () => {
    const entry = { mediaType: 'x/y', size: 1, digest: `sha256:${'f'.repeat(64)}`, odd: { kept: [1.5] } };
    const before = rawManifest(
      MEDIA_TYPES.ociIndex,
      utf8(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [entry] })),
    );
    const after = await addReferrer(own)(before);
    const document = JSON.parse(Buffer.from(after?.bytes ?? []).toString());
    expect(document.manifests).toEqual([
      { mediaType: own.mediaType, size: own.size, digest: own.digest },
      entry,
    ]);
    expect(await addReferrer(own)(after)).toBeUndefined();
  });

  it('gets back what a slower writer dropped', async () => {
    const merge = addReferrer(own);
    const both = await merge(await addReferrer(referrer(2))(undefined));
    expect(await merge(both)).toBeUndefined();
    const dropped = await addReferrer(referrer(3))(undefined);
    const digests = JSON.parse(Buffer.from((await merge(dropped))?.bytes ?? []).toString()).manifests.map(
      (d: Descriptor) => d.digest,
    );
    expect(digests).toEqual([1, 2, 3].map(n => referrer(n).digest).sort());
  });

  it('that is no index is not overwritten', async () => {
    expect(() => addReferrer(own)(IMAGE)).toThrow(expect.objectContaining({ code: 'oci-rejected' }));
    expect(await addReferrer(own)(undefined)).toBeDefined();
  });
});
