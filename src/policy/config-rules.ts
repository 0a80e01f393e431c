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
  'Image',
  'Memory',
  'MemorySwap',
  'CpuShares',
] as const;

/** Keys whose members have names of their own, which a rule may single out: `Env:LD_*`. */
const WITH_MEMBERS: readonly string[] = ['Env', 'Labels', 'ExposedPorts', 'Volumes'];
/** Keys that hold one text, which a rule may compare: `User=root`. Members have values too: `Env:TERM=dumb`. */
const WITH_VALUE: readonly string[] = ['User', 'WorkingDir', 'StopSignal'];
/** `*`, or a member of the image config beside `config`: `/author`. */
const OTHER_KEY = /^(?:\*|\/[A-Za-z0-9._-]+)$/;

/**
 * What is wrong with a config rule (`Key`, `Key=value`, `Key:member`, `Key:member=value`, with wildcards in member and
 * value); undefined when it is sound. A misspelt key in a list of denials would deny nothing, so only known keys pass.
 */
export function configRuleProblem(rule: string): string | undefined {
  const [, key = '', member, value] = /^([^:=]*)(?::([^=]*))?(?:=(.*))?$/s.exec(rule) ?? [];
  if (!OTHER_KEY.test(key) && !(CONFIG_KEYS as readonly string[]).includes(key)) return unknownKey(key);
  if (member !== undefined && !WITH_MEMBERS.includes(key))
    return `names a member; only ${WITH_MEMBERS.join(', ')} have members`;
  if (value !== undefined && member === undefined && !WITH_VALUE.includes(key))
    return `compares a value; only ${WITH_VALUE.join(', ')} and members have one to compare`;
  // An empty value is one to compare with; an empty member is nobody's name.
  for (const pattern of [member, value === '' ? undefined : value]) {
    const problem = pattern === undefined ? undefined : globProblem(pattern, '');
    if (problem !== undefined) return `has a pattern that ${problem}`;
  }
  return undefined;
}

function unknownKey(key: string): string {
  const meant =
    nearest(key, CONFIG_KEYS) ?? CONFIG_KEYS.find(known => known.toLowerCase() === key.toLowerCase());
  const suggestion =
    meant === undefined ? `; known are ${CONFIG_KEYS.join(', ')}` : `; did you mean ${meant}?`;
  return `begins with ${JSON.stringify(key.slice(0, 40))}, which is no config key${suggestion}`;
}
