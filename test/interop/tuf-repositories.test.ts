import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHECKOUT } from '../peers/checkout.js';
import { requirePeers } from '../peers/require-peers.js';
import { TUF_PEERS } from '../peers/tuf-peer.js';
import { KEY_FORMS, makeFeatures, type Recipe, simpleRecipe } from './tuf-recipe.js';
import { expectedAnswers, openTufSite, type TufSite, type TufTool } from './tuf-site.js';
import { reasonFor, renderTufTable, type TufCell } from './tuf-table.js';

const absent = await requirePeers(TUF_PEERS);

/** Who writes, who reads. */
const PAIRS = TUF_PEERS.flatMap(peer => [['touchmark', peer] as const, [peer, 'touchmark'] as const]);

const CASES = [
  ...KEY_FORMS.map(form => ({ title: `key: \`${form[0]}\`, \`${form[1]}\``, recipe: simpleRecipe(form) })),
  ...makeFeatures(),
];

describe.skipIf(absent)('TUF repositories of one, read by the other', () => {
  let site: TufSite;
  const cells: TufCell[] = [];
  const written = new Map<string, Promise<string>>();
  beforeAll(async () => {
    site = await openTufSite();
  });
  afterAll(() => site?.close());

  function write(title: string, writer: TufTool, recipe: Recipe): Promise<string> {
    const key = `${title} ${writer}`;
    const known = written.get(key) ?? site.write(writer, recipe);
    written.set(key, known);
    return known;
  }

  for (const feature of CASES) {
    const { title, recipe } = feature;
    const { absent: none = [], hidden = [] } = { absent: [], hidden: [], ...feature };
    for (const [writer, reader] of PAIRS) {
      const reason = reasonFor(title, writer, reader);
      it(`${title}: ${writer} writes, ${reader} reads${reason ? ` (${reason.id})` : ''}`, async () => {
        const paths = expectedAnswers(recipe, none, hidden).map(({ path }) => path);
        if (reason?.step === 'write') {
          await expect(write(title, writer, recipe)).rejects.toThrow(reason.shows);
        } else {
          const folder = await write(title, writer, recipe);
          const reading = await site.read(reader, folder, paths);
          if (reason) expect(JSON.stringify(reading)).toMatch(reason.shows);
          else expect(reading).toEqual({ answers: expectedAnswers(recipe, none, hidden) });
        }
        cells.push({ title, writer, reader, result: reason?.id ?? 'yes' });
      });
    }
  }

  it('is written down in TUF-TABLE.md', () => {
    const table = renderTufTable(
      CASES.map(({ title }) => title),
      PAIRS,
      cells,
    );
    const file = join(CHECKOUT, 'test/interop/TUF-TABLE.md');
    if (process.env['TOUCHMARK_UPDATE_TABLE']) writeFileSync(file, table);
    expect(readFileSync(file, 'utf8')).toBe(table);
  });
});
