import { fail } from '../base/errors.js';
import type { CustodyPolicy } from '../custody/policy.js';
import type { StoreOptions } from '../oci/context.js';
import { createStoreAccess } from '../oci/open.js';
import { parseReference } from '../oci/reference.js';
import { loadPolicy } from '../policy/load.js';
import type { Line } from '../report/lines.js';
import { presentTrust } from '../report/trust-text.js';
import { requirePolicy, requireSigned } from '../verify/trust-policies.js';
import { reportTrust, type TrustReport } from '../verify/trust-report.js';
import { openTrustView, type TrustView } from '../verify/trust-view.js';
import type { TufFlagValues } from './flags/tuf.js';
import { requireOneRegistry } from './one-registry.js';
import { openTrust } from './open-trust.js';

/** The TUF repository of `--tuf`, for a run over images. */
export interface ImageTrust {
  readonly view: TrustView;
  readonly report: TrustReport;
  /** For people. */
  readonly line: Line;
  close(): Promise<void>;
}

export interface ImageTrustContext {
  readonly options: StoreOptions;
  readonly now: Date;
  readonly onWarning: (text: string) => void;
}

/**
 * Opens what `--root` and `--tuf` name; undefined when neither is given.
 * @throws TouchmarkError as {@link openTrust}; `usage-argument` when credentials given by flags would reach two registries
 */
export async function openImageTrust(
  references: readonly string[],
  flags: TufFlagValues,
  { options, now, onWarning }: ImageTrustContext,
): Promise<ImageTrust | undefined> {
  if (flags.tuf?.startsWith('oci://'))
    requireOneRegistry([...references, flags.tuf.slice('oci://'.length)], options);
  const access = createStoreAccess(options);
  try {
    const trust = await openTrust(flags, { access, now, onWarning });
    if (!trust) {
      await access.close();
      return undefined;
    }
    const close = async () => {
      await trust.close();
      await access.close();
    };
    const view = openTrustView(trust);
    const report = reportTrust(view, now);
    return { view, report, line: presentTrust(report), close };
  } catch (error) {
    await access.close();
    throw error;
  }
}

export interface PolicyFlagValues {
  readonly policy?: string | undefined;
  readonly as?: string | undefined;
  readonly 'insecure-local-policy'?: boolean | undefined;
}

/** Of `--policy`: a policy by its name in TUF. */
const IN_TUF = 'tuf:';

/**
 * The policy of `--policy`: a file, which must be what TUF has for these images where it has one, or `tuf:NAME`; without it, the one that TUF has for these images, and undefined when it has
 * none.
 * @throws TouchmarkError `usage-argument`, `policy-invalid`, `usage-file`, `key-…`, `tuf-…`
 */
export async function choosePolicy(
  references: readonly string[],
  { policy, as, 'insecure-local-policy': isLocal = false }: PolicyFlagValues,
  view: TrustView | undefined,
): Promise<CustodyPolicy | undefined> {
  if (policy?.startsWith(IN_TUF)) {
    if (!view)
      return fail('usage-argument', `--policy ${policy} is in TUF, and none was given`, {
        hint: 'add --root root.json --tuf PLACE',
      });
    return requirePolicy(view.policies, policy.slice(IN_TUF.length));
  }
  const repositories = new Set(references.map(reference => as ?? repositoryOf(reference)));
  if (policy !== undefined) {
    const local = (await loadPolicy(policy)).policy;
    if (!view || isLocal) return local;
    for (const name of repositories) await requireSigned(local, name, view.policies);
    return local;
  }
  if (!view) return undefined;
  const found = new Map<string, CustodyPolicy | undefined>();
  for (const name of [...repositories].flatMap(known => known ?? []))
    found.set(name, (await view.policies.forRepository(name))?.policy);
  const names = new Set([...found.values()].map(chosen => chosen?.name));
  if (names.size > 1)
    fail('usage-argument', 'these images are under different policies, or some of them under none', {
      details: Object.fromEntries([...found].map(([name, chosen]) => [name, chosen?.name ?? 'none'])),
      hint: 'verify those of one policy in one run, or say which: --policy tuf:NAME',
    });
  return [...found.values()][0];
}

/** {@link choosePolicy} for a check that cannot do without. @throws TouchmarkError `usage-argument`, `tuf-target-unlisted` */
export async function requirePolicyFor(
  references: readonly string[],
  flags: PolicyFlagValues,
  view: TrustView | undefined,
): Promise<CustodyPolicy> {
  const policy = await choosePolicy(references, flags, view);
  if (policy) return policy;
  if (!view)
    return fail('usage-argument', 'no policy is given to verify with', {
      hint: '--policy policy.yaml; or --root root.json --tuf PLACE, where its owners publish it',
    });
  return fail('tuf-target-unlisted', `${view.place} has no policy for ${references.slice(0, 3).join(', ')}`, {
    hint: 'say which: --policy tuf:NAME, or --policy FILE; --as REPOSITORY for an image in a folder or file',
  });
}

/** The policy as commands on the same machine name it; one from TUF lies in no file. */
export function policyFileOf(policy: string | undefined): string {
  return policy === undefined || policy.startsWith(IN_TUF) ? 'FILE' : policy;
}

/** What cannot be read as a reference has its own verdict later. */
function repositoryOf(reference: string): string | undefined {
  try {
    const { transport, location } = parseReference(reference);
    return transport === 'registry' ? location : undefined;
  } catch {
    return undefined;
  }
}
