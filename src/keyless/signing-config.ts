import { fail } from '../base/errors.js';
import { Field } from '../base/fields.js';
import { parseJson } from '../base/json.js';
import { LIMITS } from '../base/limits.js';
import { requireTime, type SigningServices } from './services.js';

/** A service of a signing configuration. */
interface Service {
  readonly url: URL;
  readonly version: number;
  readonly start: number;
  readonly end: number;
  readonly operator: string;
}

const MEDIA_TYPE = 'application/vnd.dev.sigstore.signingconfig.v0.2+json';
/** API versions that are spoken here, the preferred one first. */
const VERSIONS = { fulcio: [1], issuer: [1], log: [2, 1], timestamps: [1] } as const;

/**
 * Chooses services from a signing configuration (`signing_config.v0.2.json`) by its own rules: of the highest version spoken
 * here those that are valid now, the newest of each operator, and of those as many as its selector says. A kind that is
 * listed with no services is not used.
 * @throws TouchmarkError `format-signing-config`; `services-missing` when it asks for more than it has, or has no
 * certificate authority
 */
export function chooseServices(bytes: Uint8Array, now: Date): SigningServices {
  const value = parseJson(bytes, 'the signing configuration', {
    code: 'format-signing-config',
    maxSize: LIMITS.signingConfigSize,
  });
  const config = new Field(value, 'signing configuration', 'format-signing-config');
  const mediaType = config.get('mediaType');
  if (mediaType.value !== MEDIA_TYPE)
    mediaType.fail(`is ${JSON.stringify(mediaType.string(200))}; only ${MEDIA_TYPE} is read`);
  const [fulcio] = newest(config.get('caUrls'), VERSIONS.fulcio, now);
  const [issuer] = newest(config.get('oidcUrls'), VERSIONS.issuer, now);
  if (fulcio === undefined)
    return fail(
      'services-missing',
      'the signing configuration has no certificate authority that is valid now',
      {
        hint: 'fetch the configuration again: services are replaced in time',
      },
    );
  const logs = select(config.get('rekorTlogUrls'), config.get('rekorTlogConfig'), VERSIONS.log, now);
  const timestamps = select(config.get('tsaUrls'), config.get('tsaConfig'), VERSIONS.timestamps, now);
  return requireTime({
    fulcio: fulcio.url,
    ...(issuer && { issuer: issuer.url }),
    logs: logs.map(({ url, version }) => ({ url, version: version === 2 ? 2 : 1 })),
    timestampAuthorities: timestamps.map(({ url }) => url),
  });
}

function select(list: Field, selection: Field, versions: readonly number[], now: Date): readonly Service[] {
  if (list.empty || list.array(LIMITS.signingServices).length === 0) return [];
  const services = newest(list, versions, now);
  const selector = selection.empty ? selection : selection.get('selector');
  const count = wanted(selector, selection, services.length);
  if (services.length === 0 || count > services.length) {
    return fail(
      'services-missing',
      `${list.path} has ${services.length} services that are valid now and spoken here; it asks for ${Math.max(1, count)}`,
      {
        hint: 'fetch the configuration again: services are replaced in time',
        details: { list: list.path, valid: services.length },
      },
    );
  }
  return services.slice(0, count);
}

/** How many of `available` operators take part. Enums of protobuf may be written as numbers. */
function wanted(selector: Field, selection: Field, available: number): number {
  switch (selector.value) {
    case 'ALL':
    case 1:
      return available;
    case 'ANY':
    case 2:
      return 1;
    case 'EXACT':
    case 3: {
      const count = selection.get('count').size();
      return count > 0 ? count : selection.get('count').fail('must be above zero');
    }
    default:
      return selector.fail('must be ALL, ANY or EXACT');
  }
}

/** The newest service of each operator, of the highest version that has any. */
function newest(list: Field, versions: readonly number[], now: Date): readonly Service[] {
  if (list.empty) return [];
  const valid = list
    .array(LIMITS.signingServices)
    .map(readService)
    .filter(({ start, end }) => start <= now.getTime() && now.getTime() <= end)
    .sort((a, b) => b.start - a.start);
  for (const version of versions) {
    const operators = new Map<string, Service>();
    for (const service of valid)
      if (service.version === version && !operators.has(service.operator))
        operators.set(service.operator, service);
    if (operators.size > 0) return [...operators.values()];
  }
  return [];
}

function readService(field: Field): Service {
  const validFor = field.get('validFor');
  const time = (name: string, otherwise: number) =>
    validFor.empty || validFor.get(name).empty ? otherwise : timeOf(validFor.get(name));
  return {
    url: urlOf(field.get('url')),
    version: field.get('majorApiVersion').size(),
    start: time('start', Number.NEGATIVE_INFINITY),
    end: time('end', Number.POSITIVE_INFINITY),
    operator: field.get('operator').optionalString() ?? '',
  };
}

function urlOf(field: Field): URL {
  const text = field.string(2048);
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return field.fail('is not an http URL');
  const url = new URL(text);
  return url.username === '' && url.password === '' ? url : field.fail('holds a user name');
}

/** RFC 3339, as protobuf writes it. */
function timeOf(field: Field): number {
  const text = field.string(40);
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  return Number.isNaN(time) ? field.fail('is not a time') : time;
}
