// Installs what the integration and interop suites and the benchmark run against: `node test/peers/install.mjs [NAME…]`.
import { load } from './load.mjs';

const { installPeers } = await load(new URL('install.ts', import.meta.url));
const { PEERS } = await load(new URL('peer-list.ts', import.meta.url));
const unknown = process.argv.slice(2).filter(name => !(name in PEERS));
if (unknown.length > 0) {
  console.error(`no such peer: ${unknown.join(', ')}; there are ${Object.keys(PEERS).join(', ')}`);
  process.exit(2);
}
const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(PEERS);
await installPeers(names, line => console.log(line));
console.log(`ready: ${names.join(', ')}`);
