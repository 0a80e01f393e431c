import { describe, expect, test } from 'vitest';
import { type PathRules, STRICT_MODES } from '../../../src/base/path-rules.js';
import { readSeals } from '../../../src/cli/flags/custody.js';
import { isContentClaim } from '../../../src/custody/index.js';
import { codeOf } from '../support.js';
import { baseImage, onTop, openWorkshop, type Workshop } from './workshop.js';

const APP: PathRules = { allow: ['/opt/app/**'], deny: [], delete: [], modes: STRICT_MODES, tables: 'deny' };
const SEALS = [{ paths: ['/etc/**'], ops: ['delete', 'modify'] }];

/** Base and app teams, where the app team may write below /opt/app and nowhere else. */
const openShop = (place: Parameters<typeof openWorkshop>[0] = 'a registry') =>
  openWorkshop(place, () => ({ evidence: 'content', paths: { app: APP } }));

async function refusal(workshop: Workshop, work: () => Promise<unknown>) {
  const before = workshop.state();
  const error = await work().then(
    () => undefined,
    caught => caught,
  );
  expect(workshop.state()).toBe(before);
  return error;
}

describe('a team runs its own layers through its rules before it signs', () => {
  test('what no verifier would take is not signed, and what is mended is', async () => {
    const workshop = await openShop();
    const base = baseImage();
    await workshop.push('base', base);
    await workshop.mark('base');
    await workshop.push('app', onTop(base, 'etc/motd'));
    const error = await refusal(workshop, () => workshop.mark('app', { base: 'base' }));
    expect(error).toMatchObject({
      code: 'path-denied',
      hint: expect.stringContaining('paths.app.allow'),
      details: { step: 'app', findings: [expect.stringContaining('layer 2: changes "/etc/motd"')] },
    });
    await workshop.push('app', onTop(base, 'opt/app/main'));
    await workshop.mark('app', { base: 'base' });
    expect(await workshop.verify('app')).toMatchObject({ code: null, custody: { level: 'content' } });
  });

  test('a base that nobody could check stands in nobody’s way, and the own layers are held to the rules', async () => {
    const workshop = await openWorkshop('a registry', () => ({
      evidence: 'content',
      paths: { app: APP, runtime: APP },
    }));
    const base = baseImage();
    await workshop.push('base', base);
    await workshop.mark('base');
    const runtime = onTop(base, 'etc/motd');
    await workshop.push('runtime', runtime);
    const free = { ...workshop.policy, paths: {} };
    await workshop.mark('runtime', { base: 'base', policy: free });
    await workshop.push('app', onTop(runtime, 'opt/app/main'));
    expect(await refusal(workshop, () => workshop.mark('app', { base: 'runtime' }))).toMatchObject({
      code: 'path-denied',
      message: expect.stringContaining('the base does not pass'),
    });
    await workshop.mark('app', { base: 'runtime', unchecked: true });
    await workshop.push('app', onTop(runtime, 'etc/motd.d'));
    expect(
      await refusal(workshop, () => workshop.mark('app', { base: 'runtime', unchecked: true })),
    ).toMatchObject({ code: 'path-denied', message: expect.stringContaining('motd.d') });
  });

  test('and so does a team mate who signs the same claim', async () => {
    const workshop = await openShop('a layout');
    const base = baseImage();
    await workshop.push('base', base);
    await workshop.mark('base');
    await workshop.push('app', onTop(base, 'etc/motd'));
    await workshop.mark('app', { base: 'base', policy: { ...workshop.policy, paths: {} } });
    expect(await refusal(workshop, () => workshop.coSign('app', 'kurt'))).toMatchObject({
      code: 'path-denied',
    });
    await workshop.coSign('app', 'kurt', { policy: { ...workshop.policy, paths: {} } });
  });
});

describe('a team seals its files', () => {
  test('the claim says so, and the step above is held to it when it signs', async () => {
    const workshop = await openWorkshop();
    const base = baseImage();
    await workshop.push('base', base);
    await workshop.mark('base', { seals: SEALS });
    const [claim] = await workshop.claims('base', base);
    expect(claim && isContentClaim(claim) && claim.seals).toEqual(SEALS);
    expect((await workshop.verify('base', { handover: 'app' })).custody?.chain[0]?.seals).toEqual(SEALS);
    await workshop.push('app', onTop(base, 'etc/motd'));
    const error = await refusal(workshop, () => workshop.mark('app', { base: 'base' }));
    expect(error).toMatchObject({ code: 'seal-violated', hint: expect.stringContaining('seals.override') });
    await workshop.push('app', onTop(base, 'opt/app/main'));
    await workshop.mark('app', { base: 'base' });
    // Nobody asked for it but the team below.
    expect(await workshop.verify('app')).toMatchObject({ code: null, custody: { level: 'content' } });
  });

  test('what it says on the command line', () => {
    expect(readSeals(undefined)).toBeUndefined();
    expect(readSeals(['/usr/lib/**', '/etc/passwd:delete,modify,delete'])).toEqual([
      { paths: ['/usr/lib/**'], ops: ['delete', 'link', 'metadata', 'modify'] },
      { paths: ['/etc/passwd'], ops: ['delete', 'modify'] },
    ]);
    expect(readSeals(['/a:b:add', '/a:b/c'])).toEqual([
      { paths: ['/a:b'], ops: ['add'] },
      { paths: ['/a:b/c'], ops: ['delete', 'link', 'metadata', 'modify'] },
    ]);
    for (const bad of ['usr/lib', '/usr/lib:modfy', '/usr/lib/', '/usr/**.so', '/usr/lib:', ''])
      expect(codeOf(() => readSeals([bad]))).toBe('usage-argument');
  });
});
