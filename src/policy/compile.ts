import { fail } from '../base/errors.js';
import type { PublicKey } from '../crypto/keys.js';
import type { CustodyPolicy, Predicate, Team } from '../custody/policy.js';
import { crossCheck } from './cross-checks.js';
import { type DocumentFormat, type DocumentSource, readDocument } from './document-source.js';
import { durationOf } from './duration.js';
import { compileMetadata } from './metadata.js';
import { compilePaths, compileSeals, evidenceOf } from './path-rules.js';
import { predicatesOf } from './predicates.js';
import { KEY_LISTS, type KeyList, type PolicyDocument } from './schema.js';
import { checkShape, refuseDocument, type UnplacedProblem } from './schema-problems.js';

/** A document that is sound in itself; its keys have not been looked at. */
export interface ParsedPolicy {
  readonly document: PolicyDocument;
  readonly source: DocumentSource;
}

/** The keys of a team's signer, in the order of the document; undefined where it has no such list. */
export type KeysOf = (team: string, signer: string, list: KeyList) => readonly PublicKey[] | undefined;

/**
 * Reads a policy document.
 * @throws TouchmarkError `policy-invalid`, naming each problem with its place in the text
 */
export function parsePolicy(bytes: Uint8Array, where: string, format: DocumentFormat): ParsedPolicy {
  const source = readDocument(bytes, where, format);
  const document = checkShape(source);
  const problems = crossCheck(document);
  if (problems.length > 0) refuseDocument(source, problems);
  return { document, source };
}

/**
 * The policy as the check uses it, with every default written out.
 * @param predicates what {@link compilePredicates} made of the document's; one that has some is never compiled without
 * @throws TouchmarkError `policy-invalid` when one key stands twice in a team
 */
export function compilePolicy(
  { document, source }: ParsedPolicy,
  keysOf: KeysOf,
  predicates: readonly Predicate[] = [],
): CustodyPolicy {
  if (predicates.length !== predicatesOf(document).length)
    fail('internal', 'the predicates of the policy were not compiled');
  const teams = Object.entries(document.teams).map(
    ([name, { signers }]): Team => ({
      name,
      signers: Object.keys(signers).map(signer => {
        const [keys = [], retired, revoked] = KEY_LISTS.map(list => keysOf(name, signer, list));
        return { name: signer, keys, ...(retired && { retired }), ...(revoked && { revoked }) };
      }),
    }),
  );
  const problems = teams.flatMap(keysStandingTwice);
  if (problems.length > 0) refuseDocument(source, problems);
  return {
    name: document.name,
    version: document.version,
    digest: source.digest,
    expires: document.expires === undefined ? undefined : new Date(document.expires),
    repositories: document.scope.repositories,
    relocations: (document.scope.relocations ?? []).map(({ from, to, via }) => ({ from, to, via })),
    teams,
    skew: durationOf(document.marks?.skew ?? '5m'),
    carriers: document.marks?.carriers ?? ['bundle', 'simplesigning'],
    index: document.marks?.index,
    evidence: evidenceOf(document),
    identity: document.identity ?? 'manifest',
    flow: document.flow.map(step => ({
      step: step.step,
      team: step.team,
      kinds: step.kinds,
      count: step.count ?? [1, 1],
      threshold: step.threshold,
      maxAge: optionalDuration(step.maxAge),
      upstream: step.upstream,
      upstreamVerified: step.upstreamVerified ?? true,
      currency: step.currency,
    })),
    approvals: (document.approvals ?? []).map(rule => ({
      name: rule.name,
      team: rule.team,
      on: rule.on,
      threshold: rule.threshold,
      maxAge: optionalDuration(rule.maxAge),
      after: rule.after ?? [],
      evidence: (rule.evidence ?? []).map(({ type }) => type),
    })),
    distinctSigners: document.distinctSigners ?? true,
    config: Object.assign(
      Object.create(null),
      Object.fromEntries(
        Object.entries(document.config ?? {}).map(([step, { allow = [], deny = [] }]) => [
          step,
          { allow, deny },
        ]),
      ),
    ),
    paths: compilePaths(document.paths),
    seals: compileSeals(document.seals),
    metadata: compileMetadata(document.metadata, durationOf(document.marks?.skew ?? '5m')),
    predicates,
  };
}

function optionalDuration(text: string | undefined): number | undefined {
  return text === undefined ? undefined : durationOf(text);
}

/** A threshold counts signers: with one key under two names, one person would make two. */
function keysStandingTwice({ name: team, signers }: Team): UnplacedProblem[] {
  const owners = new Map<string, string>();
  const lists = signers.flatMap(signer =>
    KEY_LISTS.map(list => ({ signer: signer.name, list, keys: signer[list] ?? [] })),
  );
  return lists.flatMap(({ signer, list, keys }) =>
    keys.flatMap(({ keyid }, i): UnplacedProblem[] => {
      const owner = owners.get(keyid);
      owners.set(keyid, owner ?? signer);
      if (owner === undefined) return [];
      return [
        {
          path: ['teams', team, 'signers', signer, list, i],
          problem: `is the key ${keyid.slice(0, 12)}…, which ${owner === signer ? 'stands here already' : `${JSON.stringify(owner)} has in the same team`}`,
          hint:
            owner === signer ? 'list each key once' : 'one key is one signer: each needs a key of their own',
        },
      ];
    }),
  );
}
