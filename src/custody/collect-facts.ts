import type { Digest } from '../base/digest.js';
import { compareConfigs } from './config-delta.js';
import { type ConfigFacts, readConfigFacts } from './config-facts.js';
import type { ConfigSource } from './config-rules.js';
import { channelPlaces } from './currency.js';
import type { ApprovalFacts, ImageFacts, LinkFacts } from './facts.js';
import type { Image } from './image.js';
import type { JudgedHead } from './judge-head.js';
import type { ClaimRecord } from './ledger.js';
import type { TrustFacts } from './trust.js';
import type { Chain } from './walk.js';

export interface FactSources {
  readonly image: Image;
  readonly head: JudgedHead;
  readonly configOf: ConfigSource;
  readonly trust?: TrustFacts | undefined;
  readonly tag?: string | undefined;
  readonly release?: { readonly name: string; readonly role: string } | undefined;
  readonly now: Date;
}

const BASE_NAME = 'org.opencontainers.image.base.name';
const BASE_DIGEST = 'org.opencontainers.image.base.digest';

/**
 * Everything that rules over metadata and predicates may ask of an image.
 * @throws TouchmarkError `format-config`, `limit-exceeded` for a config that could be read in more than one way
 */
export function collectFacts({ image, head, configOf, trust, tag, release, now }: FactSources): ImageFacts {
  const config: ConfigFacts = readConfigFacts(image.configDocument, now);
  const { os, architecture, variant } = image.config;
  const { annotations, layers } = image.manifest;
  const setBy = findSetters(head.chain, configOf);
  const stated = (key: string): string | undefined => ownOf(annotations, key) ?? ownOf(config.labels, key);
  const [name, digest] = [stated(BASE_NAME), stated(BASE_DIGEST)];
  return {
    repository: image.repository ?? '',
    digest: image.descriptor.digest,
    tag: tag ?? '',
    identity: head.identity,
    ...{ os, architecture, variant: variant ?? '' },
    ...config,
    annotations,
    base: { ...(name !== undefined && { name }), ...(digest !== undefined && { digest }) },
    ...(setBy && { setBy }),
    layers: head.layers.map(({ index, team, step, adopted, evidence, digest: stored, diffID }) => ({
      ...{ index, team, step, adopted, evidence },
      size: layers[index]?.size ?? 0,
      ...{ digest: stored, diffID },
      mediaType: layers[index]?.mediaType ?? '',
    })),
    chain: head.chain.links.map(({ claim, signers }): LinkFacts => {
      const { team, step, kind, span, repo, subject } = claim;
      return {
        ...{ team, step, kind, signers: namesOf(signers), ...agedFacts(claim, now) },
        layers: span.to - span.from,
        repository: repo,
        manifest: subject.manifest.digest,
      };
    }),
    approvals: [...head.approvals].map(([name, { claim, signers }]): ApprovalFacts => {
      const evidence = (claim.evidence ?? []).map(({ type }) => type);
      return { name, team: claim.team, signers: namesOf(signers), ...agedFacts(claim, now), evidence };
    }),
    release: release ? { name: release.name, role: release.role } : {},
    channels: channelPlaces(head.chain.links, trust),
  };
}

function ownOf(map: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

function namesOf(signers: ClaimRecord['signers']): readonly string[] {
  return [...new Set([...signers.values()].map(({ signer }) => signer))].sort();
}

function agedFacts({ time }: { readonly time: string }, now: Date) {
  return { time, age: Math.floor((now.getTime() - Date.parse(time)) / 1000) };
}

/**
 * The team that each key of the config is owed to: the last whose step changed it. Each step's claim has signed the digest of
 * its config and of the one below, so nothing here is anybody's word. Undefined when one of the configs is not at hand.
 */
function findSetters(
  { links, complete }: Chain,
  configOf: ConfigSource,
): Readonly<Record<string, string>> | undefined {
  const setters = new Map<string, string>();
  if (!complete) return undefined;
  let before: ReturnType<ConfigSource>;
  for (const { claim } of links) {
    const digest: Digest = claim.subject.config.digest;
    const after = configOf(digest);
    if (after === undefined) return undefined;
    for (const { key, member, values } of compareConfigs(before, after)) {
      const name = member === undefined ? key : `${key}:${member}`;
      if (values.every(value => value === '') && !(member !== undefined && holds(after, key, member)))
        setters.delete(name);
      else setters.set(name, claim.team);
    }
    if (after['created'] !== before?.['created']) setters.set('/created', claim.team);
    before = after;
  }
  return Object.assign(Object.create(null), Object.fromEntries(setters));
}

/** Is a member there, though what it holds is empty? */
function holds(document: NonNullable<ReturnType<ConfigSource>>, key: string, member: string): boolean {
  const run = document['config'];
  const value =
    typeof run === 'object' && run !== null && !Array.isArray(run)
      ? (run as Record<string, unknown>)[key]
      : undefined;
  if (Array.isArray(value))
    return value.some(entry => entry === member || String(entry).startsWith(`${member}=`));
  return typeof value === 'object' && value !== null && Object.hasOwn(value, member);
}
