import { foldCase, type JsonObject, type JsonValue } from '../base/json.js';
import { canonicalJson } from './claim-digest.js';

/** One thing that a step did to the image config. */
export interface ConfigChange {
  /** `Cmd`, `Env`, `Labels`; `/author` for members outside `config`. */
  readonly key: string;
  /** The variable, label, port or volume; undefined for keys that hold one value. */
  readonly member: string | undefined;
  /** Every value that a runtime may take it for; a rule that denies one of them denies the change. */
  readonly values: readonly string[];
  /** Some readers take the key for another one: never allowed. */
  readonly ambiguous: boolean;
}

/** Checked elsewhere (layers, platform) or deciding nothing (dates and history differ with every build). */
const OUTSIDE = ['config', 'rootfs', 'history', 'created', 'architecture', 'os', 'variant'];
const MAPS = ['Labels', 'ExposedPorts', 'Volumes'];
const KEYS = [
  ...MAPS,
  'User',
  'Env',
  'Entrypoint',
  'Cmd',
  'WorkingDir',
  'StopSignal',
  'ArgsEscaped',
  'Healthcheck',
  'Shell',
  'OnBuild',
  'StopTimeout',
  'Memory',
  'MemorySwap',
  'CpuShares',
  'Hostname',
  'Domainname',
  'Image',
];

/**
 * What differs between two configs (OCI image specification, "Image Configuration"; Docker's further keys). Unknown keys
 * count. Absent, null and empty are the same, as for the programs that read configs.
 * @param before undefined for the first step of a chain: then everything counts
 */
export function compareConfigs(before: JsonObject | undefined, after: JsonObject): readonly ConfigChange[] {
  const run = (document: JsonObject | undefined): JsonObject => asObject(document?.['config']);
  return [
    ...compareMembers(before ?? {}, after, OUTSIDE).map(key => ({
      key: `/${key}`,
      member: undefined,
      values: [textOf(after[key])],
      ambiguous: OUTSIDE.some(known => known !== key && foldCase(known) === foldCase(key)),
    })),
    ...compareMembers(run(before), run(after), []).flatMap(key =>
      changesOf(key, run(before)[key], run(after)[key]),
    ),
  ];
}

function compareMembers(before: JsonObject, after: JsonObject, except: readonly string[]): readonly string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].filter(
    key => !except.includes(key) && textOf(memberOf(before, key)) !== textOf(memberOf(after, key)),
  );
}

function changesOf(
  key: string,
  before: JsonValue | undefined,
  after: JsonValue | undefined,
): readonly ConfigChange[] {
  const ambiguous = KEYS.some(known => known !== key && foldCase(known) === foldCase(key));
  if (key === 'Env') return compareEnvironments(before, after);
  if (MAPS.includes(key) && isMap(before) && isMap(after)) {
    const [old, now] = [asObject(before), asObject(after)];
    const members = [...new Set([...Object.keys(old), ...Object.keys(now)])];
    return members
      .filter(
        member =>
          Object.hasOwn(old, member) !== Object.hasOwn(now, member) ||
          canonicalJson(old[member] ?? null) !== canonicalJson(now[member] ?? null),
      )
      .map(member => ({ key, member, values: [textOf(memberOf(now, member))], ambiguous }));
  }
  const values = key === 'User' ? usersOf(after) : [textOf(after)];
  return [{ key, member: undefined, values, ambiguous }];
}

/** By variable. One that is set twice is compared as the list of its values: programs differ in which they take. */
function compareEnvironments(
  before: JsonValue | undefined,
  after: JsonValue | undefined,
): readonly ConfigChange[] {
  const [old, now] = [variablesOf(before), variablesOf(after)];
  if (!old || !now) return [{ key: 'Env', member: undefined, values: [textOf(after)], ambiguous: true }];
  const names = [...new Set([...old.keys(), ...now.keys()])];
  return names
    .filter(name => canonicalJson(old.get(name) ?? null) !== canonicalJson(now.get(name) ?? null))
    .map(name => ({ key: 'Env', member: name, values: now.get(name) ?? [''], ambiguous: false }));
}

function variablesOf(value: JsonValue | undefined): ReadonlyMap<string, readonly string[]> | undefined {
  const variables = new Map<string, string[]>();
  if (value === undefined || value === null) return variables;
  if (!Array.isArray(value)) return undefined;
  for (const entry of value) {
    if (typeof entry !== 'string') return undefined;
    const at = entry.indexOf('=');
    const name = at < 0 ? entry : entry.slice(0, at);
    variables.set(name, [...(variables.get(name) ?? []), at < 0 ? '' : entry.slice(at + 1)]);
  }
  return variables;
}

/** No user, the name `root` and the number 0 are one user, with or without a group behind it. */
function usersOf(value: JsonValue | undefined): readonly string[] {
  const text = textOf(value);
  const user = text.split(':')[0] ?? '';
  return user === '' || user === 'root' || /^[+-]?0+$/.test(user)
    ? [...new Set([text, user, 'root', '0'])]
    : [...new Set([text, user])];
}

/** A string as it is, anything else as canonical JSON; what is empty as nothing. */
function textOf(value: JsonValue | undefined): string {
  if (value === undefined || value === null || value === false || value === 0) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'object' && Object.keys(value).length === 0) return '';
  return canonicalJson(value);
}

function memberOf(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function isMap(value: JsonValue | undefined): boolean {
  return value === undefined || value === null || (typeof value === 'object' && !Array.isArray(value));
}

function asObject(value: JsonValue | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
