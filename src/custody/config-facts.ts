import { Field } from '../base/fields.js';
import type { JsonObject } from '../base/json.js';
import { LIMITS } from '../base/limits.js';
import type { CreatedFact, ImageFacts, UserFact } from './facts.js';

/** Members of `config` that are read (OCI image specification, "Image Configuration", and what Docker writes beside). */
const RUN_KEYS = [
  'User',
  'Env',
  'Entrypoint',
  'Cmd',
  'WorkingDir',
  'StopSignal',
  'Shell',
  'Healthcheck',
  'OnBuild',
  'ExposedPorts',
  'Volumes',
  'Labels',
];

export type ConfigFacts = Pick<
  ImageFacts,
  | 'user'
  | 'environment'
  | 'entrypoint'
  | 'command'
  | 'workingDirectory'
  | 'stopSignal'
  | 'shell'
  | 'healthcheck'
  | 'onBuild'
  | 'ports'
  | 'volumes'
  | 'labels'
  | 'created'
  | 'history'
>;

/**
 * What an image config says of how the image runs. Strict, because a rule that is held to one reading of a config would say
 * nothing of another one: a key that differs in case only, and a value of another type, are refused.
 *
 * @throws TouchmarkError `format-config`, `limit-exceeded`
 */
export function readConfigFacts(document: JsonObject, now: Date): ConfigFacts {
  const config = new Field(document, 'config', 'format-config');
  const run = new Field(document['config'] ?? Object.create(null), 'config.config', 'format-config');
  run.onlyKeys(RUN_KEYS);
  const text = (key: string) => run.get(key).optionalString() ?? '';
  const list = (key: string) => textsOf(run.get(key));
  const health = run.get('Healthcheck');
  return {
    user: userOf(text('User')),
    environment: list('Env').map(entry => {
      const at = entry.indexOf('=');
      return at < 0 ? { name: entry, value: '' } : { name: entry.slice(0, at), value: entry.slice(at + 1) };
    }),
    entrypoint: list('Entrypoint'),
    command: list('Cmd'),
    workingDirectory: text('WorkingDir'),
    stopSignal: text('StopSignal'),
    shell: list('Shell'),
    healthcheck: health.empty ? [] : textsOf(health.onlyKeys(['Test']).get('Test')),
    onBuild: list('OnBuild'),
    ports: keysOf(run.get('ExposedPorts')).map(portOf),
    volumes: keysOf(run.get('Volumes')),
    labels: run.get('Labels').stringMap(),
    created: createdOf(config.get('created').optionalString(), now),
    history: historyOf(config.get('history')),
  };
}

function textsOf(field: Field): readonly string[] {
  return field.empty ? [] : field.array(LIMITS.jsonValues).map(item => item.string(LIMITS.configSize));
}

function keysOf(field: Field): readonly string[] {
  return field.empty ? [] : Object.keys(field.object());
}

/** Ports without a protocol are TCP, and protocols are read in any case; what is no port stays as it is. */
function portOf(key: string): string {
  const [, port, protocol = 'tcp'] = /^([0-9]+(?:-[0-9]+)?)(?:\/([A-Za-z]+))?$/.exec(key) ?? [];
  return port === undefined ? key : `${port}/${protocol.toLowerCase()}`;
}

/** The largest number of a user that runtimes take. */
const LAST_USER = 2 ** 31 - 1;

/** As runtimes read it: a number with or without sign and leading zeros, else a name of the image's own `/etc/passwd`. */
function userOf(text: string): UserFact {
  const colon = text.indexOf(':');
  const name = colon < 0 ? text : text.slice(0, colon);
  const id = /^[+-]?[0-9]{1,20}$/.test(name) ? Number(name) : undefined;
  const known = id !== undefined && id >= 0 && id <= LAST_USER ? Math.abs(id) : undefined;
  return {
    name,
    ...(known !== undefined && { id: known }),
    ...(colon >= 0 && { group: text.slice(colon + 1) }),
    root: name === '' || name === 'root' || known === 0,
  };
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

function createdOf(time: string | undefined, now: Date): CreatedFact {
  if (time === undefined) return {};
  const at = TIME.test(time) ? Date.parse(time) : Number.NaN;
  return Number.isNaN(at) ? { time } : { time, age: Math.floor((now.getTime() - at) / 1000) };
}

function historyOf(field: Field): ImageFacts['history'] {
  if (field.empty) return { entries: 0, layers: 0 };
  const entries = field.array(LIMITS.jsonValues);
  const empty = entries.filter(entry => entry.get('empty_layer').value === true);
  return { entries: entries.length, layers: entries.length - empty.length };
}
