import { fail, type TouchmarkError } from '../src/base/errors.js';
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
import { readThreshold, trustFlags } from '../src/cli/flags/trust.js';
import { Args, Flags } from '../src/cli/oclif.js';
import { requireOneRegistry } from '../src/cli/one-registry.js';
import { printable, type Styler } from '../src/cli/text.js';
import { loadTrustedKeys } from '../src/cli/trusted-keys.js';
import { createStoreAccess } from '../src/oci/open.js';
// Not from the room's front door, which would bring the presenters of custody into every start.
import { renderLines } from '../src/report/lines.js';
import { explainVerdict, presentVerdict, presentVerdictLine } from '../src/report/verify-text.js';
import { type ImageVerdict, LEVELS, type Level, verifyImages } from '../src/verify/index.js';
import { type ImageReport, reportImage } from '../src/verify/report.js';

interface Result {
  readonly images: readonly ImageReport[];
  readonly summary: { readonly total: number; readonly verified: number };
}

export default class Verify extends TouchmarkCommand<Result> {
  static override summary = 'Check who signed an image: the gate';
  static override description =
    'Reads signatures of both formats, touchmark’s and cosign’s, until enough of the given keys have signed; or with --policy ' +
    'proves who put every layer there (custody verify says more). ' +
    'A tag is resolved once; what was verified is printed by digest. Exit code 0 is the only yes.';
  static override schema = 'verify';
  static override exitCodes = [10, 11, 12, 14, 15, 16, 18, 20, 21, 22, 24] as const;
  static override examples = [
    { description: 'One key', command: 'touchmark verify --key ada.pub registry.example/app:1.4' },
    {
      description: 'Two of three keys, as JSON',
      command:
        'touchmark verify --key ada.pub --key ben.pub --key cyd.pub --threshold 2 -o json registry.example/app:1.4',
    },
    {
      description: 'Every layer, under a custody policy',
      command: 'touchmark verify --policy policy.yaml registry.example/app:1.4',
    },
    {
      description: 'Many images in one process',
      command: 'touchmark verify --key ada.pub --images list.txt',
    },
  ];
  static override strict = false;
  static override args = {
    image: Args.string({ description: 'IMAGE…: registry reference, oci:DIR[:TAG], oci-archive:FILE' }),
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
    ...registryFlags,
  };

  #verdicts: readonly ImageVerdict[] = [];
  #custody: CustodyRun | undefined;

  protected override async execute(): Promise<Result> {
    const { argv, flags } = await this.parse(Verify);
    const references = await readImages(
      argv,
      flags.images,
      (purpose, size) => this.readStdin(purpose, size),
      'touchmark verify --key NAME.pub IMAGE',
    );
    if (flags.policy !== undefined) {
      refuseWithPolicy(flags);
      const { runCustody } = await import('../src/cli/custody-run.js');
      const { policy } = flags;
      this.#custody = await runCustody(
        references,
        { ...flags, policy },
        {
          options: await this.storeOptions(flags),
          signal: this.signal,
          progress: () => this.progress(),
        },
      );
      return resultOf(this.#custody.imageReports());
    }
    if (flags.key === undefined) {
      fail('usage-argument', 'nothing is given to verify with: a key or a policy', {
        hint: 'touchmark verify --key NAME.pub IMAGE, or touchmark verify --policy policy.yaml IMAGE',
      });
    }
    const keys = await loadTrustedKeys(flags.key);
    const threshold = readThreshold(flags.threshold, keys.length);
    if (flags['insecure-ignore-repository']) this.warn('signatures for any repository are accepted');
    const options = await this.storeOptions(flags);
    requireOneRegistry(references, options);
    const access = createStoreAccess(options);
    const progress = references.length > 1 ? this.progress() : undefined;
    try {
      this.#verdicts = await verifyImages(access, references, {
        keys,
        threshold,
        annotations: readAnnotations(flags.annotation),
        carriers: readCarriers(flags.carrier),
        concurrency: Math.max(flags.concurrency, 1) * 2,
        ...(flags.as !== undefined && { repository: flags.as }),
        anyRepository: flags['insecure-ignore-repository'],
        ...(flags.platform !== undefined && { platform: flags.platform }),
        ...(flags.level !== undefined && { level: flags.level as Level }),
        onVerdict: (_, done, total) => progress?.report({ phase: 'verifying', done, total }),
      });
    } finally {
      await access.close();
    }
    return resultOf(this.#verdicts.map(reportImage));
  }

  protected override text({ images, summary }: Result, style: Styler): string {
    if (this.#custody) return this.#custody.text(style);
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
    return this.#custody?.problems() ?? this.#verdicts.flatMap(verdict => explainVerdict(verdict) ?? []);
  }
}

function resultOf(images: readonly ImageReport[]): Result {
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
