import type { CustodyPolicy } from '../custody/policy.js';
import type { Found } from './lint-finding.js';

/** Rules over files that hold back nothing, and steps that none holds back. */
export function lintPaths({ paths = {}, seals, flow }: CustodyPolicy): readonly Found[] {
  const found: Found[] = [];
  for (const [step, rules] of Object.entries(paths)) {
    for (const list of ['allow', 'delete'] as const) {
      const at = rules[list].findIndex(matchesEverything);
      if (at < 0) continue;
      const what = list === 'allow' ? 'write' : 'delete';
      found.push({
        code: 'paths-everything',
        severity: 'warning',
        path: ['paths', step, list],
        message: `step ${JSON.stringify(step)} may ${what} any file of the image that deny does not name`,
        hint: 'name the folders that are the step’s own',
      });
    }
  }
  // The first step has nothing below it that it could harm.
  const free = flow
    .slice(1)
    .filter(({ step, kinds }) => kinds.includes('add') && !Object.hasOwn(paths, step))
    .map(({ step }) => JSON.stringify(step));
  if (Object.keys(paths).length > 0 && free.length > 0)
    found.push({
      code: 'paths-free',
      severity: 'note',
      path: ['paths'],
      message: `${free.join(', ')}: without rules under paths, any file of the steps below may be replaced there`,
      hint: 'add an entry for each step that builds on another',
    });
  if (seals?.honour === false)
    found.push({
      code: 'seals-ignored',
      severity: 'warning',
      path: ['seals', 'honour'],
      message: 'what teams have sealed binds nobody',
      hint: 'keep seals, and loosen under override what has to be changed',
    });
  return found;
}

function matchesEverything(pattern: string): boolean {
  return pattern.split('/').every(part => part === '' || /^\*+$/.test(part)) && pattern.includes('**');
}
