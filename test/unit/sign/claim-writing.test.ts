import { describe, expect, test } from 'vitest';
import type { Digest } from '../../../src/base/digest.js';
import { TouchmarkError } from '../../../src/base/errors.js';
import {
  CUSTODY_ARTIFACT_TYPE,
  type FoundMark,
  marksOfChain,
  readTeamMarks,
} from '../../../src/custody/index.js';
import type { RawManifest } from '../../../src/oci/manifest.js';
import { attachmentTag } from '../../../src/oci/reference.js';
import type { Store } from '../../../src/oci/store.js';
import { planApproval } from '../../../src/sign/approve-image.js';
import { planMark } from '../../../src/sign/mark-image.js';
import { readChain } from '../../../src/sign/publish-chain.js';
import { writeClaim } from '../../../src/sign/write-claim.js';
import { collectEverything } from '../../../src/verify/collect-marks.js';
import { approvalRule } from '../custody/world.js';
import { aSigner } from '../images.js';
import { baseImage, locate, NOW, openWorkshop, SCAN, upToApp, type Workshop } from './workshop.js';

const PEOPLE = Array.from({ length: 8 }, (_, at) => `signer-${at}`);

async function teamOfEight(name: string) {
  const signers = await Promise.all(
    PEOPLE.map(async person => ({ name: person, keys: [(await aSigner(person)).publicKey] })),
  );
  return { name, signers };
}

/** Who has signed the only claim of the team: in each carrier on the image, and in the artifact under its tag. */
async function whoSigned(workshop: Workshop, name: string, team: string) {
  const { store, root } = await locate(await workshop.store(name));
  const { digest } = root.descriptor;
  const tag = attachmentTag(digest, '.custody');
  const artifact = await store.fetchManifest({ tag });
  if (!artifact) throw new Error('there is no custody artifact');
  const collected = await collectEverything(store, digest);
  const carried = marksOfChain(await readChain(store, artifact, digest, tag), tag);
  const attached = collected.marks.filter(({ place }) => place === 'attached');
  const namesIn = async (marks: readonly FoundMark[]) => {
    const read = await readTeamMarks(marks, workshop.policy);
    const own = read.filter(({ claim }) => claim.team === team);
    return [...new Set(own.flatMap(({ owners }) => owners.map(({ signer }) => signer)))].sort();
  };
  return {
    simplesigning: await namesIn(attached.filter(({ carrier }) => carrier === 'simplesigning')),
    bundle: await namesIn(attached.filter(({ carrier }) => carrier === 'bundle')),
    artifact: await namesIn(carried),
  };
}

describe('eight people at once, on a registry that can do nothing but file', () => {
  const everywhere = { simplesigning: PEOPLE, bundle: PEOPLE, artifact: PEOPLE };

  test('mark one image, and all of them count', async () => {
    const eight = await teamOfEight('base');
    const workshop = await openWorkshop('a registry without the referrers API', policy => ({
      teams: [eight, ...policy.teams.filter(({ name }) => name !== 'base')],
      flow: policy.flow.map(step => (step.step === 'base' ? { ...step, threshold: 8 } : step)),
    }));
    await workshop.push('base', baseImage());
    const written = await Promise.all(PEOPLE.map(by => workshop.mark('base', { by })));
    expect(new Set(written.map(({ images }) => images[0]?.claim)).size).toBe(1);
    expect(await whoSigned(workshop, 'base', 'base')).toEqual(everywhere);
    expect(await workshop.verify('base', { handover: 'app' })).toMatchObject({ code: null });
  });

  test('approve one image, each for a rule of their own', async () => {
    const eight = await teamOfEight('checkers');
    const rules = PEOPLE.map(name => approvalRule({ name: `rule-${name}`, team: 'checkers' }));
    const workshop = await openWorkshop('a registry without the referrers API', policy => ({
      teams: [...policy.teams, eight],
      approvals: rules,
    }));
    await upToApp(workshop);
    await workshop.mark('app', { base: 'runtime' });
    await Promise.all(PEOPLE.map(by => workshop.approve('app', `rule-${by}`, by, { team: 'checkers' })));
    expect(await whoSigned(workshop, 'app', 'checkers')).toEqual(everywhere);
    const outcome = await workshop.verify('app');
    expect(outcome.code).toBeNull();
    expect(outcome.custody?.approvals).toHaveLength(8);
  });
});

/** The store, until `fails` is true of a write: from then on nothing is written any more. */
function failing(store: Store, fails: (call: string, count: number) => boolean, error: Error): Store {
  let broken = false;
  let count = 0;
  const writes = ['writeBlob', 'writeManifest', 'attach', 'updateTag'];
  return new Proxy(store, {
    get(target, name: keyof Store) {
      const value = target[name];
      if (typeof value !== 'function') return value;
      if (!writes.includes(name)) return value.bind(target);
      return async (...args: unknown[]) => {
        broken ||= fails(name, ++count);
        if (broken) throw error;
        return (value as (...args: unknown[]) => unknown).apply(target, args);
      };
    },
  });
}

const STOPPED = new TouchmarkError('interrupted', 'interrupted');

/** Marks the app, with the store that `wrap` makes of it. */
async function markWith(workshop: Workshop, wrap: (store: Store) => Store) {
  const { store, root } = await locate(await workshop.store('app'));
  const base = await locate(await workshop.store('runtime'));
  const plan = await planMark(
    wrap(store),
    { raw: root },
    {
      team: 'app',
      step: 'app',
      policy: workshop.policy,
      now: NOW,
      creator: 'touchmark/test',
      base: { store: base.store, raw: base.root },
    },
  );
  return writeClaim(plan, [await aSigner('alan')]);
}

describe('interrupted', () => {
  async function ready() {
    const workshop = await openWorkshop('a registry without the referrers API', () => ({
      approvals: [SCAN],
    }));
    await upToApp(workshop);
    return workshop;
  }

  test('at any write, the same command completes what was begun', async () => {
    const workshop = await ready();
    const codes = new Set<string | null>();
    const before = await workshop.verify('app');
    expect(before.code).toBe('no-marks');
    let stop = 1;
    for (; stop < 100; stop++) {
      const cut = (store: Store) => failing(store, (_, count) => count === stop, STOPPED);
      const error = await markWith(workshop, cut).then(
        () => undefined,
        caught => caught,
      );
      codes.add((await workshop.verify('app')).code);
      if (!error) break;
      expect(error).toMatchObject({ code: 'interrupted' });
    }
    // Simple signing, two carriers, the artifact: each was cut once, and nothing of it was a yes too early.
    expect(stop).toBeGreaterThan(4);
    expect([...codes].filter(code => code === null)).toEqual([]);
    await workshop.approve('app', 'scan', 'sue');
    expect(await workshop.verify('app')).toMatchObject({ code: null });
  });

  test('between the two carriers, the other one is written next time and nothing twice', async () => {
    const workshop = await ready();
    const stopped = await markWith(workshop, store =>
      failing(store, call => call === 'attach', STOPPED),
    ).catch(e => e);
    expect(stopped).toMatchObject({ code: 'interrupted' });
    const done = await markWith(workshop, store => store);
    expect(done.signatures.map(({ carrier, added }) => [carrier, added])).toEqual([
      ['simplesigning', false],
      ['bundle', true],
    ]);
  });
});

test('no space left is said as it is, and is no success', async () => {
  const workshop = await openWorkshop('a layout');
  await workshop.push('base', baseImage());
  const { store, root } = await locate(await workshop.store('base'));
  const before = workshop.state();
  const full = new TouchmarkError('io-no-space', 'no space left to write');
  const plan = await planMark(
    failing(store, () => true, full),
    { raw: root },
    { team: 'base', step: 'base', policy: workshop.policy, now: NOW, creator: 'touchmark/test' },
  );
  await expect(writeClaim(plan, [await aSigner('linus')])).rejects.toMatchObject({ code: 'io-no-space' });
  expect(workshop.state()).toBe(before);
});

test('a chain that did not arrive is no success: what is read back is judged without the base', async () => {
  const workshop = await openWorkshop();
  await upToApp(workshop);
  const forgetful = (store: Store): Store =>
    new Proxy(store, {
      get(target, name: keyof Store) {
        if (name === 'updateTag')
          return async (tag: string, merge: Parameters<Store['updateTag']>[1]) =>
            tag.endsWith('.custody') ? void (await merge(undefined)) : target.updateTag(tag, merge);
        if (name === 'attach')
          return async (manifest: RawManifest, subject: Digest) => {
            const isChain = Buffer.from(manifest.bytes).includes(CUSTODY_ARTIFACT_TYPE);
            if (!isChain) await target.attach(manifest, subject);
          };
        const value = target[name];
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  await expect(markWith(workshop, forgetful)).rejects.toMatchObject({ code: 'prev-missing' });
});

test('an approval that is planned and outdated meanwhile is refused before it is written', async () => {
  const workshop = await openWorkshop('a registry', () => ({ approvals: [SCAN] }));
  await upToApp(workshop);
  await workshop.mark('app', { base: 'runtime' });
  const { store, root } = await locate(await workshop.store('app'));
  const options = {
    team: 'security',
    step: 'scan',
    policy: workshop.policy,
    now: NOW,
    creator: 'touchmark/test',
  };
  const plan = await planApproval(store, { raw: root }, options);
  const before = workshop.state();
  await expect(writeClaim(plan, [await aSigner('alan')])).rejects.toMatchObject({
    code: 'key-not-authorised',
  });
  await expect(writeClaim({ ...plan, now: new Date(0) }, [await aSigner('sue')])).rejects.toMatchObject({
    code: 'time-implausible',
  });
  expect(workshop.state()).toBe(before);
});
