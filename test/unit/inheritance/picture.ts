import type { Inheritance } from '../../../src/inheritance/index.js';
import { leadsTo, lineageOf, lookupsOf, type StageDraft, treeOf } from './lineages.js';

const os = { name: 'os', team: 'base', adds: ['o1', 'o2'], tag: 'registry.example/base/os:12', days: 40 };
const node = {
  name: 'node',
  team: 'runtime',
  adds: ['n1'],
  tag: 'registry.example/runtime/node:20',
  days: 20,
};
const shop = (name: string, adds: readonly string[], days: number): StageDraft => ({
  name,
  team: 'app',
  adds,
  days,
});

/** The tree that the README shows: three images on one base, which is behind; nobody marked one of them. */
export function readmeTree(): Inheritance {
  return treeOf(
    [
      lineageOf({
        reference: 'registry.example/shop/app:1.4',
        stages: [os, node, shop('app', ['a1', 'a2'], 2)],
      }),
      lineageOf({
        reference: 'registry.example/shop/worker:2',
        stages: [os, node, shop('worker', ['w1'], 5)],
      }),
      lineageOf({
        reference: 'registry.example/shop/tool:7',
        state: 'failed',
        code: 'no-marks',
        stages: [{ name: 'tool', adds: ['o1', 'o2', 't1'] }],
      }),
    ],
    lookupsOf({
      [os.tag]: leadsTo('os of this week'),
      [node.tag]: leadsTo('node'),
      'registry.example/shop/app:1.4': leadsTo('app'),
      'registry.example/shop/worker:2': leadsTo('worker'),
      'registry.example/shop/tool:7': leadsTo('tool'),
    }),
  );
}
