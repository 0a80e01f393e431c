// One process that reads targets metadata: `tuf-worker parse|verify|tuf-js FILE ROOT ROUNDS [TUF_JS]`, prints
// `{ milliseconds, mebibytes }`: the least time of the rounds, and the most memory that was resident.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { countSignatures, parseRoot, parseTargets } from '../../src/tuf/index.js';

const [what = '', file = '', rootFile = '', rounds = '1', tufJs = ''] = process.argv.slice(2);
const bytes = readFileSync(file);
const rootBytes = readFileSync(rootFile);

const WAYS: Readonly<Record<string, () => () => void>> = {
  nothing: () => () => {},
  parse: () => () => {
    JSON.parse(bytes.toString());
  },
  verify: () => {
    const root = parseRoot(rootBytes, 'root').payload;
    const role = root.roles.get('targets');
    if (!role) throw new Error('the root has no targets');
    return () => {
      const { envelope } = parseTargets(bytes, 'targets');
      if (countSignatures(envelope, root.keys, role, 'refuse').valid.size !== role.threshold)
        throw new Error('the signature does not verify');
    };
  },
  'tuf-js': () => {
    const { Metadata, MetadataKind } = createRequire(join(tufJs, 'package.json'))('@tufjs/models');
    const root = Metadata.fromJSON(MetadataKind.Root, JSON.parse(rootBytes.toString()));
    return () => {
      const targets = Metadata.fromJSON(MetadataKind.Targets, JSON.parse(bytes.toString()));
      root.verifyDelegate('targets', targets);
    };
  },
};

const once = WAYS[what]?.();
if (!once) throw new Error(`no way ${what}`);
let least = Number.POSITIVE_INFINITY;
for (let round = 0; round < Number(rounds); round++) {
  const start = performance.now();
  once();
  least = Math.min(least, performance.now() - start);
}
console.log(JSON.stringify({ milliseconds: least, mebibytes: process.resourceUsage().maxRSS / 1024 }));
