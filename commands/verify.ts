import { fail, type TouchmarkError } from '../src/base/errors.js';
import type { Attested } from '../src/cli/attest-outcomes.js';
import { TouchmarkCommand } from '../src/cli/base-command.js';
import type { CustodyRun } from '../src/cli/custody-run.js';
import { variableOf } from '../src/cli/environment.js';
import {
  annotationFlag,
  carrierFlag,
  platformFlag,
  readAnnotations,
  readCarriers,
  repositoryFlag,
} from '../src/cli/flags/image.js';
import { imagesFlag, readImages } from '../src/cli/flags/images.js';
import { registryFlags } from '../src/cli/flags/registry.js';
import { passwordFlags, type SigningFlagValues } from '../src/cli/flags/signing.js';
import { readThreshold, trustFlags } from '../src/cli/flags/trust.js';
import { tufFlags } from '../src/cli/flags/tuf.js';
import { Args, Flags, type FlagsOf } from '../src/cli/oclif.js';
import { requireOneRegistry } from '../src/cli/one-registry.js';
import { printable, type Styler } from '../src/cli/text.js';
import { loadTrustedKeys } from '../src/cli/trusted-keys.js';
import type { StoreOptions } from '../src/oci/context.js';
import { createStoreAccess } from '../src/oci/open.js';
// Not from the room's front door, which would bring the presenters of custody into every start.
import { type Line, renderLines } from '../src/report/lines.js';
import { explainVerdict, presentVerdict, presentVerdictLine } from '../src/report/verify-text.js';
import type { WrittenAttestation } from '../src/sign/attest-verdict.js';
import { type ImageVerdict, LEVELS, type Level, verifyImages } from '../src/verify/index.js';
import { type ImageReport, reportImage } from '../src/verify/report.js';
import type { TrustReport } from '../src/verify/trust-report.js';
import type { TrustView } from '../src/verify/trust-view.js';

interface AttestedReport extends ImageReport {
  /** Only with --attest; null where the verdict is no yes. */
  readonly attestation?: WrittenAttestation | null;
}

interface Result {
  readonly images: readonly AttestedReport[];
  /** Only with --tuf. */
  readonly trust?: TrustReport;
  readonly summary: { readonly total: number; readonly verified: number };
}

export default class Verify extends TouchmarkCommand<Result> {
  static override summary = 'Check who signed an image: the gate';
  static override description =
    'Reads signatures of both formats, touchmark’s and cosign’s, until enough of the given keys have signed; or with --policy ' +
    'proves who put every layer there (custody verify says more). --attest signs a yes under a policy for admission controllers; ' +
    'use a key for it that signs nothing else, for cosign verify takes any statement of a key for its signature. ' +
    'With --tuf, policy and teams come from there, and a tag must lead to the digest that was released last. ' +
    'A tag is resolved once; what was verified is printed by digest. Exit code 0 is the only yes.';
  static override schema = 'verify';
  static override exitCodes = [10, 11, 12, 14, 15, 16, 17, 18, 20, 21, 22, 23, 24] as const;
  static override examples = [
    { description: 'One key', command: 'touchmark verify --key ada.pub registry.example/app:1.4' },
    {
      description: 'Two of three keys, as JSON',
      command:
        'touchmark verify --key ada.pub --key ben.pub --key cyd.pub --threshold 2 -o json registry.example/app:1.4',
    },
    {
      description: 'Every layer, under a custody policy, with a signed summary for cosign verify-attestation',
      command: 'touchmark verify --policy policy.yaml --attest verifier.key registry.example/app:1.4',
    },
    {
      description: 'A tag, held to the newest release that its owners signed',
      command:
        'touchmark verify --root root.json --tuf oci://registry.example/trust registry.example/app:1.4',
    },
    {
      description: 'Many images in one process',
      command: 'touchmark verify --key ada.pub --images list.txt',
    },
  ];
  static override strict = false;
  static override args = {
    image: Args.string({ description: 'registry reference, oci:DIR[:TAG], oci-archive:FILE' }),
  };
  static override flags = {
    ...trustFlags,
    ...annotationFlag,
    ...repositoryFlag,
    // No variable: a forgotten one would take signatures for any repository in every later run.
    'insecure-ignore-repository': Flags.boolean({
      summary: 'accept a signature for any repository',
      exclusive: ['as'],
    }),
    ...carrierFlag,
    ...platformFlag,
    level: Flags.string({
      options: [...LEVELS],
      helpValue: LEVELS.join('|'),
      env: variableOf('level'),
      summary: 'blobs: read config and layers too; default blobs on disk, manifest in a registry',
    }),
    ...imagesFlag,
    // No variable: a forgotten one would sign what every later run says yes to.
    attest: Flags.string({
      helpGroup: 'SIGNING',
      helpValue: 'REF',
      summary: 'with --policy: sign each yes with this private key, as a SLSA verification summary',
    }),
    ...passwordFlags,
    ...tufFlags,
    ...registryFlags,
  };

  #verdicts: readonly ImageVerdict[] = [];
  #custody: CustodyRun | undefined;
  #attested: Attested | undefined;
  #trustLine: Line | undefined;

  protected override async execute(): Promise<Result> {
    const { argv, flags } = await this.parse(Verify);
    const references = await readImages(
      argv,
      flags.images,
      (purpose, size) => this.readStdin(purpose, size),
      'touchmark verify --key NAME.pub IMAGE',
    );
    if (flags.policy !== undefined) refuseWithPolicy(flags);
    const options = await this.storeOptions(flags);
    const now = new Date();
    const onWarning = (text: string) => this.warn(text);
    const isTrusting = flags.tuf !== undefined || flags.root !== undefined;
    // Loaded on demand: a run with keys alone does not pay for it.
    const trust = isTrusting
      ? await (await import('../src/cli/custody-run.js')).openImageTrust(references, flags, {
          options,
          now,
          onWarning,
        })
      : undefined;
    try {
      const images = await this.#verify(references, flags, { options, now, view: trust?.view });
      this.#trustLine = trust?.line;
      return trust ? { ...images, trust: trust.report } : images;
    } finally {
      await trust?.close();
    }
  }

  async #verify(
    references: readonly string[],
    flags: FlagsOf<typeof Verify>,
    { options, now, view }: { options: StoreOptions; now: Date; view: TrustView | undefined },
  ): Promise<Result> {
    // Keys that are given decide, and with TUF the release besides them; otherwise a policy, where there is one.
    const policy =
      flags.policy !== undefined || (view && flags.key === undefined)
        ? await (await import('../src/cli/custody-run.js')).choosePolicy(references, flags, view)
        : undefined;
    if (policy) {
      refuseWithPolicy(flags);
      const { runCustody } = await import('../src/cli/custody-run.js');
      this.#custody = await runCustody(references, flags, {
        options,
        policy,
        trust: view,
        now,
        signal: this.signal,
        progress: () => this.progress(),
      });
      if (flags.attest !== undefined) await this.#attest(this.#custody, flags, flags.attest, options);
      const images = this.#custody.imageReports();
      return resultOf(
        this.#attested
          ? images.map((image, at) => ({
              ...image,
              attestation: this.#attested?.attestations.get(at) ?? null,
            }))
          : images,
      );
    }
    if (flags.key === undefined && !view) {
      fail('usage-argument', 'nothing is given to verify with: a key or a policy, or a TUF repository', {
        hint: 'touchmark verify --key NAME.pub IMAGE, or touchmark verify --policy policy.yaml IMAGE',
      });
    }
    if (flags.key === undefined) refuseWithoutKeys(flags);
    if (flags.attest !== undefined) {
      fail('usage-argument', '--attest signs what a policy says, and none is given', {
        hint: 'an image that was checked against keys is signed by: touchmark sign',
      });
    }
    const keys = flags.key === undefined ? [] : await loadTrustedKeys(flags.key);
    const threshold = flags.key === undefined ? undefined : readThreshold(flags.threshold, keys.length);
    if (flags['insecure-ignore-repository']) this.warn('signatures for any repository are accepted');
    requireOneRegistry(references, options);
    const access = createStoreAccess(options);
    const progress = references.length > 1 ? this.progress() : undefined;
    try {
      this.#verdicts = await verifyImages(access, references, {
        keys,
        ...(threshold !== undefined && { threshold }),
        annotations: readAnnotations(flags.annotation),
        carriers: readCarriers(flags.carrier),
        concurrency: Math.max(flags.concurrency, 1) * 2,
        ...(flags.as !== undefined && { repository: flags.as }),
        anyRepository: flags['insecure-ignore-repository'],
        ...(flags.platform !== undefined && { platform: flags.platform }),
        ...(flags.level !== undefined && { level: flags.level as Level }),
        ...(view && { releaseOf: view.releaseOf }),
        onVerdict: (_, done, total) => progress?.report({ phase: 'verifying', done, total }),
      });
    } finally {
      await access.close();
    }
    return resultOf(this.#verdicts.map(reportImage));
  }

  async #attest(
    run: CustodyRun,
    flags: SigningFlagValues & { readonly as?: string | undefined },
    key: string,
    options: StoreOptions,
  ): Promise<void> {
    const { attestOutcomes } = await import('../src/cli/attest-outcomes.js');
    this.#attested = await attestOutcomes(run.outcomes, {
      policy: run.policy,
      creator: this.creator,
      repository: flags.as,
      options,
      key,
      passwords: this.passwords(flags),
      onWarning: message => this.warn(message),
    });
  }

  protected override text(result: Result, style: Styler): string {
    const words = this.#words(result, style);
    return this.#trustLine ? `${words}\n${renderLines([this.#trustLine], style, printable)}` : words;
  }

  #words({ images, summary }: Result, style: Styler): string {
    if (this.#custody) {
      const attested = [...(this.#attested?.attestations.values() ?? [])];
      return [
        this.#custody.text(style),
        ...(attested.length > 0 ? [''] : []),
        ...attested.map(attestationLine),
      ].join('\n');
    }
    const [only] = this.#verdicts;
    if (images.length === 1 && only) return renderLines(presentVerdict(only), style, printable);
    const lines = this.#verdicts.map(presentVerdictLine);
    return renderLines(
      [...lines, [`${summary.verified} of ${summary.total} images verified`]],
      style,
      printable,
    );
  }

  protected override problems(): readonly TouchmarkError[] {
    if (this.#custody) return [...this.#custody.problems(), ...(this.#attested?.failures ?? [])];
    return this.#verdicts.flatMap(verdict => explainVerdict(verdict) ?? []);
  }
}

function attestationLine({ subject, keyid, added }: WrittenAttestation): string {
  const what = added ? 'attested' : 'attested already, within the last day:';
  return `  ${what} ${subject} as passed, key ${keyid.slice(0, 12)}`;
}

function resultOf(images: readonly AttestedReport[]): Result {
  return { images, summary: { total: images.length, verified: images.filter(image => image.ok).length } };
}

/** What is about keys says nothing about a policy, and a requirement is never left out silently. */
const ABOUT_KEYS = ['key', 'threshold', 'annotation', 'carrier', 'insecure-ignore-repository'] as const;

/** @throws TouchmarkError `usage-argument` */
function refuseWithPolicy(flags: Readonly<Record<(typeof ABOUT_KEYS)[number], unknown>>): void {
  const given = ABOUT_KEYS.find(name => flags[name] !== undefined && flags[name] !== false);
  if (given === undefined) return;
  fail('usage-argument', `--policy and --${given} exclude each other: keys and rules stand in the policy`, {
    hint: `leave --${given} away (and ${variableOf(given)} unset), or verify with keys and with the policy in two runs`,
  });
}

/** @throws TouchmarkError `usage-argument` */
function refuseWithoutKeys(flags: Readonly<Record<(typeof ABOUT_KEYS)[number], unknown>>): void {
  const given = ABOUT_KEYS.find(name => flags[name] !== undefined && flags[name] !== false);
  if (given === undefined) return;
  fail('usage-argument', `--${given} is about signatures, and no key is given to verify them with`, {
    hint: `add --key NAME.pub, or leave --${given} away (and ${variableOf(given)} unset)`,
  });
}
