// Measures touchmark side by side with cosign: `npm run bench [-- --quick] [-- --write] [-- SECTION…]`, see README.md.
import { load } from '../peers/load.mjs';

const { main } = await load(new URL('bench.ts', import.meta.url));
await main(process.argv.slice(2)).catch(error => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
