import type { Digest } from '../base/digest.js';
import { judgeCurrency, nameToLookUp } from './currency.js';
import type { NodeImage } from './inheritance.js';
import type { Lineage, Lookups, Stage } from './lineage.js';

/** An image on the way, and the image whose way it is. */
export interface FoundStage {
  readonly stage: Stage;
  readonly lineage: Lineage;
}

/** Images of one place: one each, however many lineages go through it. */
export function imagesOf(stages: readonly FoundStage[], lookups: Lookups, now: Date): readonly NodeImage[] {
  const byManifest = new Map<Digest, FoundStage[]>();
  for (const found of stages) {
    const { manifest } = found.stage;
    byManifest.set(manifest, [...(byManifest.get(manifest) ?? []), found]);
  }
  return [...byManifest].map(([manifest, found]) => {
    const all = found.map(({ stage }) => stage);
    const asked = found.flatMap(({ stage, lineage }) => (stage === lineage.stages.at(-1) ? [lineage] : []));
    const worst = asked.find(({ state }) => state !== 'verified') ?? asked[0];
    const names = [...new Map(all.flatMap(stage => stage.names.map(known => [known.name, known]))).values()];
    const index = firstOf(all, stage => stage.index);
    const channel = firstOf(all, stage => stage.channel);
    const marks = new Map(all.flatMap(({ mark }) => (mark ? [[mark.claim, mark]] : [])));
    const created = firstOf(all, ({ created: time }) => time);
    const named = firstOf(asked, ({ namedBase }) => namedBase);
    return {
      manifest,
      repository: firstOf(all, ({ repository }) => repository),
      platform: firstOf(all, ({ platform }) => platform),
      basis: BASES.find(basis => all.some(stage => stage.basis === basis)) ?? 'self-asserted',
      asked: asked.map(({ reference }) => reference),
      state: worst?.state ?? null,
      code: worst?.code ?? null,
      marks: [...marks.values()].map(mark => ({ ...mark, age: ageOf(mark.time, now) })),
      created: created === null ? null : { time: created, age: ageOf(created, now) },
      currency: judgeCurrency({ manifest, index, names, channel }, lookups),
      namedBase: named && {
        ...named,
        currency: judgeCurrency(
          {
            manifest: named.digest,
            index: null,
            names: nameToLookUp(named).map(name => ({ name, from: 'annotation' })),
            channel: null,
          },
          lookups,
        ),
      },
    };
  });
}

const BASES = ['proven', 'asked', 'self-asserted'] as const;

function firstOf<T, R>(items: readonly T[], get: (item: T) => R | null): R | null {
  for (const item of items) {
    const value = get(item);
    if (value !== null) return value;
  }
  return null;
}

/** Whole seconds. */
function ageOf(time: string, now: Date): number | null {
  const age = Math.floor((now.getTime() - Date.parse(time)) / 1000);
  return Number.isNaN(age) ? null : age;
}
