import { describe, expect, test } from 'vitest';
import { parseClaim } from '../../../src/custody/index.js';
import { DAY, digestOf } from '../custody/world.js';
import { plantBundle } from '../custody-images.js';
import { codeOfAsync } from '../support.js';
import { baseImage, NOW, openWorkshop, upToApp, withStep } from './workshop.js';

/** What one dishonest signer of a team gets the other one to sign. */

const minute = new Date(NOW.getTime() + 60_000);

describe('a second signer', () => {
  test('does not co-sign that a team made a layer in bytes that the image does not hold', async () => {
    const workshop = await openWorkshop('a layout', withStep('base', { threshold: 2 }));
    const image = baseImage();
    await workshop.push('base', image);
    await workshop.mark('base');
    const [honest] = await workshop.claims('base', image);
    // The pair of digest and diffID would stand for bytes that nobody of the team has seen.
    const layers = (honest as { layers: readonly object[] }).layers.map((layer, at) =>
      at === 0 ? { ...layer, digest: digestOf('evil') } : layer,
    );
    const forged = parseClaim({ ...honest, layers } as never);
    const other = await openWorkshop('a layout', withStep('base', { threshold: 2 }));
    const place = await other.push('base', image);
    await plantBundle(place, image.manifest, forged as never, 'linus');
    expect(await codeOfAsync(other.coSign('base', 'grace', { now: minute }))).toBe('subject-mismatch');
    expect(await codeOfAsync(workshop.coSign('base', 'grace', { now: minute }))).toBeUndefined();
  });

  test('joins no claim that lasts longer than asked for', async () => {
    const workshop = await openWorkshop('a layout', withStep('base', { threshold: 2 }));
    await workshop.push('base', baseImage());
    await workshop.mark('base', { expires: new Date(NOW.getTime() + 9 * DAY) });
    const markFor = (days: number) =>
      workshop.mark('base', { by: 'grace', now: minute, expires: new Date(NOW.getTime() + days * DAY) });
    expect(await codeOfAsync(markFor(8))).toBe('duplicate-claims');
    const [joined] = (await markFor(10)).images;
    expect(joined?.signers).toEqual(['grace', 'linus']);
  });

  test('joins no claim that lasts for ever when asked for an end', async () => {
    const workshop = await openWorkshop('a layout', withStep('base', { threshold: 2 }));
    await workshop.push('base', baseImage());
    await workshop.mark('base');
    const expires = new Date(NOW.getTime() + DAY);
    expect(await codeOfAsync(workshop.mark('base', { by: 'grace', expires }))).toBe('duplicate-claims');
  });

  test('who marks unchecked joins no claim that says it was checked', async () => {
    const workshop = await openWorkshop('a registry', withStep('app', { threshold: 2 }));
    await upToApp(workshop);
    await workshop.mark('app', { base: 'runtime' });
    await workshop.withdraw('runtime', 'ada');
    const unchecked = { base: 'runtime', by: 'kurt', unchecked: true, now: minute };
    expect(await codeOfAsync(workshop.mark('app', unchecked))).toBe('duplicate-claims');
  });
});
