import { isDigest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import type { Signer } from '../crypto/keys.js';
import type { CustodyPolicy } from '../custody/policy.js';
import { createStoreAccess, openStore, resolveImage, type StoreAccess } from '../oci/open.js';
import { formatReference, parseReference, pinReference } from '../oci/reference.js';
import type { LoadedPolicy } from '../policy/load.js';
import { renderLines } from '../report/lines.js';
import type { Located } from '../sign/mark-images.js';
import type { ClaimPlan } from '../sign/plan-claim.js';
import type { WrittenClaim } from '../sign/write-claim.js';
import type { WrittenStatement } from '../sign/write-statement.js';
import { TouchmarkCommand } from './base-command.js';
import { type ClaimingResult, factsOf, presentClaiming } from './claiming-result.js';
import type { RegistryFlagValues } from './flags/registry.js';
import type { SigningFlagValues } from './flags/signing.js';
import { loadSigners } from './load-signers.js';
import { printable, type Styler } from './text.js';

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
