import { isDigest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import type { Signer } from '../crypto/keys.js';
import type { Claim } from '../custody/claim.js';
import type { CustodyPolicy } from '../custody/policy.js';
import type { CustodyVerdict } from '../custody/verdict.js';
import { createStoreAccess, openStore, resolveImage, type StoreAccess } from '../oci/open.js';
import { formatPlatform } from '../oci/platform.js';
import { formatReference, parseReference, pinReference } from '../oci/reference.js';
import type { LoadedPolicy } from '../policy/load.js';
import { type Line, line, renderLines } from '../report/lines.js';
import type { Located } from '../sign/mark-images.js';
import type { ClaimPlan, WrittenClaim } from '../sign/write-claim.js';
import type { WrittenStatement } from '../sign/write-statement.js';
import { TouchmarkCommand } from './base-command.js';
import type { RegistryFlagValues } from './flags/registry.js';
import type { SigningFlagValues } from './flags/signing.js';
import { loadSigners } from './load-signers.js';
import { printable, type Styler } from './text.js';

/** One claim of the result: about the image, or about one image of an index. */
export interface ClaimFacts {
  readonly subject: string;
  readonly platform: string;
  readonly kind: string;
  readonly team: string;
  readonly step: string;
  /** Digest of the claim; with --dry-run of what would be claimed. */
  readonly claim: string;
  /** The claim itself. */
  readonly document: Claim;
  readonly signatures: WrittenClaim['signatures'];
  /** The custody artifact that the chain travels in; null with --dry-run. */
  readonly artifact: string | null;
  /** Base first, this claim in it; empty with --dry-run. */
  readonly chain: readonly {
    readonly team: string;
    readonly step: string;
    readonly signers: readonly string[];
  }[];
  /** Signers that are still missing before the claim counts. */
  readonly missingSigners: number;
}

export interface ClaimingResult {
  readonly dryRun: boolean;
  readonly reference: string;
  readonly digest: string;
  /** The reference by digest: what was claimed. */
  readonly pinned: string;
  /** The base by digest. */
  readonly base: string | null;
  readonly claims: readonly ClaimFacts[];
  /** The claim about an index as a whole. */
  readonly index: WrittenStatement | null;
}

export interface ClaimingFlags extends RegistryFlagValues, SigningFlagValues {
  readonly policy: string;
  readonly team: string;
  readonly key: readonly string[];
  readonly as?: string | undefined;
  readonly platform?: string | undefined;
  readonly yes: boolean;
  readonly 'dry-run': boolean;
}

/** What a command of this family wants done with the image that it was given. */
export interface Claiming {
  readonly plans: readonly ClaimPlan[];
  /** Asked before anything is written: `Approve X as scan`. */
  readonly question: string;
  readonly base?: string | undefined;
  readonly write: (signers: readonly Signer[]) => Promise<{
    readonly images: readonly WrittenClaim[];
    readonly index: WrittenStatement | null;
  }>;
}

export interface ClaimingContext {
  readonly located: Located;
  readonly access: StoreAccess;
  readonly policy: CustodyPolicy;
  readonly now: Date;
}

/** What commands have in common that sign a claim: plan without a key, ask, open the keys, write, say what became of it. */
export abstract class ClaimingCommand extends TouchmarkCommand<ClaimingResult> {
  /** Past tense, for the first line: `marked`. */
  protected abstract readonly done: string;

  protected async claim(
    image: string,
    flags: ClaimingFlags,
    plan: (context: ClaimingContext) => Promise<Claiming>,
  ): Promise<ClaimingResult> {
    const reference = parseReference(image);
    const policy = await this.loadPolicy(flags.policy);
    const access = createStoreAccess(await this.storeOptions(flags));
    try {
      const store = await openStore(reference, access);
      try {
        if (!store.writable) fail('usage-read-only', `${image} cannot hold marks: it is read-only`);
        const root = await resolveImage(store, reference);
        const pinned = formatReference(pinReference(reference, root.descriptor.digest));
        const context = { located: { store, root }, access, policy: policy.policy, now: new Date() };
        const { plans, question, base, write } = await plan(context);
        const about = { reference: image, digest: root.descriptor.digest, pinned, base: base ?? null };
        if (flags['dry-run']) {
          return { dryRun: true, ...about, claims: plans.map(planned => factsOf(planned)), index: null };
        }
        if (reference.digest === undefined) {
          this.note(`${printable(image)} is ${root.descriptor.digest}`);
          await this.confirm(`${question} ${pinned}, which the tag names now?`, flags);
        }
        const { images, index } = await write(
          await loadSigners(flags.key, this.passwords(flags), message => this.warn(message)),
        );
        const claims = plans.map((planned, at) => factsOf(planned, images[at]));
        return { dryRun: false, ...about, claims, index };
      } finally {
        await store.close();
      }
    } finally {
      await access.close();
    }
  }

  protected async loadPolicy(file: string): Promise<LoadedPolicy> {
    const { loadPolicy } = await import('../policy/load.js');
    return loadPolicy(file);
  }

  /** Bytes of layers that have been read. */
  protected get onProgress(): (done: number, total: number) => void {
    const progress = this.progress();
    return (done, total) => progress.report({ phase: 'reading layers', done, total });
  }

  protected override text(result: ClaimingResult, style: Styler): string {
    return renderLines(presentClaiming(result, this.done), style, printable);
  }
}

/** @throws TouchmarkError `usage-argument` */
export function readClaimDigest(text: string | undefined) {
  if (text === undefined || isDigest(text)) return text;
  return fail('usage-argument', `--claim takes the digest of a claim, not ${JSON.stringify(text)}`, {
    hint: 'custody show lists the claims of an image with their digests',
  });
}

function factsOf(plan: ClaimPlan, written?: WrittenClaim): ClaimFacts {
  const { claim, digest, policy } = plan;
  const chain = written ? chainFacts(written.verdict) : [];
  const required =
    (claim.kind === 'approve'
      ? policy.approvals.find(({ name }) => name === claim.step)?.threshold
      : policy.flow.find(({ step }) => step === claim.step)?.threshold) ?? 1;
  const there = written && signersOf(written.verdict, digest);
  return {
    subject: claim.subject.manifest.digest,
    platform: formatPlatform(claim.platform),
    kind: claim.kind,
    team: claim.team,
    step: claim.step,
    claim: digest,
    document: claim,
    signatures: written?.signatures ?? [],
    artifact: written?.artifact ?? null,
    chain,
    missingSigners: Math.max(0, required - (there ?? 0)),
  };
}

function chainFacts({ chain }: CustodyVerdict) {
  return chain.map(({ team, step, signers }) => ({ team, step, signers }));
}

function signersOf({ chain, approvals }: CustodyVerdict, claim: string): number {
  return [...chain, ...approvals].find(entry => entry.claim === claim)?.signers.length ?? 0;
}

function presentClaiming(result: ClaimingResult, done: string): readonly Line[] {
  const head = line(
    result.pinned,
    '  ',
    result.dryRun ? { text: 'nothing written', style: 'yellow' } : { text: done, style: 'green' },
  );
  const built = result.base === null ? [] : [line(`  on        ${result.base}`)];
  return [head, ...built, ...result.claims.flatMap(facts => presentClaim(facts, result))];
}

function presentClaim(facts: ClaimFacts, { claims, dryRun }: ClaimingResult): readonly Line[] {
  const several = claims.length > 1 ? `${facts.platform}  ` : '';
  const { document } = facts;
  const span = 'span' in document ? spanText(document.span, document.kind) : '';
  const lines = [
    line(`  ${several}${facts.kind} `, { text: facts.step, style: 'bold' }, ` by team ${facts.team}${span}`),
    line({ text: `  claim     ${facts.claim}`, style: 'dim' }),
  ];
  if (dryRun)
    return [
      ...lines,
      ...JSON.stringify(document, null, 2)
        .split('\n')
        .map(text => line(`  ${text}`)),
    ];
  return [
    ...lines,
    ...facts.signatures.map(({ carrier, keyid, scheme, added }) =>
      line(
        `  ${carrier.padEnd(13)} key ${keyid.slice(0, 12)}  ${scheme}  `,
        added ? 'written' : 'was there already',
      ),
    ),
    ...(facts.chain.length > 0
      ? [line(`  chain     ${facts.chain.map(({ step }) => step).join(' → ')}`)]
      : []),
    ...(facts.missingSigners > 0 ? [missingLine(facts)] : []),
  ];
}

function spanText({ from, to }: { readonly from: number; readonly to: number }, kind: string): string {
  if (kind === 'approve') return '';
  if (to === from) return ', config only';
  return to - from === 1 ? `, layer ${from}` : `, layers ${from} to ${to - 1}`;
}

function missingLine({ missingSigners, team }: ClaimFacts): Line {
  const more = `${missingSigners} more signer${missingSigners === 1 ? '' : 's'} of team ${team}`;
  return line({
    text: `  waits     for ${more}: touchmark custody co-sign --team ${team} …`,
    style: 'yellow',
  });
}
