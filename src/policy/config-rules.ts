import { globProblem } from '../base/glob.js';
import { nearest } from '../base/nearest.js';

/** Keys of an image config's `config` (OCI image specification, and what Docker writes beside). */
export const CONFIG_KEYS = [
  'User',
  'Env',
  'Entrypoint',
  'Cmd',
  'ExposedPorts',
  'Volumes',
  'WorkingDir',
  'Labels',
  'StopSignal',
  'StopTimeout',
  'ArgsEscaped',
  'Healthcheck',
  'OnBuild',
  'Shell',
  'Hostname',
  'Domainname',
] as const;

/** Keys whose members have names of their own, which a rule may single out: `Env:LD_*`. */
const WITH_MEMBERS: readonly string[] = ['Env', 'Labels', 'ExposedPorts', 'Volumes'];
/** Keys that hold one text, which a rule may compare: `User=root`. */
const WITH_VALUE: readonly string[] = ['User', 'WorkingDir', 'StopSignal'];

/**
 * What is wrong with a config rule; undefined when it is sound. A misspelt key in a list of denials would deny nothing,
 * so only known keys pass.
 */
export function configRuleProblem(rule: string): string | undefined {
  const [, key = '', sign = '', rest = ''] = /^([^:=]*)([:=]?)(.*)$/s.exec(rule) ?? [];
  if (!(CONFIG_KEYS as readonly string[]).includes(key)) {
    const meant =
      nearest(key, CONFIG_KEYS) ?? CONFIG_KEYS.find(known => known.toLowerCase() === key.toLowerCase());
    const suggestion =
      meant === undefined ? `; known are ${CONFIG_KEYS.join(', ')}` : `; did you mean ${meant}?`;
    return `begins with ${JSON.stringify(key.slice(0, 40))}, which is no config key${suggestion}`;
  }
  if (sign === '') return undefined;
  if (sign === '=') {
    if (!WITH_VALUE.includes(key))
      return `compares a value; only ${WITH_VALUE.join(', ')} have one to compare`;
    return undefined;
  }
  if (!WITH_MEMBERS.includes(key)) return `names a member; only ${WITH_MEMBERS.join(', ')} have members`;
  const problem = globProblem(rest, '');
  return problem === undefined ? undefined : `has a pattern that ${problem}`;
}
