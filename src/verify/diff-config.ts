import type { JsonObject, JsonValue } from '../base/json.js';
import { canonicalJson, compareConfigs } from '../custody/index.js';

/** A key of two configs that is not the same. Values are text as they stand, all else as canonical JSON; undefined: absent. */
export interface ConfigDifference {
  readonly key: string;
  readonly member: string | undefined;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** What `compareConfigs` leaves to other checks, and a person wants to see. */
const PLAIN = ['architecture', 'os', 'variant', 'created'];

/** What differs between two image configs, by key and within maps by member; in a stable order. */
export function diffConfigs(before: JsonObject, after: JsonObject): readonly ConfigDifference[] {
  const plain = PLAIN.map(key => ({ key: `/${key}`, member: undefined }));
  return [...plain, ...compareConfigs(before, after)]
    .map(({ key, member }) => ({
      ...{ key, member },
      before: configValue(before, key, member),
      after: configValue(after, key, member),
    }))
    .filter(one => one.before !== one.after)
    .sort((a, b) => order(a.key, b.key) || order(a.member ?? '', b.member ?? ''));
}

/** The value of a key, or of one of its members; of a variable that is set twice, both, a line each. */
export function configValue(config: JsonObject, key: string, member: string | undefined): string | undefined {
  if (key.startsWith('/')) return textOf(memberOf(config, key.slice(1)));
  const value = memberOf(asObject(memberOf(config, 'config')), key);
  if (member === undefined) return textOf(value);
  if (key !== 'Env') return textOf(memberOf(asObject(value), member));
  const variables = Array.isArray(value) ? value.filter(one => typeof one === 'string') : [];
  const all = variables.filter(one => one === member || one.startsWith(`${member}=`));
  return all.length === 0 ? undefined : all.map(one => one.slice(member.length + 1)).join('\n');
}

function textOf(value: JsonValue | undefined): string | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === 'string' ? value : canonicalJson(value);
}

function memberOf(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function asObject(value: JsonValue | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
