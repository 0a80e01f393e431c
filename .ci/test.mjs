/**
 * Runs one vitest project and counts what it did.
 *
 *   node .ci/test.mjs unit|integration|interop [vitest arguments]
 *
 * With TOUCHMARK_TEST_RESULTS set, one line of JSON is appended to that file: {suite, passed, failed, skipped}.
 */
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [suite, ...rest] = process.argv.slice(2);
if (!['unit', 'integration', 'interop'].includes(suite)) {
  console.error('usage: node .ci/test.mjs unit|integration|interop [vitest arguments]');
  process.exit(2);
}
const name = process.env.TOUCHMARK_TEST_NAME ?? suite;
const folder = mkdtempSync(join(tmpdir(), 'touchmark-test-'));
const report = join(folder, 'report.json');

const result = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules', 'vitest', 'vitest.mjs'),
    'run',
    '--project',
    suite,
    // By default one core is left idle, which on two is half of them. The other suites share registries and time their peers.
    ...(suite === 'unit' ? ['--maxWorkers=100%'] : []),
    // Where nobody watches, one line a file is enough.
    ...(process.env.CI === 'true' ? ['--reporter=dot', '--no-color'] : ['--reporter=default']),
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...rest,
  ],
  { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] },
);
const counts = count(report);
rmSync(folder, { recursive: true, force: true });
// A run that ended badly without a failed test (a crash, an unhandled rejection) is a failure all the same.
if (result.status !== 0 && counts.failed === 0) counts.failed = 1;
if (counts.passed + counts.failed === 0) counts.failed = 1;
if (process.env.TOUCHMARK_TEST_RESULTS) {
  appendFileSync(process.env.TOUCHMARK_TEST_RESULTS, `${JSON.stringify({ suite: name, ...counts })}\n`);
}
process.exitCode = counts.failed > 0 ? 1 : 0;

/** A file that could not be loaded has no tests to count: it counts as one that failed. */
function count(file) {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
      readFileSync(file, 'utf8'),
    );
    const broken = testResults.filter(
      ({ status, assertionResults }) =>
        status === 'failed' && !assertionResults.some(assertion => assertion.status === 'failed'),
    ).length;
    return {
      passed: numPassedTests,
      failed: numFailedTests + broken,
      skipped: numPendingTests + numTodoTests,
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}
