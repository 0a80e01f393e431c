import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mapConcurrently } from '../../src/base/concurrency.js';
import { startRegistry, type TestRegistry } from '../../src/testing/index.js';
import { CHECKOUT } from '../peers/checkout.js';
import { describeOutcome, type Outcome } from '../peers/command.js';
import { type CosignMajor, cosign, cosignSign, cosignVerify } from '../peers/cosign.js';
import { type DockerRegistry, startDockerRegistry } from '../peers/docker-registry.js';
import { PEERS } from '../peers/peer-list.js';
import { requirePeers } from '../peers/require-peers.js';
import { createScratch, type Scratch } from '../peers/scratch.js';
import { skopeoCopy } from '../peers/skopeo.js';
import { smallImage, writeLayout } from '../peers/small-image.js';
import { touchmark } from '../peers/touchmark.js';
import { fixtureKey } from './keys.js';
import { expectedReason, PLACES, type Place, ROWS, type Row, TOOLS, type Tool } from './matrix.js';
import { type Cell, renderTable } from './table.js';

const absent = await requirePeers(['docker-registry', 'skopeo', 'cosign2', 'cosign3']);
const TABLE = join(CHECKOUT, 'test/interop/TABLE.md');

const majorOf = (tool: Tool): CosignMajor => (tool === 'cosign 2' ? 2 : 3);

describe.skipIf(absent)('who verifies whose signatures', () => {
  const image = smallImage('interop');
  const { digest } = image.manifest.descriptor;
  const cells: Cell[] = [];
  let scratch: Scratch;
  let plain: DockerRegistry;
  let modern: TestRegistry;
  beforeAll(async () => {
    scratch = createScratch('interop');
    writeLayout(scratch.file('image'), { v1: image });
    plain = await startDockerRegistry(scratch.file('registry'));
    modern = await startRegistry();
  });
  afterAll(async () => {
    await modern?.close();
    await plain?.stop();
    scratch?.remove();
  });

  const nameOf = ({ kind, carrier, signer }: Row): string => `${kind}/${carrier}/${signer.replace(' ', '')}`;
  const layoutOf = (row: Row): string => scratch.file(nameOf(row).replaceAll('/', '-'));
  const imageIn = (place: Place, row: Row): string =>
    place === 'layout'
      ? `oci:${layoutOf(row)}@${digest}`
      : `${place === 'fallback' ? plain.host : modern.host}/${nameOf(row)}@${digest}`;

  /** Signs with a key file that another tool wrote. */
  const sign = (row: Row, target: string): Promise<Outcome> => {
    const { kind, carrier, signer } = row;
    if (signer !== 'touchmark') {
      return cosignSign(
        scratch,
        majorOf(signer),
        carrier,
        fixtureKey(scratch, `touchmark/${kind}.key`),
        target,
      );
    }
    const key = fixtureKey(scratch, `cosign/v3-imported-${kind}.key`);
    return touchmark(scratch, ['sign', target, '--key', key, '--carrier', carrier]);
  };

  const verify = (row: Row, place: Place, verifier: Tool): Promise<Outcome> => {
    const key = fixtureKey(scratch, `touchmark/${row.kind}.pub`);
    const target = imageIn(place, row);
    if (verifier === 'touchmark') {
      return touchmark(scratch, ['verify', target, '--key', key, '--carrier', row.carrier, '-o', 'json']);
    }
    if (place !== 'layout') return cosignVerify(scratch, majorOf(verifier), row.carrier, key, target);
    return cosignVerify(scratch, majorOf(verifier), row.carrier, key, layoutOf(row), ['--local-image']);
  };

  /** Puts the image in all three places and signs it there. Gives back what the signing said in each. */
  const prepare = async (row: Row): Promise<Record<Place, Outcome>> => {
    for (const host of [plain.host, modern.host])
      await skopeoCopy(scratch, `oci:${scratch.file('image')}:v1`, `docker://${host}/${nameOf(row)}:v1`);
    const fallback = await sign(row, imageIn('fallback', row));
    const referrers = await sign(row, imageIn('referrers', row));
    if (row.signer === 'touchmark') {
      writeLayout(layoutOf(row), { v1: image });
      return { fallback, referrers, layout: await sign(row, imageIn('layout', row)) };
    }
    const source = imageIn('fallback', row);
    const saved = await cosign(scratch, majorOf(row.signer), ['save', '--dir', layoutOf(row), source]);
    return { fallback, referrers, layout: fallback.code === 0 ? saved : fallback };
  };

  it.each(ROWS)('$kind, $carrier, signed by $signer', async row => {
    const made = await prepare(row);
    const columns = PLACES.flatMap(place => TOOLS.map(verifier => ({ place, verifier })));
    await mapConcurrently(columns, 3, async ({ place, verifier }) => {
      const reason = expectedReason(row, place, verifier);
      const outcome = made[place];
      const what = `${place}, verified by ${verifier}`;
      if (reason?.step === 'sign') {
        expect(outcome.code, `${what}\n${describeOutcome(outcome)}`).not.toBe(0);
        expect(outcome.stderr).toMatch(reason.shows);
      } else {
        expect(outcome.code, `${what}\n${describeOutcome(outcome)}`).toBe(0);
        const verdict = await verify(row, place, verifier);
        if (!reason) expect(verdict.code, `${what}\n${describeOutcome(verdict)}`).toBe(0);
        else {
          expect(verdict.code, `${what}\n${describeOutcome(verdict)}`).not.toBe(0);
          expect(`${verdict.stdout}${verdict.stderr}`).toMatch(reason.shows);
        }
      }
      cells.push({ row, place, verifier, result: reason?.id ?? 'yes' });
    });
  });

  it.each(ROWS.filter(({ kind, signer }) => /p384|p521/.test(kind) && signer !== 'touchmark'))(
    '$kind, $carrier, signed by $signer, verifies in cosign with the flag of note (d)',
    async row => {
      const key = fixtureKey(scratch, `touchmark/${row.kind}.pub`);
      const hash = row.kind === 'ecdsa-p384' ? 'sha384' : 'sha512';
      for (const major of [2, 3] as const) {
        const target = imageIn('fallback', row);
        const verified = await cosignVerify(scratch, major, row.carrier, key, target, [
          `--signature-digest-algorithm=${hash}`,
        ]);
        expect(verified.code, describeOutcome(verified)).toBe(0);
      }
    },
  );

  it('is written down in TABLE.md', () => {
    const versions = `cosign ${PEERS.cosign2.version} and ${PEERS.cosign3.version}`;
    const table = renderTable(ROWS, cells, versions);
    if (process.env['TOUCHMARK_UPDATE_TABLE']) writeFileSync(TABLE, table);
    expect(readFileSync(TABLE, 'utf8')).toBe(table);
  });
});
