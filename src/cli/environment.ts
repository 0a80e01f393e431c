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
