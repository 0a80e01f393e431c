import { utf8 } from '../base/bytes.js';
import { mapConcurrently } from '../base/concurrency.js';
import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { type CustodyPolicy, isInScope } from '../custody/index.js';
import {
  type LoadedPolicy,
  loadKeys,
  type ParsedPolicy,
  parseInlineKey,
  parsePolicy,
} from '../policy/index.js';
import { POLICY_TARGET } from '../trust/layout.js';
import type { TufClient } from '../tuf/client.js';

/** Policies that `targets` itself lists; nobody that it delegates to has a say in them. */
export interface TrustPolicies {
  /** Undefined when there is none of this name. */
  named(name: string): Promise<LoadedPolicy | undefined>;
  /**
   * The one for images of a repository; undefined when there is none.
   * @throws TouchmarkError `usage-argument` when there are several
   */
  forRepository(repository: string): Promise<LoadedPolicy | undefined>;
  /** Those that a policy of the same images must be one of; of images that belong to no repository, all. */
  around(repository: string | undefined): Promise<readonly ParsedPolicy[]>;
}

/** Each is read when it is asked for, once. @throws TouchmarkError from each call: `policy-invalid`, `key-…`, `tuf-…` */
export function openPolicies(client: TufClient): TrustPolicies {
  const parsed = new Map<string, Promise<ParsedPolicy>>();
  const read = (path: string) => {
    const reading = parsed.get(path) ?? readPolicy(client, path);
    parsed.set(path, reading);
    return reading;
  };
  const around = async (repository: string | undefined) => {
    const all = await mapConcurrently(await policyPaths(client), 4, read);
    return all.filter(({ document }) => repository === undefined || isInScope(document.scope, repository));
  };
  return {
    around,
    async named(name) {
      const [path, ...more] = (await policyPaths(client)).filter(own => nameOf(own) === name);
      if (more.length > 0)
        fail('policy-invalid', `the policy ${name} stands there twice: ${path}, ${more.join(', ')}`);
      return path === undefined ? undefined : load(await read(path));
    },
    async forRepository(repository) {
      const fitting = await around(repository);
      const [only, ...more] = fitting;
      if (more.length > 0)
        fail('usage-argument', `several policies are for ${repository}: ${fitting.map(named).join(', ')}`, {
          hint: 'say which: --policy tuf:NAME',
        });
      return only && load(only);
    },
  };
}

const named = ({ document }: ParsedPolicy) => document.name;
const nameOf = (path: string) => POLICY_TARGET.exec(path)?.[1];

async function policyPaths(client: TufClient): Promise<readonly string[]> {
  const { targets } = await client.readRole('targets');
  const paths = [...targets.keys()].filter(path => POLICY_TARGET.test(path));
  if (paths.length > LIMITS.tufPolicies)
    fail('limit-exceeded', `there are ${paths.length} policies; at most ${LIMITS.tufPolicies} are read`);
  return paths;
}

async function readPolicy(client: TufClient, path: string): Promise<ParsedPolicy> {
  const info = (await client.readRole('targets')).targets.get(path);
  if (!info) return fail('tuf-target-unlisted', `there is no target ${path}`);
  if (info.length > LIMITS.policySize)
    fail('limit-exceeded', `${path} has ${info.length} bytes; at most ${LIMITS.policySize} are read`);
  const bytes = await client.fetchTarget({ path, info, chain: ['targets'] });
  const policy = parsePolicy(bytes, path, path.endsWith('.json') ? 'json' : 'yaml');
  const { name } = policy.document;
  if (name !== nameOf(path)) fail('policy-invalid', `${path} holds a policy that is called ${name}`);
  return policy;
}

/** Nothing of the machine that verifies gets into it: neither its files nor its variables. */
function load(parsed: ParsedPolicy): Promise<LoadedPolicy> {
  return loadKeys(parsed, async (entry, where) => {
    if (entry.includes('-----BEGIN ')) return parseInlineKey(utf8(entry), where);
    return fail('policy-invalid', `${where} names a file or a variable; a policy in TUF holds its keys`, {
      hint: 'write the PEM text itself there: touchmark key show --pem',
    });
  });
}

/** A policy by its name in TUF. @throws TouchmarkError `tuf-target-unlisted` when it is not there */
export async function requirePolicy(policies: TrustPolicies, name: string): Promise<CustodyPolicy> {
  const found = await policies.named(name);
  if (found) return found.policy;
  return fail('tuf-target-unlisted', `TUF lists no policy ${JSON.stringify(name.slice(0, 100))}`, {
    hint: 'its owners publish it as policy/NAME.yaml in targets',
  });
}

/**
 * A policy from a file must be the one that its owners signed, where they signed one for these images.
 * @throws TouchmarkError `policy-rollback` for an earlier or another version of it; `usage-argument` for another policy
 */
export async function requireSigned(
  policy: CustodyPolicy,
  repository: string | undefined,
  policies: TrustPolicies,
): Promise<void> {
  const signed = await policies.around(repository);
  if (signed.length === 0 || signed.some(({ source }) => source.digest === policy.digest)) return;
  const hint =
    'leave --policy away, or say tuf:NAME; custody verify --insecure-local-policy goes by the file all the same';
  const same = signed.find(({ document }) => document.name === policy.name);
  if (same)
    fail(
      'policy-rollback',
      `the policy ${policy.name} here is version ${policy.version}, and not the document that TUF has as version ${same.document.version}`,
      { hint },
    );
  fail(
    'usage-argument',
    `the policy ${policy.name} is not the one that TUF has for ${repository ?? 'images'}: ${signed.map(named).join(', ')}`,
    { hint },
  );
}
