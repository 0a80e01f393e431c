import type { Command } from '@oclif/core';
import { fail } from '../base/errors.js';
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
 * Flags with what the environment says as their default. The parser's own reading of variables is not used:
 * it takes any unknown word as "off", an empty one as unset, and gives lists as one string.
 * @throws TouchmarkError `usage-argument` naming the variable
 */
export async function withEnvironment<T extends Command.Flag.Any>(
  flags: Readonly<Record<string, T>>,
  environment: Environment,
): Promise<Record<string, T>> {
  const result: Record<string, T> = {};
  for (const [name, flag] of Object.entries(flags)) {
    const { env, ...rest } = flag;
    const value = env === undefined ? undefined : environment[env];
    result[name] = (
      env === undefined || value === undefined || value === ''
        ? rest
        : { ...rest, default: await readVariable(env, value, flag) }
    ) as T;
  }
  return result;
}

async function readVariable(env: string, value: string, flag: Command.Flag.Any): Promise<unknown> {
  if (flag.type === 'boolean') {
    const on = readSwitch(value);
    return (
      on ??
      fail('usage-argument', `${env} is a switch: it takes true or false, not ${JSON.stringify(value)}`, {
        hint: `unset ${env}, or set it to true or false`,
      })
    );
  }
  const values = flag.multiple ? value.split(',').map(part => part.trim()) : [value];
  for (const part of values) {
    if (flag.options && !flag.options.includes(part)) {
      fail('usage-argument', `${env} takes ${flag.options.join(', ')}, not ${JSON.stringify(part)}`, {
        hint: `unset ${env}, or set it to one of these`,
      });
    }
  }
  return flag.multiple ? values.filter(part => part !== '') : value;
}
