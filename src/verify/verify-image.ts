import { EXIT_CODES, type ReasonCode } from '../base/codes.js';
import type { Digest } from '../base/digest.js';
import { fail, type TouchmarkError, toTouchmarkError } from '../base/errors.js';
import type { RawManifest } from '../oci/manifest.js';
import { type StoreAccess, withImage } from '../oci/open.js';
import { selectPlatform } from '../oci/platform.js';
import { formatReference, parseReference } from '../oci/reference.js';
import type { Store } from '../oci/store.js';
import { type Asking, collectSignatures } from './collect.js';
import { checkContents } from './contents.js';
import { type Decision, decide, type Threshold } from './decide.js';
import { CARRIERS, type Carrier, type Problem } from './evidence.js';
import { type JudgedSignature, judgeSignature, type TrustedKey } from './judge.js';
import { checkRelease, lookUpRelease, type Release, type ReleaseLookup } from './release.js';

/** How far an image is looked into: its manifest, or every config and layer below it too. */
export const LEVELS = ['manifest', 'blobs'] as const;
export type Level = (typeof LEVELS)[number];

export interface VerifyOptions {
  /** At least one, unless there is {@link releaseOf}. */
  readonly keys: readonly TrustedKey[];
  /** Distinct keys that must have signed. Default: all of {@link keys}. */
  readonly threshold?: number;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Default: both. */
  readonly carriers?: readonly Carrier[];
  /**
   * The repository that signatures must name, for an image that was relocated. Default: the one the image lies in;
   * a layout or archive belongs to none, so nothing is compared there.
   */
  readonly repository?: string;
  /** Accept a signature for any repository. */
  readonly anyRepository?: boolean;
  /** Of an index, verify the child for this platform; a signature on the index covers it. */
  readonly platform?: string;
  /** Default: `blobs` on disk, where nobody else checks them; `manifest` in a registry, whose clients do. */
  readonly level?: Level;
  /** Default: `parallel`. */
  readonly asking?: Asking;
  /**
   * What tags were released as. Then a tag that was released must lead there, whatever is signed; and without any key the
   * release is what the verdict rests on.
   */
  readonly releaseOf?: ReleaseLookup;
}

/** The verdict on one image. */
export interface ImageVerdict {
  readonly reference: string;
  /** Null when the reference could not be resolved. */
  readonly digest: Digest | null;
  readonly mediaType: string | null;
  /** The reference by digest: what was verified, and what should be run. */
  readonly pinned: string | null;
  /** The index whose signature covers this image, when it was reached through one. */
  readonly through: Digest | null;
  readonly level: Level | null;
  /** Null is yes; anything else is not. */
  readonly code: ReasonCode | null;
  readonly message: string;
  readonly threshold: Threshold;
  readonly signatures: readonly JudgedSignature[];
  readonly problems: readonly Problem[];
  /** What the tag was released as; null where that is not recorded, or was not asked for. */
  readonly release: Release | null;
  /** When no decision could be reached. */
  readonly error: TouchmarkError | null;
}

/**
 * Verifies one image: resolves the reference once, collects signatures until the threshold is reached or nothing is left,
 * and judges them. Never throws for anything that concerns this image: what went wrong is in the verdict.
 * @throws TouchmarkError `usage-argument` when the options contradict each other
 */
export async function verifyImage(
  access: StoreAccess,
  reference: string,
  options: VerifyOptions,
): Promise<ImageVerdict> {
  const required = requiredKeys(options);
  try {
    const parsed = parseReference(reference);
    const release = options.releaseOf && (await lookUpRelease(options.releaseOf, parsed, options.repository));
    if (required === 0 && !release) refuseUnknown(reference);
    return await withImage(access, parsed, (store, root) =>
      verifyResolved(store, reference, root, options, required, release),
    );
  } catch (cause) {
    const error = toTouchmarkError(cause);
    const nothing = {
      digest: null,
      mediaType: null,
      pinned: null,
      through: null,
      level: null,
      signatures: [],
      problems: [],
      release: null,
    };
    const threshold = { required, valid: 0, signers: [] };
    return { reference, ...nothing, code: error.code, message: error.message, threshold, error };
  }
}

/** Distinct keys count once, however often they were given. */
function requiredKeys(options: VerifyOptions): number {
  const distinct = new Set(options.keys.map(({ key }) => key.keyid)).size;
  if (distinct === 0 && options.releaseOf) return 0;
  if (distinct === 0) fail('usage-argument', 'no key was given to verify with');
  const required = options.threshold ?? distinct;
  if (!Number.isSafeInteger(required) || required < 1 || required > distinct) {
    fail(
      'usage-argument',
      `a threshold of ${required} cannot be met: ${distinct} distinct key${distinct === 1 ? ' was' : 's were'} given`,
    );
  }
  return required;
}

function refuseUnknown(reference: string): never {
  return fail(
    'tuf-target-unlisted',
    `nothing is known of ${reference}: TUF has no release of it, and no key was given`,
    {
      hint: 'name a tag that its owners recorded (touchmark tuf target add --release), or add --key or --policy',
    },
  );
}

async function verifyResolved(
  store: Store,
  reference: string,
  root: RawManifest,
  options: VerifyOptions,
  required: number,
  release: Release | undefined,
): Promise<ImageVerdict> {
  const level = options.level ?? (store.namesRepository ? 'manifest' : 'blobs');
  const target = options.platform === undefined ? root : await selectPlatform(store, root, options.platform);
  const signed = (digest: Digest) =>
    required === 0 && release ? restOnRelease(release) : verifyDigest(store, digest, options, required);
  let outcome = await signed(root.descriptor.digest);
  let through: Digest | null = target === root ? null : root.descriptor.digest;
  if (target !== root && outcome.decision.code !== null) {
    const own = await signed(target.descriptor.digest);
    // A no is explained by the image's own signatures, unless it has none.
    if (own.decision.code !== 'sig-none') {
      outcome = own;
      through = null;
    }
  }
  let { code, message } = outcome.decision;
  let error: TouchmarkError | null = null;
  // Whatever is signed: the signatures of an older image are as good as ever.
  const moved = release && checkRelease(release, root.descriptor.digest);
  if (moved) ({ code, message } = moved);
  if (code === null && level === 'blobs') {
    try {
      await checkContents(store, target);
    } catch (cause) {
      error = toTouchmarkError(cause);
      ({ code, message } = error);
    }
  }
  return {
    reference,
    digest: target.descriptor.digest,
    mediaType: target.descriptor.mediaType,
    pinned: formatReference({ ...store.reference, digest: target.descriptor.digest }),
    through,
    level,
    code,
    message,
    threshold: outcome.decision.threshold,
    signatures: outcome.signatures,
    problems: outcome.problems,
    release: release ?? null,
    error: error ?? (moved ? null : undecided(outcome.decision, outcome.problems)),
  };
}

/** The error behind a decision that says "could not check". */
function undecided(decision: Decision, problems: readonly Problem[]): TouchmarkError | null {
  if (decision.code === null || EXIT_CODES[decision.code] < 18) return null;
  return problems.find(p => p.error.code === decision.code)?.error ?? null;
}

/** Without keys: whose word it is that this is the image. Whether it is, is compared for every release. */
function restOnRelease({ name, role }: Release): DigestOutcome {
  const threshold = { required: 0, valid: 0, signers: [] };
  const decision = { code: null, message: `is what ${role} released as ${name}`, threshold };
  return { decision, signatures: [], problems: [] };
}

export interface DigestOutcome {
  readonly decision: Decision;
  readonly signatures: readonly JudgedSignature[];
  readonly problems: readonly Problem[];
}

/** Verifies the signatures of one digest in a store that is open already; {@link verifyImage} is this and all around it. */
export async function verifyDigest(
  store: Store,
  image: Digest,
  options: VerifyOptions,
  required: number,
): Promise<DigestOutcome> {
  const policy = {
    image,
    keys: options.keys,
    annotations: options.annotations ?? {},
    repository: expectedRepository(store, options),
  };
  const signatures: JudgedSignature[] = [];
  const problems: Problem[] = [];
  let decision = decide(signatures, problems, required);
  for await (const evidence of collectSignatures(
    store,
    image,
    options.carriers ?? CARRIERS,
    options.asking,
  )) {
    problems.push(...evidence.problems);
    for (const found of evidence.signatures) signatures.push(await judgeSignature(found, policy));
    decision = decide(signatures, problems, required);
    if (decision.code === null) break;
  }
  return { decision, signatures, problems };
}

function expectedRepository(store: Store, options: VerifyOptions): string | undefined {
  if (options.anyRepository) return undefined;
  return options.repository ?? (store.namesRepository ? store.repository : undefined);
}
