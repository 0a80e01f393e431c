import { fail } from '../base/errors.js';
import type { AnyFlag } from './flags/kinds.js';
import { readSwitch } from './output-settings.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** The variable that sets a flag: `--registry-ca` is TOUCHMARK_REGISTRY_CA. */
export function variableOf(flag: string): string {
  return `TOUCHMARK_${flag.toUpperCase().replaceAll('-', '_')}`;
}

/** Variables that are no flag's setting, for `touchmark help environment`. */
export const OTHER_VARIABLES: readonly (readonly [name: string, meaning: string])[] = [
  ['TOUCHMARK_PASSWORD', 'password of the private key; empty is the empty password'],
  ['COSIGN_PASSWORD', 'the same, read when TOUCHMARK_PASSWORD is not set'],
  ['TOUCHMARK_NEW_PASSWORD', 'the new password of key passwd'],
  ['CI', 'true: never prompt'],
  ['NO_COLOR, FORCE_COLOR, TERM=dumb', 'no colour, colour, no colour'],
  ['DOCKER_CONFIG, REGISTRY_AUTH_FILE', 'where registry credentials are looked up'],
  ['HTTPS_PROXY, HTTP_PROXY, NO_PROXY', 'proxies for registries; lower-case names work too'],
];

/**
 * What a flag's variable says, as if it stood on the command line; undefined when it says nothing, as an empty one does.
 * A list is separated by commas.
 * @throws TouchmarkError `usage-argument` naming the variable
 */
export function readVariable(flag: AnyFlag, environment: Environment): readonly unknown[] | undefined {
  const { env } = flag;
  const value = env === undefined ? undefined : environment[env];
  if (env === undefined || value === undefined || value === '') return undefined;
  if (flag.type === 'boolean') {
    const on = readSwitch(value);
    if (on !== undefined) return [on];
    return fail(
      'usage-argument',
      `${env} is a switch: it takes true or false, not ${JSON.stringify(value)}`,
      {
        hint: `unset ${env}, or set it to true or false`,
      },
    );
  }
  const words = flag.multiple ? value.split(',').map(word => word.trim()) : [value];
  const values = words.filter(word => word !== '').map(word => flag.parse(word, env));
  return values.length > 0 ? values : undefined;
}
