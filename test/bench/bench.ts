import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { CHECKOUT } from '../peers/checkout.js';
import { findFault, PEERS, type PeerName } from '../peers/peer-list.js';
import { measureBatch } from './batch.js';
import { measureCustody } from './custody.js';
import { measureDistance } from './distance.js';
import { measureLayers } from './layers.js';
import { measureSign } from './sign.js';
import { measureSigstore } from './sigstore.js';
import { type Bench, openBench } from './site.js';
import { measureStartUp } from './start-up.js';
import { type Result, renderResults } from './table.js';
import { measureTuf } from './tuf.js';
import { measureTufRepository } from './tuf-repository.js';
import { measureVerify } from './verify.js';
import { measureWriters } from './writers.js';

const SECTIONS: Readonly<
  Record<string, { readonly title: string; readonly measure: (bench: Bench) => Promise<readonly Result[]> }>
> = {
  'start-up': { title: 'Start-up', measure: measureStartUp },
  verify: { title: 'One cold verify', measure: measureVerify },
  distance: { title: 'One cold verify, at a distance', measure: measureDistance },
  sign: { title: 'One sign', measure: measureSign },
  batch: { title: 'Many images', measure: measureBatch },
  writers: { title: 'Many writers', measure: measureWriters },
  layers: { title: 'Layers', measure: measureLayers },
  custody: { title: 'Custody', measure: measureCustody },
  sigstore: { title: 'Sigstore bundles', measure: measureSigstore },
  tuf: { title: 'TUF', measure: measureTuf },
  'tuf-repository': { title: 'A large TUF repository', measure: measureTufRepository },
};

const README = join(CHECKOUT, 'test/bench/README.md');
const MARK = '<!-- results: npm run bench -- --write -->';

/** `npm run bench [-- --quick] [-- --write] [-- SECTION…]` */
export async function main(args: readonly string[]): Promise<void> {
  const wanted = args.filter(arg => !arg.startsWith('--'));
  const unknown = [
    ...wanted.filter(name => !(name in SECTIONS)),
    ...args.filter(arg => arg.startsWith('--') && arg !== '--quick' && arg !== '--write'),
  ];
  if (unknown.length > 0)
    throw new Error(`${unknown.join(', ')}: there are ${Object.keys(SECTIONS).join(', ')}, --quick, --write`);
  for (const peer of [
    'docker-registry',
    'cosign3',
    'python-tuf',
    'go-tuf',
    'tuf-js',
    'umoci',
    'igzip',
  ] satisfies PeerName[]) {
    const fault = await findFault(peer);
    if (fault) throw new Error(`${fault}; run: node test/peers/install.mjs ${peer}`);
  }
  const machine = `Node ${process.version}, cosign ${PEERS.cosign3.version}, ${cpus().length} cores.`;
  console.log(`${machine}\n`);
  const parts = [machine, ''];
  const bench = await openBench(args.includes('--quick'));
  try {
    for (const [name, { title, measure }] of Object.entries(SECTIONS)) {
      if (wanted.length > 0 && !wanted.includes(name)) continue;
      const text = renderResults(title, await measure(bench));
      console.log(text);
      parts.push(text);
    }
  } finally {
    await bench.close();
  }
  if (!args.includes('--write')) return;
  const readme = readFileSync(README, 'utf8');
  const start = readme.indexOf(MARK);
  if (start < 0) throw new Error(`${README} has no ${MARK}`);
  writeFileSync(README, `${readme.slice(0, start)}${MARK}\n\n${parts.join('\n').trimEnd()}\n`);
}
