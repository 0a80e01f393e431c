import { TouchmarkError, toTouchmarkError } from '../base/errors.js';
import type { RequestEvent } from '../oci/context.js';
import type { RawManifest } from '../oci/manifest.js';
import { type StoreAccess, withImage } from '../oci/open.js';
import { attachmentTag, parseReference, parseRepository } from '../oci/reference.js';
import type { Store } from '../oci/store.js';
import { collectSignatures } from '../verify/collect.js';
import { CARRIERS, type FoundSignature } from '../verify/evidence.js';

/** One thing that was looked at. A warning is no fault yet; a failure will stop other commands. */
export interface Finding {
  /** `area.topic`, such as `registry.referrers`. */
  readonly id: string;
  readonly result: 'ok' | 'warning' | 'failed';
  readonly message: string;
  readonly hint: string | null;
  /** The error behind a failure. */
  readonly error: TouchmarkError | null;
}

export interface Host {
  /** Of Node, without the v. */
  readonly nodeVersion: string;
  readonly now: Date;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** A registry's clock may differ by this much before it is worth a word. */
const CLOCK_SKEW = 60_000;

/**
 * Looks at what other commands depend on: Node, proxies, clock, credentials, the registry and what it can do, and whether the
 * signatures of the image can be found by every reader.
 * @param events the requests so far, as `onRequest` of the store options reported them; read after the registry was asked
 */
export async function diagnose(
  access: StoreAccess,
  reference: string | undefined,
  host: Host,
  events: readonly RequestEvent[],
): Promise<readonly Finding[]> {
  const findings = [checkNode(host), ...checkProxies(host)];
  if (reference === undefined) return findings;
  try {
    const parsed = parseReference(reference);
    if (parsed.transport === 'registry') findings.push(await checkCredentials(access, parsed.location));
    await withImage(access, parsed, async (store, image) => {
      findings.push(ok('store.image', `${reference} is ${image.descriptor.digest}`));
      findings.push(...(await checkSignatures(store, image)));
    });
  } catch (error) {
    findings.push(failed('store.image', toTouchmarkError(error)));
  }
  return [...findings, ...checkClock(events, host)];
}

function ok(id: string, message: string): Finding {
  return { id, result: 'ok', message, hint: null, error: null };
}

function warning(id: string, message: string, hint: string): Finding {
  return { id, result: 'warning', message, hint, error: null };
}

function failed(id: string, error: TouchmarkError): Finding {
  return { id, result: 'failed', message: error.message, hint: error.hint ?? null, error };
}

function checkNode({ nodeVersion }: Host): Finding {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return ok('host.node', `Node ${nodeVersion}`);
  const error = new TouchmarkError('usage-argument', `Node ${nodeVersion} is too old`, {
    hint: 'install Node 20.19 or later',
  });
  return failed('host.node', error);
}

function checkProxies({ environment }: Host): Finding[] {
  const names = [
    'HTTPS_PROXY',
    'https_proxy',
    'HTTP_PROXY',
    'http_proxy',
    'ALL_PROXY',
    'all_proxy',
    'NO_PROXY',
    'no_proxy',
  ];
  const set = names.filter(name => environment[name]);
  // Values may hold a password: only the names are shown.
  return set.length === 0 ? [] : [ok('host.proxy', `requests follow ${set.join(', ')}`)];
}

async function checkCredentials(access: StoreAccess, location: string): Promise<Finding> {
  const { registry } = parseRepository(location);
  try {
    const source = await (await access.session()).describeCredentials(location);
    return ok('registry.credentials', `${registry}: ${source.description}`);
  } catch (error) {
    return failed('registry.credentials', toTouchmarkError(error));
  }
}

async function checkSignatures(store: Store, image: RawManifest): Promise<readonly Finding[]> {
  const { digest } = image.descriptor;
  const { sources, problems } = await store.listReferrers(digest);
  const findings: Finding[] = problems.map(error => failed('registry.referrers', error));
  if (problems.length === 0) {
    const api = sources.includes('api');
    const how = sources.includes('layout')
      ? 'kept by the layout'
      : api
        ? 'by the referrers API'
        : 'by the fallback tag';
    findings.push(
      ok(
        'registry.referrers',
        `bundles are found ${how}${api ? '' : store.namesRepository ? `, ${attachmentTag(digest)}` : ''}`,
      ),
    );
  }
  const found: FoundSignature[] = [];
  for await (const evidence of collectSignatures(store, digest, CARRIERS)) {
    found.push(...evidence.signatures);
    findings.push(...evidence.problems.map(({ source, error }) => failed(`signature.${source}`, error)));
  }
  const bundles = found.filter(({ carrier }) => carrier === 'bundle').length;
  const payloads = found.length - bundles;
  findings.push(ok('signature.found', `${payloads} in the .sig tag, ${bundles} as bundles`));
  if (payloads > 0 && bundles > 0 && payloads !== bundles) {
    const message =
      'cosign 3 reads only the bundles as soon as there is one: it does not see every signer here';
    findings.push(
      warning('signature.shadowed', message, 'each signer runs touchmark sign again without --carrier'),
    );
  }
  return findings;
}

function checkClock(events: readonly RequestEvent[], { now }: Host): readonly Finding[] {
  const served = events.map(event => event.serverTime).find(time => time !== undefined);
  if (!served) return [];
  const skew = Math.round((now.getTime() - served.getTime()) / 1000);
  if (Math.abs(skew) * 1000 <= CLOCK_SKEW)
    return [ok('host.clock', `agrees with the registry's within ${CLOCK_SKEW / 1000} s`)];
  return [
    warning(
      'host.clock',
      `differs from the registry's by ${skew} s`,
      'set the clock: tokens and expiry depend on it',
    ),
  ];
}
