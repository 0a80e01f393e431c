/** Prints what each suite counted, and as the last line the sum of them all. Exits 1 when anything failed. */
import { readFileSync } from 'node:fs';

const lines = readFileSync(process.argv[2], 'utf8').split('\n').filter(Boolean);
const total = { passed: 0, failed: 0, skipped: 0 };
for (const line of lines) {
  const { suite, ...counts } = JSON.parse(line);
  for (const name of Object.keys(total)) total[name] += counts[name];
  if (counts.failed > 0) console.log(`failed in: ${suite}`);
}
console.log(
  `${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`,
);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
