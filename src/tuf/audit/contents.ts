import { mapConcurrently } from '../../base/concurrency.js';
import { TouchmarkError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { requireFile } from '../file-check.js';
import type { TargetInfo, Targets } from '../metadata.js';
import { targetName } from '../names.js';
import type { TufSource } from '../source.js';
import { type Findings, someOf } from './finding.js';

interface Listed {
  readonly role: string;
  readonly path: string;
  readonly info: TargetInfo;
}

/** The names under which targets are kept, and who lists them. A path that no file can have is a finding. */
export function targetFiles(
  roles: Iterable<readonly [role: string, Targets]>,
  hashed: boolean,
  findings: Findings,
): ReadonlyMap<string, Listed> {
  const files = new Map<string, Listed>();
  for (const [role, { targets }] of roles) {
    for (const [path, info] of targets) {
      try {
        files.set(targetName(path, info, hashed), { role, path, info });
      } catch (error) {
        if (!(error instanceof TouchmarkError) || error.code === 'internal') throw error;
        findings.add('warning', 'target-path-odd', error.message, 'list it under another path', { role });
      }
    }
  }
  return files;
}

/** Reads every target and holds it to what is listed. Gives how many were there. */
export async function auditContents(
  source: TufSource,
  files: ReadonlyMap<string, Listed>,
  findings: Findings,
  concurrency: number,
): Promise<number> {
  const missing: string[] = [];
  let there = 0;
  await mapConcurrently([...files], concurrency, async ([name, { role, path, info }]) => {
    const what = `the target ${JSON.stringify(path.slice(0, 120))}`;
    const where = { role, file: `targets/${name}` };
    if (info.length > LIMITS.tufTargetSize) {
      findings.add('note', 'target-large', `${what} is too large to be read`, 'check it where it is', where);
      return;
    }
    const bytes = await source.target(name, info.length);
    if (!bytes) {
      missing.push(path);
      return;
    }
    there++;
    try {
      requireFile(bytes, what, info);
    } catch (error) {
      if (!(error instanceof TouchmarkError) || error.code === 'internal') throw error;
      findings.add('error', error.code, error.message, 'put the file back that was listed', where);
    }
  });
  if (missing.length > 0) {
    findings.add(
      'note',
      'target-missing',
      `the repository does not keep ${missing.length} of its targets: ${someOf(missing.sort())}`,
      'nothing to do where they are kept elsewhere',
    );
  }
  return there;
}
