import type { ExactJsonObject } from '../../base/json.js';
import { LIMITS } from '../../base/limits.js';
import { parseEnvelope } from '../envelope.js';
import type { ReachedRole } from '../every-role.js';
import type { TufKey } from '../keys.js';
import type { Delegations, RoleKeys, Targets } from '../metadata.js';
import { metadataName } from '../names.js';
import { countSignatures } from '../threshold.js';
import type { TrustedSet } from '../trusted-set.js';
import { type Asked, auditDelegations, unreachableTargets } from './delegations.js';
import { auditExpiry, auditFile } from './files.js';
import { type Findings, someOf } from './finding.js';
import { auditKeys, type KeyedRole, KeyUse } from './keys.js';
import type { AuditedRole } from './report.js';

/** One loaded role, and what each of its delegators says of it. */
interface LoadedRole {
  readonly targets: Targets;
  readonly size: number;
  readonly delegators: string[];
  readonly asked: Asked[];
  readonly keys: RoleKeys;
  readonly signed: number;
}

interface KnownDelegations {
  readonly delegations: Delegations;
  readonly byName: ReadonlyMap<string, Delegations['roles'][number]>;
}

/** Collects roles as they are loaded, from the top down; {@link RoleAudit.finish} judges what only the whole shows. */
export class RoleAudit {
  readonly #set: TrustedSet;
  readonly #now: Date;
  readonly #findings: Findings;
  readonly #roles = new Map<string, LoadedRole>();
  readonly #delegations = new Map<string, KnownDelegations>();
  readonly #use = new KeyUse();

  constructor(set: TrustedSet, now: Date, findings: Findings) {
    this.#set = set;
    this.#now = now;
    this.#findings = findings;
  }

  get names(): ReadonlySet<string> {
    return new Set(this.#roles.keys());
  }

  /** Every delegation that is published now, for judging earlier versions. */
  *delegationsTo(
    role: string,
  ): Generator<{ readonly keys: ReadonlyMap<string, TufKey>; readonly role: RoleKeys }> {
    for (const [delegator] of this.#delegations) {
      const found = this.#lookUp(role, delegator);
      if (found) yield { keys: found.keys, role: found.role };
    }
  }

  add({ role, delegator }: ReachedRole, targets: Targets, bytes: Uint8Array | undefined): void {
    const known = this.#roles.get(role);
    const found = this.#lookUp(role, delegator);
    const asked = found ? [{ entry: found.entry, succinct: found.succinct }] : [];
    if (known) {
      known.delegators.push(delegator);
      known.asked.push(...asked);
      return;
    }
    const file = this.#fileOf(role);
    const [keys, roleKeys] = found ? [found.keys, found.role] : [this.#set.root.keys, this.#topLevel(role)];
    const { valid, problems } = bytes
      ? countSignatures(parseEnvelope(bytes, file, LIMITS.tufTargetsSize), keys, roleKeys, 'refuse')
      : { valid: new Set(), problems: [] };
    const bad = problems.filter(problem => problem.endsWith('does not verify'));
    if (bad.length > 0) {
      this.#findings.add(
        'warning',
        'signature-invalid',
        `${bad.length} signatures on ${role} do not verify: ${bad[0]}`,
        'sign it again with those keys',
        { role, file },
      );
    }
    const size = bytes?.length ?? 0;
    this.#roles.set(role, {
      targets,
      size,
      delegators: [delegator],
      asked,
      keys: roleKeys,
      signed: valid.size,
    });
    const listed = this.#set.listed(role);
    auditFile(role, file, { size, isListed: listed.length !== undefined }, this.#findings);
    auditExpiry(role, targets.expires, this.#now, file, this.#findings);
    if (targets.delegations) this.#addDelegations(role, targets.delegations, targets.raw, file);
  }

  #addDelegations(delegator: string, delegations: Delegations, raw: ExactJsonObject, file: string): void {
    const byName = new Map(delegations.roles.map(role => [role.name, role]));
    this.#delegations.set(delegator, { delegations, byName });
    const { succinct, keys } = delegations;
    const keyed: KeyedRole[] = delegations.roles.map(({ name, keyids, threshold, pathHashPrefixes }) => ({
      name,
      delegator,
      keys: { keyids, threshold },
      isBin: pathHashPrefixes !== undefined,
    }));
    if (succinct) keyed.push({ name: delegator, delegator, keys: succinct, isBin: true });
    auditKeys(keyed, { keys, raw }, file, this.#findings);
    for (const role of keyed) this.#use.add(role, { keys, raw });
    auditDelegations(delegator, delegations, this.#reachOf(delegator), file, this.#findings);
  }

  /** The patterns that a role is asked for; undefined when that is everything, or not patterns. */
  #reachOf(role: string): readonly string[] | undefined {
    const asked = this.#roles.get(role)?.asked ?? [];
    if (asked.length === 0 || asked.some(({ entry }) => entry?.paths === undefined)) return undefined;
    return asked.flatMap(({ entry }) => entry?.paths ?? []);
  }

  finish(): { readonly roles: readonly AuditedRole[]; readonly bins: readonly AuditedRole[] } {
    const { root } = this.#set;
    const top: KeyedRole[] = [...root.roles].map(([name, keys]) => ({
      name,
      delegator: 'root',
      keys,
      isBin: false,
    }));
    auditKeys(top, root, metadataName('root', root.version), this.#findings);
    for (const role of top) this.#use.add(role, root);
    this.#use.report(this.#findings);
    const roles: AuditedRole[] = [];
    const bins: AuditedRole[] = [];
    for (const [name, role] of this.#roles) {
      const { targets, asked } = role;
      const lost = name === 'targets' ? [] : unreachableTargets(name, targets, asked);
      if (lost.length > 0) {
        this.#findings.add(
          'warning',
          'target-unreachable',
          `${name} lists ${lost.length} targets that nobody asks it for: ${someOf(lost)}`,
          'delegate their paths to it, or take them away',
          { role: name, file: this.#fileOf(name) },
        );
      }
      const isBin = asked.length > 0 && asked.every(({ entry }) => entry?.paths === undefined);
      (isBin ? bins : roles).push({
        name,
        version: targets.version,
        expires: targets.expires.toISOString(),
        threshold: role.keys.threshold,
        keys: role.keys.keyids.length,
        signed: role.signed,
        delegators: role.delegators,
        size: role.size,
        targets: targets.targets.size,
      });
    }
    return { roles, bins };
  }

  /** Each role's targets, for reading their content. */
  *targets(): Generator<readonly [role: string, Targets]> {
    for (const [name, { targets }] of this.#roles) yield [name, targets];
  }

  #lookUp(role: string, delegator: string) {
    const known = this.#delegations.get(delegator);
    if (!known) return undefined;
    const { delegations, byName } = known;
    const entry = byName.get(role);
    const { succinct, keys } = delegations;
    const isBin = succinct && role.startsWith(`${succinct.namePrefix}-`);
    if (!entry && !isBin) return undefined;
    return { keys, role: entry ?? (succinct as RoleKeys), entry, succinct: entry ? undefined : succinct };
  }

  #topLevel(role: string): RoleKeys {
    return role === 'targets'
      ? (this.#set.root.roles.get('targets') as RoleKeys)
      : { keyids: [], threshold: 1 };
  }

  #fileOf(role: string): string {
    const { consistentSnapshot } = this.#set.root;
    return metadataName(role, consistentSnapshot ? this.#set.listed(role).version : undefined);
  }
}
