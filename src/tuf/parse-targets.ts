import type { Field } from '../base/fields.js';
import type { ExactJson, ExactJsonObject } from '../base/json.js';
import { LIMITS } from '../base/limits.js';
import { field, parseEnvelope } from './envelope.js';
import type { TargetInfo, Targets } from './metadata.js';
import {
  type DelegatedRole,
  type Delegations,
  type Metadata,
  type SuccinctRoles,
  TOP_LEVEL_ROLES,
} from './metadata.js';
import { parseBoolean, parseHashes, parseKeys, parsePayload, parseRoleKeys } from './parse-payload.js';

/**
 * Reads the metadata of targets or of a delegated role (TUF specification 4.5).
 * @throws TouchmarkError `tuf-format`, `limit-exceeded`
 */
export function parseTargets(bytes: Uint8Array, what: string): Metadata<Targets> {
  const envelope = parseEnvelope(bytes, what, LIMITS.tufTargetsSize);
  const signed = field(envelope.signed, what);
  const payload = parsePayload(signed, 'targets');
  const targets = parseTargetMap(signed.get('targets'));
  const delegations = signed.get('delegations');
  return {
    envelope,
    payload: {
      ...payload,
      targets,
      ...(delegations.present && { delegations: parseDelegations(delegations) }),
    },
  };
}

/** There may be a hundred thousand of them: no field is made for what is sound. */
function parseTargetMap(list: Field): ReadonlyMap<string, TargetInfo> {
  const entries = list.object() as ExactJsonObject;
  const targets = new Map<string, TargetInfo>();
  for (const path of Object.keys(entries)) {
    const entry = entries[path];
    if (!isObject(entry)) return at(path).fail('must be an object');
    const { length, hashes, custom } = entry;
    if (typeof length !== 'number' || length < 0)
      return at(path).get('length').fail('must be a whole number');
    if (!isObject(hashes)) return at(path).get('hashes').fail('must be an object');
    const info = { length, hashes: parseHashes(hashes, list) };
    if (custom === undefined) targets.set(path, info);
    else if (isObject(custom)) targets.set(path, { ...info, custom });
    else return at(path).get('custom').fail('must be an object');
  }
  return targets;

  function at(path: string): Field {
    return field(entries[path], `${list.path}[${JSON.stringify(path.slice(0, 120))}]`);
  }
}

function isObject(value: ExactJson | undefined): value is ExactJsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseDelegations(delegations: Field): Delegations {
  const keys = parseKeys(delegations.get('keys'));
  const [roles, succinct] = [delegations.get('roles'), delegations.get('succinct_roles')];
  if (roles.present === succinct.present) delegations.fail('must hold either roles or succinct_roles');
  if (succinct.present) return { keys, roles: [], succinct: parseSuccinct(succinct) };
  const list = roles.array(LIMITS.tufRoles).map(parseDelegatedRole);
  const names = new Set<string>();
  for (const { name } of list) {
    if (names.has(name)) roles.fail(`names the role ${JSON.stringify(name.slice(0, 120))} twice`);
    names.add(name);
  }
  return { keys, roles: list };
}

function parseDelegatedRole(role: Field): DelegatedRole {
  const name = role.get('name').string(LIMITS.tufPathLength);
  if (name === '' || TOP_LEVEL_ROLES.some(taken => taken === name))
    role.get('name').fail(`cannot be ${JSON.stringify(name)}`);
  const [terminating, paths, prefixes] = [
    role.get('terminating'),
    role.get('paths'),
    role.get('path_hash_prefixes'),
  ];
  // With neither, implementations differ between everything and nothing; the specification leaves it open.
  if (paths.present === prefixes.present) role.fail('must hold either paths or path_hash_prefixes');
  return {
    name,
    ...parseRoleKeys(role),
    terminating: terminating.present && parseBoolean(terminating),
    paths: paths.present ? texts(paths) : undefined,
    pathHashPrefixes: prefixes.present ? texts(prefixes) : undefined,
  };
}

function texts(list: Field): readonly string[] {
  return list.array(LIMITS.tufRoles).map(text => text.string(LIMITS.tufPathLength));
}

function parseSuccinct(succinct: Field): SuccinctRoles {
  const bitLength = succinct.get('bit_length').size();
  if (bitLength < 1 || bitLength > 32) succinct.get('bit_length').fail('must be from 1 to 32');
  const namePrefix = succinct.get('name_prefix').string(LIMITS.tufPathLength);
  if (namePrefix === '') succinct.get('name_prefix').fail('is empty');
  return { ...parseRoleKeys(succinct), bitLength, namePrefix };
}
